// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The machine's RAM as the checker reads it: the plugin maps QEMU's, tests have a small one.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"

namespace ravelin::observer {

class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;

  // An aligned word as it is now; 0 outside of RAM.
  [[nodiscard]] virtual std::uint64_t Word(Pa address) const = 0;
};

}  // namespace ravelin::observer
