// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The carve-out: how large it is, and that it lies as high as it fits and on nothing else.
#include "hyp/boot/placement.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "stage2/format/geometry.h"
#include "stage2/ownership/ownership.h"

namespace ravelin::boot {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kPerCpu = 64 << 10;

Machine MachineWith(const std::vector<Region>& ram, const std::vector<Region>& reserved = {}) {
  Machine machine;
  for (const Region& region : ram) {
    EXPECT_TRUE(machine.ram.Add(region));
  }
  for (const Region& region : reserved) {
    EXPECT_TRUE(machine.reserved.Add(region));
  }
  EXPECT_TRUE(machine.cpus.Add(0));
  return machine;
}

Region All(const Carveout& carveout) {
  return {carveout.host_tree.first, carveout.host_tree.size + carveout.monitor.size};
}

// The slow way to the same answer.
std::uint64_t HighestPlace(const Machine& machine, const ReservedList& occupied,
                           std::uint64_t size) {
  for (std::size_t i = machine.ram.size(); i > 0; --i) {
    const Region& ram = machine.ram[i - 1];
    std::uint64_t at = AlignDown(ram.end().raw(), kCarveoutAlignment);
    for (; at >= ram.first.raw() + size; at -= kCarveoutAlignment) {
      const Region place{Pa{at - size}, size};
      const auto hit = [&](const Region& other) { return other.Overlaps(place); };
      const bool in_one_gib = (at - size) / kGiB == (at - 1) / kGiB;
      if (in_one_gib && std::none_of(machine.reserved.begin(), machine.reserved.end(), hit) &&
          std::none_of(occupied.begin(), occupied.end(), hit)) {
        return at - size;
      }
    }
  }
  return 0;
}

TEST(PlacementTest, HighestInRamWithTheHostsTreeBelow) {
  const Machine machine = MachineWith({{Pa{kGiB}, kGiB}});
  const auto placed = PlaceCarveout(machine, {}, 16 * kMiB);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->monitor.end(), Pa{2 * kGiB});
  EXPECT_EQ(placed->monitor.size, 16 * kMiB);
  EXPECT_EQ(placed->host_tree.end(), placed->monitor.first);
  EXPECT_EQ(placed->host_tree.size, kHostTreeSpace);
}

TEST(PlacementTest, GoesBelowWhatIsTaken) {
  const Machine machine = MachineWith({{Pa{kGiB}, kGiB}}, {{Pa{2 * kGiB - 0x1000}, 0x1000}});
  ReservedList occupied;
  ASSERT_TRUE(occupied.Add({Pa{2 * kGiB - 8 * kMiB}, 1}));
  const auto placed = PlaceCarveout(machine, occupied, 4 * kMiB);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->monitor.end(), Pa{2 * kGiB - 8 * kMiB});
}

TEST(PlacementTest, DoesNotCrossAGiB) {
  const Machine machine = MachineWith({{Pa{kGiB}, kGiB + 4 * kMiB}});
  const auto placed = PlaceCarveout(machine, {}, 4 * kMiB);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->monitor.end(), Pa{2 * kGiB});
}

TEST(PlacementTest, TakesTheNextRegionIfTheHighestIsTooSmall) {
  const Machine machine = MachineWith({{Pa{kGiB}, kGiB / 2}, {Pa{4 * kGiB}, 2 * kMiB}});
  const auto placed = PlaceCarveout(machine, {}, 4 * kMiB);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->monitor.end(), Pa{kGiB + kGiB / 2});
}

TEST(PlacementTest, Refusals) {
  const Machine small = MachineWith({{Pa{kGiB}, 4 * kMiB}});
  EXPECT_TRUE(PlaceCarveout(small, {}, 2 * kMiB));
  EXPECT_EQ(PlaceCarveout(small, {}, 4 * kMiB).error(),
            "too little RAM: no room for the monitor beside the payloads");
  EXPECT_EQ(PlaceCarveout(small, {}, kGiB).error(),
            "more RAM than the monitor can manage (its carve-out would exceed 1 GiB)");
  ReservedList full;
  while (full.Add({Pa{0}, 1})) {
  }
  EXPECT_EQ(PlaceCarveout(MachineWith({{Pa{kGiB}, kGiB}}, {{Pa{0}, 1}}), full, kMiB).error(),
            "too many reserved regions of memory");
}

