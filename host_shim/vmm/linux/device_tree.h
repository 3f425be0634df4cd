// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The device tree of a Linux guest: what layout.h has, as Linux's bindings say it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"

namespace ravelin::vmm {

// How the guest calls PSCI (DEN 0022).
enum class PsciConduit {
  kHvc,
  kSmc,
};

struct MemoryRange {
  Ipa start;
  std::uint64_t bytes;
};

struct TreeConfig {
  unsigned cpus = 1;
  MemoryRange memory{};
  PsciConduit psci = PsciConduit::kHvc;
  std::size_t virtio_devices = 0;
  std::string bootargs;
  std::optional<MemoryRange> initrd;
  std::vector<std::byte> random_seed;  // for the kernel's generator
  std::uint64_t layout_seed = 0;       // for the kernel's address space layout
};

// Larger than any tree that BuildDeviceTree writes.
inline constexpr std::size_t kMostTreeBytes = std::size_t{64} << 10;

Result<std::vector<std::byte>> BuildDeviceTree(const TreeConfig& config);

}  // namespace ravelin::vmm
