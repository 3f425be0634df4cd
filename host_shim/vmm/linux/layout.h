// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Where things are in the guest's physical address space, and which interrupts they have. The
// device tree tells the guest; nothing here is an interface.
//
// Each device has a page of its own, so that a protected guest can say page by page what is a
// device of the host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host_shim/vmm/guest_memory.h"

namespace ravelin::vmm {

inline constexpr unsigned kMostCpus = 64;

inline constexpr Ipa kGicDistributor{0x08000000};
inline constexpr std::uint64_t kGicDistributorBytes = 0x10000;
inline constexpr Ipa kGicRedistributors{0x080a0000};
inline constexpr std::uint64_t kGicRedistributorBytes = 0x20000;  // of each CPU

inline constexpr Ipa kSerialBase{0x09000000};
inline constexpr Ipa kClockBase{0x09010000};
inline constexpr Ipa kVirtioBase{0x0a000000};
inline constexpr std::uint64_t kDeviceBytes = kPageSize;

inline constexpr Ipa kRamBase{0x80000000};

static_assert(Raw(kGicRedistributors) + kMostCpus * kGicRedistributorBytes <= Raw(kSerialBase));

// Numbers of shared peripheral interrupts, as a device tree counts them: from 0.
inline constexpr unsigned kSerialInterrupt = 1;
inline constexpr unsigned kVirtioInterrupt = 16;  // and one more for each further device

constexpr Ipa VirtioRegisters(std::size_t index) {
  return Ipa{Raw(kVirtioBase) + index * kDeviceBytes};
}

}  // namespace ravelin::vmm
