// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include <libfdt.h>

#include <cstdio>

#include "toolchain/smoke/headers.h"

int main() {
  std::printf("%u %s\n", ravelin::smoke::LargestPowerOfTwo("@").value_or(0), fdt_strerror(-1));
  return 0;
}