TEST(PlacementTest, TakesTheHighestPlaceThatThereIs) {
  std::mt19937_64 random(20260);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    const std::uint64_t first = kGiB + AlignDown(below(kGiB), kPageSize);
    Machine machine = MachineWith({{Pa{first}, kPageSize + AlignDown(below(kGiB), kPageSize)},
                                   {Pa{4 * kGiB}, kPageSize + AlignDown(below(kGiB), kPageSize)}});
    ReservedList occupied;
    for (std::uint64_t i = below(12); i > 0; --i) {
      const Region& ram = machine.ram[below(2)];
      ASSERT_TRUE(machine.reserved.Add({ram.first + below(ram.size), below(64 * kMiB)}));
      ASSERT_TRUE(occupied.Add({ram.first + below(ram.size), 1 + below(kGiB / 4)}));
    }
    const std::uint64_t size = kCarveoutAlignment * (1 + below(64));
    const auto placed = PlaceCarveout(machine, occupied, size);
    const std::uint64_t expected = HighestPlace(machine, occupied, size + kHostTreeSpace);
    ASSERT_EQ(placed.has_value(), expected != 0);
    ASSERT_TRUE(!placed || All(*placed).first == Pa{expected});
  }
}

// --- Size

TEST(CarveoutSizeTest, AboutOnePercentOfRam) {
  for (const std::uint64_t gib : {4U, 16U, 64U}) {
    const std::uint64_t size = CarveoutSize(MachineWith({{Pa{kGiB}, gib * kGiB}}), kPerCpu);
    EXPECT_LT(size, gib * kGiB / 100 + 8 * kMiB) << gib;
    EXPECT_GT(size, gib * kGiB / 4096 * 16) << gib;
  }
}

TEST(CarveoutSizeTest, GrowsWithTheCpus) {
  Machine machine = MachineWith({{Pa{kGiB}, kGiB}});
  const std::uint64_t one = CarveoutSize(machine, kMiB);
  for (std::uint64_t cpu = 1; cpu < 8; ++cpu) {
    ASSERT_TRUE(machine.cpus.Add(cpu));
  }
  EXPECT_GE(CarveoutSize(machine, kMiB), one + 6 * kMiB);
}

// Otherwise a host that touches MMIO in many places leaves no table for a page that comes back to
// it, which would break an Invariant.
TEST(CarveoutSizeTest, TheHostsTablesNeverRunOut) {
  const std::vector<std::vector<Region>> machines = {
      {{Pa{kGiB}, 64 * kMiB}},
      {{Pa{kGiB}, kGiB}},
      {{Pa{kGiB + 0x1000}, 3 * kGiB + 0x5000}},
      {{Pa{0x1000}, 0x1000}, {Pa{kGiB}, 8 * kGiB}, {Pa{0xff'ffff'f000}, 0x2000}},
      {{Pa{kGiB}, 96 * kGiB}},
  };
  for (const std::vector<Region>& regions : machines) {
    const Machine machine = MachineWith(regions);
    std::vector<PfnRange> ram;
    ram.reserve(regions.size());
    for (const Region& region : regions) {
      ram.push_back({ToPfn(region.first), PageCount{region.size / kPageSize}});
    }
    for (const std::uint64_t bits : {40U, 42U, 44U, 48U}) {
      const auto geometry = *stage2::Geometry::ForIpaBits(bits);
      EXPECT_GE(HostTablePages(machine), stage2::Ownership::HostTablesFor(ram, geometry).raw())
          << regions.size() << " regions, " << bits << " bits";
    }
  }
}

}  // namespace
}  // namespace ravelin::boot
