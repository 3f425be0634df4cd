// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The device tree that the host gets: the bootloader's, edited. The carve-out is reserved, the
// host's payload stands where Linux looks for it, the timer names only what the host may use, and a
// node tells the driver what is below it.
#pragma once

#include <cstdint>
#include <span>

#include "hyp/boot/device_tree.h"

namespace ravelin::boot {

struct HostTreePlan {
  const Machine* machine = nullptr;
  Region carveout;
  Mode mode = Mode::kProtected;
};

// Writes the edited copy of `source` into `target`, packed. `source` has passed ReadDeviceTree.
Accepted<std::uint64_t> WriteHostTree(const void* source, std::span<std::byte> target,
                                      const HostTreePlan& plan);

}  // namespace ravelin::boot
