// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/self_test.h"
#include "hyp/trace/panic.h"

namespace ravelin::boot {

void RunSelfTest(std::string_view name) {
  if (!name.empty()) {
    Refuse("ravelin.selftest= needs the image ravelin_selftest");
  }
}

}  // namespace ravelin::boot
