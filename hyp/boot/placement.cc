// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/placement.h"

#include <algorithm>

namespace ravelin::boot {
namespace {

constexpr std::uint64_t kBlock2M = std::uint64_t{2} << 20;
constexpr std::uint64_t kBlock1G = std::uint64_t{1} << 30;
constexpr std::uint64_t kRecordBytes = 8;

// Tables of 512 entries for each 2 MiB and each GiB that a region touches, one more at each level
// for where it starts and ends off a boundary.
std::uint64_t TablePages(const Machine& machine) {
  std::uint64_t pages = 0;
  for (const Region& ram : machine.ram) {
    pages += ram.size / kBlock2M + 2 + ram.size / kBlock1G + 2 + 1;
  }
  return pages;
}

// The highest address at which `size` bytes end below `limit` in `ram`, free of `taken`; 0 if none.
std::uint64_t HighestFit(const Region& ram, const ReservedList& taken, std::uint64_t size) {
  std::uint64_t end = AlignDown(ram.end().raw(), kCarveoutAlignment);
  while (end >= ram.first.raw() + size) {
    // Within one GiB: the early linear map has one table for it.
    const std::uint64_t gib = AlignDown(end - 1, kBlock1G);
    if (end - size < gib) {
      end = gib;
      continue;
    }
    const Region candidate{Pa{end - size}, size};
    const auto* obstacle = std::find_if(taken.begin(), taken.end(),
                                        [&](const Region& r) { return r.Overlaps(candidate); });
    if (obstacle == taken.end()) {
      return end - size;
    }
    end = AlignDown(obstacle->first.raw(), kCarveoutAlignment);
  }
  return 0;
}

}  // namespace

std::uint64_t HostTablePages(const Machine& machine) {
  // RAM with every block split, and all level-1 tables of a 48-bit space: MMIO that the host finds
  // anywhere in it.
  constexpr std::uint64_t kLevel1Tables = 512;
  return TablePages(machine) + kLevel1Tables;
}

std::uint64_t CarveoutSize(const Machine& machine, std::uint64_t per_cpu_bytes) {
  std::uint64_t ram = 0;
  for (const Region& region : machine.ram) {
    ram += region.size;
  }
  const std::uint64_t records = ram / kPageSize * kRecordBytes;
  const std::uint64_t tables = (TablePages(machine) + 64 + HostTablePages(machine)) * kPageSize;
  const std::uint64_t cpus = machine.cpus.size() * per_cpu_bytes;
  return AlignUp(kBlock2M + records + tables + cpus, kCarveoutAlignment);
}

Accepted<Carveout> PlaceCarveout(const Machine& machine, const ReservedList& occupied,
                                 std::uint64_t size) {
  const std::uint64_t total = size + kHostTreeSpace;
  if (total > kBlock1G) {
    return Refusal("more RAM than the monitor can manage (its carve-out would exceed 1 GiB)");
  }
  ReservedList taken = machine.reserved;
  for (const Region& region : occupied) {
    if (!taken.Add(region)) {
      return Refusal("too many reserved regions of memory");
    }
  }
  for (std::size_t i = machine.ram.size(); i > 0; --i) {
    const std::uint64_t at = HighestFit(machine.ram[i - 1], taken, total);
    if (at != 0) {
      return Carveout{.monitor = {Pa{at + kHostTreeSpace}, size},
                      .host_tree = {Pa{at}, kHostTreeSpace}};
    }
  }
  return Refusal("too little RAM: no room for the monitor beside the payloads");
}

}  // namespace ravelin::boot
