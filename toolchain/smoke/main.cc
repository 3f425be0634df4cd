// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "toolchain/smoke/headers.h"

extern "C" void Smoke() {
  [[maybe_unused]] static volatile std::uint32_t result;
  result = ravelin::smoke::LargestPowerOfTwo("Ravelin @").value_or(0);
}

extern "C" void* memset(void* to, int byte, std::size_t count) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(byte);
  return to;
}
