// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the monitor takes from the device tree (Devicetree Specification 0.4) that the bootloader
// hands over: memory, CPUs, the devices that it depends on, and the payloads, which are described
// in /chosen as `multiboot,module` nodes of type `multiboot,kernel` and `multiboot,ramdisk` (the
// convention of Xen and of QEMU's guest-loader). Pure reading: nothing is written and no device is
// touched.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "hyp/base/inline_vector.h"
#include "hyp/base/mode.h"
#include "hyp/base/types.h"

namespace ravelin::boot {

inline constexpr std::size_t kMaxCpus = 64;
inline constexpr std::size_t kMaxRamRegions = 32;
inline constexpr std::size_t kMaxReserved = 64;
// A larger tree is refused; Linux has the same limit (Documentation/arm64/booting.rst).
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{2} << 20;

struct Region {
  Pa first;
  std::uint64_t size = 0;

  [[nodiscard]] constexpr Pa end() const { return first + size; }
  [[nodiscard]] constexpr bool Overlaps(const Region& other) const {
    return first < other.end() && other.first < end();
  }
  [[nodiscard]] constexpr bool Contains(const Region& other) const {
    return first <= other.first && other.end() <= end();
  }
};

using RegionList = InlineVector<Region, kMaxRamRegions>;
using ReservedList = InlineVector<Region, kMaxReserved>;

// Why the machine or its payload is refused: a sentence for the UART.
using Refusal = std::unexpected<std::string_view>;
template <typename T>
using Accepted = std::expected<T, std::string_view>;

// Redistributors of the GICv3, one after the other (Linux, arm,gic-v3.yaml).
struct RedistributorList {
  InlineVector<Region, kMaxRamRegions> regions;
  std::uint64_t stride = 0;  // `redistributor-stride`; 0: the size of their frames
};

struct Machine {
  RegionList ram;                              // sorted by address, disjoint
  ReservedList reserved;                       // memory that somebody has reserved already
  InlineVector<std::uint64_t, kMaxCpus> cpus;  // MPIDR affinity, in the order of the tree
  RedistributorList redistributors;
  std::optional<Pa> uart;  // a PL011 named by /chosen/stdout-path
  Region kernel;
  std::optional<Region> ramdisk;
  std::string_view bootargs;  // the host's command line
};

// Reads the tree at `blob`, of which at most kMaxTreeSize bytes are looked at.
Accepted<Machine> ReadDeviceTree(const void* blob);

// The size in bytes that the tree's header claims, if the header is one.
Accepted<std::uint64_t> TreeSize(const void* blob);

// `ravelin.mode=` of the command line: protected (also if absent), nvhe or none.
Accepted<Mode> ReadMode(std::string_view bootargs);
std::string_view ModeName(Mode mode);

// The value of the last `name=value` word of a command line.
std::optional<std::string_view> FindOption(std::string_view bootargs, std::string_view name);

// Facts of the arm64 Image header at the start of the host kernel (booting.rst).
struct KernelImage {
  std::uint64_t image_size;  // memory that it needs from its start, static data included
};
Accepted<KernelImage> ReadKernelHeader(const void* header, const Region& where);

}  // namespace ravelin::boot
