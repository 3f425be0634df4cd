// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/ownership/ram_map.h"

#include <vector>

#include "gtest/gtest.h"

namespace ravelin::stage2 {
namespace {

constexpr PfnRange Range(std::uint64_t first, std::uint64_t count) {
  return {Pfn{first}, PageCount{count}};
}

TEST(RamMapTest, RegionsAreSortedMergedAndIndexed) {
  RamMap map;
  const std::vector regions{Range(300, 10), Range(100, 50), Range(150, 50)};
  ASSERT_TRUE(map.Init(regions));
  EXPECT_EQ(map.total(), PageCount{110});
  ASSERT_EQ(map.regions().size(), 2U);
  EXPECT_EQ(map.IndexOf(Range(100, 100)), 0U);
  EXPECT_EQ(map.IndexOf(Range(199, 1)), 99U);
  EXPECT_EQ(map.IndexOf(Range(300, 10)), 100U);
}

TEST(RamMapTest, RangesOutsideAreNotRam) {
  RamMap map;
  const std::vector regions{Range(100, 50), Range(200, 50)};
  ASSERT_TRUE(map.Init(regions));
  for (const PfnRange range :
       {Range(0, 1), Range(99, 1), Range(99, 2), Range(149, 2), Range(150, 1), Range(100, 150),
        Range(249, ~std::uint64_t{0}), Range(~std::uint64_t{0}, 1), Range(~std::uint64_t{0}, 102),
        Range((std::uint64_t{1} << 52) + 100, 1), Range(std::uint64_t{1} << 63, 1)}) {
    EXPECT_EQ(map.IndexOf(range).error(), Error::kNotRam) << range.first.raw();
  }
  EXPECT_FALSE(map.Overlaps(Range(150, 50)));
  EXPECT_TRUE(map.Overlaps(Range(150, 51)));
  EXPECT_TRUE(map.Overlaps(Range(0, 1000)));
  EXPECT_FALSE(map.Overlaps(Range(0, 100)));
}

TEST(RamMapTest, BadRegionsAreRefused) {
  for (const std::vector<PfnRange>& regions :
       {std::vector{Range(0, 0)}, std::vector{Range(0, 2), Range(1, 2)},
        std::vector{Range(std::uint64_t{1} << 36, 1)},
        std::vector{Range((std::uint64_t{1} << 36) - 1, 2)},
        std::vector{Range(5, ~std::uint64_t{0})}}) {
    RamMap map;
    EXPECT_EQ(map.Init(regions).error(), Error::kInvalidArgument);
  }
}

TEST(RamMapTest, TooManyRegionsAreRefused) {
  std::vector<PfnRange> regions;
  regions.reserve(RamMap::kMaxRegions + 1);
  for (std::uint64_t i = 0; i < RamMap::kMaxRegions; ++i) {
    regions.push_back(Range(1000 - 10 * i, 5));
  }
  RamMap full;
  EXPECT_TRUE(full.Init(regions));
  EXPECT_EQ(full.IndexOf(Range(1000, 5)), 31U * 5);
  regions.push_back(Range(5000, 5));
  RamMap map;
  EXPECT_EQ(map.Init(regions).error(), Error::kLimit);
}

}  // namespace
}  // namespace ravelin::stage2
