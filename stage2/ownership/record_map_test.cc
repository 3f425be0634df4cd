// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/ownership/record_map.h"

#include <vector>

#include "gtest/gtest.h"

namespace ravelin::stage2 {
namespace {

using Place = RecordMap::Place;

constexpr PfnRange Range(std::uint64_t first, std::uint64_t count) {
  return {Pfn{first}, PageCount{count}};
}

TEST(RecordMapTest, RegionsAreSortedMergedAndIndexed) {
  RecordMap map;
  const std::vector regions{Range(300, 10), Range(100, 50), Range(150, 50)};
  ASSERT_TRUE(map.Init(regions, {}));
  EXPECT_EQ(map.total(), PageCount{110});
  ASSERT_EQ(map.regions().size(), 2U);
  EXPECT_EQ(map.Find(Range(100, 100)), (Place{0, PageKind::kRam}));
  EXPECT_EQ(map.Find(Range(199, 1)), (Place{99, PageKind::kRam}));
  EXPECT_EQ(map.Find(Range(300, 10)), (Place{100, PageKind::kRam}));
}

TEST(RecordMapTest, RangesOutsideAreNotRam) {
  RecordMap map;
  const std::vector regions{Range(100, 50), Range(200, 50)};
  ASSERT_TRUE(map.Init(regions, {}));
  for (const PfnRange range :
       {Range(0, 1), Range(99, 1), Range(99, 2), Range(149, 2), Range(150, 1), Range(100, 150),
        Range(249, ~std::uint64_t{0}), Range(~std::uint64_t{0}, 1), Range(~std::uint64_t{0}, 102),
        Range((std::uint64_t{1} << 52) + 100, 1), Range(std::uint64_t{1} << 63, 1)}) {
    EXPECT_EQ(map.Find(range).error(), Error::kNotRam) << range.first.raw();
  }
  EXPECT_FALSE(map.Overlaps(Range(150, 50)));
  EXPECT_TRUE(map.Overlaps(Range(150, 51)));
  EXPECT_TRUE(map.Overlaps(Range(0, 1000)));
  EXPECT_FALSE(map.Overlaps(Range(0, 100)));
}

TEST(RecordMapTest, BadRegionsAreRefused) {
  for (const std::vector<PfnRange>& regions :
       {std::vector{Range(0, 0)}, std::vector{Range(0, 2), Range(1, 2)},
        std::vector{Range(std::uint64_t{1} << 36, 1)},
        std::vector{Range((std::uint64_t{1} << 36) - 1, 2)},
        std::vector{Range(5, ~std::uint64_t{0})}}) {
    RecordMap map;
    EXPECT_EQ(map.Init(regions, {}).error(), Error::kInvalidArgument);
  }
}

TEST(RecordMapTest, TooManyRegionsAreRefused) {
  std::vector<PfnRange> regions;
  regions.reserve(RecordMap::kMaxRegions + 1);
  for (std::uint64_t i = 0; i < RecordMap::kMaxRegions; ++i) {
    regions.push_back(Range(1000 - 10 * i, 5));
  }
  RecordMap full;
  EXPECT_TRUE(full.Init(regions, {}));
  EXPECT_EQ(full.Find(Range(1000, 5)),
            (Place{(RecordMap::kMaxRegions - 1) * std::uint64_t{5}, PageKind::kRam}));
  regions.push_back(Range(5000, 5));
  RecordMap map;
  EXPECT_EQ(map.Init(regions, {}).error(), Error::kLimit);
}

TEST(RecordMapTest, KindsAreNeighboursAndStayApart) {
  RecordMap map;
  const std::vector ram{Range(100, 50)};
  const std::vector mmio{Range(150, 10), Range(90, 5), Range(95, 5)};
  ASSERT_TRUE(map.Init(ram, mmio));
  ASSERT_EQ(map.regions().size(), 3U);
  EXPECT_EQ(map.Find(Range(90, 10)), (Place{0, PageKind::kMmio}));
  EXPECT_EQ(map.Find(Range(100, 50)), (Place{10, PageKind::kRam}));
  EXPECT_EQ(map.Find(Range(150, 1)), (Place{60, PageKind::kMmio}));
  EXPECT_EQ(map.Find(Range(149, 2)).error(), Error::kNotRam) << "of two kinds";
  const std::vector overlapping{Range(149, 2)};
  RecordMap bad;
  EXPECT_EQ(bad.Init(ram, overlapping).error(), Error::kInvalidArgument);
}

}  // namespace
}  // namespace ravelin::stage2
