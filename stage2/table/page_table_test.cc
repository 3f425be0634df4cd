// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/table/page_table.h"

#include <map>
#include <memory>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "stage2/machine.h"
#include "stage2/table/live_entry.h"
#include "stage2/testing/history.h"

namespace ravelin::stage2 {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Attributes kRam{Permissions::kAll, MemoryType::kNormal};
constexpr Pa kRoot{0x1000'0000};
constexpr Pa kPoolFirst{0x1010'0000};
constexpr Vmid kVmid{5};
constexpr Walker kWalker{.vmid = kVmid};
constexpr std::uint64_t kGiB = LevelPages(kBlock1GLevel);
constexpr std::uint64_t kTwoMiB = LevelPages(kBlock2MLevel);

class PageTableTest : public ::testing::Test {
 protected:
  PageTableTest() { fake::Reset(); }

  void Make(unsigned ipa_bits, std::uint64_t pool_pages) {
    for (std::uint64_t i = 0; i < pool_pages; ++i) {
      pool_.Give(kPoolFirst + i * kPageSize);
    }
    table_ = PageTable(kRoot, *Geometry::ForIpaBits(ipa_bits), kWalker, pool_);
  }

  // As a caller does it: check, compare with the pool, commit.
  Result<void> Map(const Mapping& mapping) {
    RAVELIN_TRY_ASSIGN(tables, table_.CheckMap(mapping));
    if (!pool_.Has(tables)) {
      return Failure{Error::kNoMemory};
    }
    const std::uint64_t before = pool_.free_count().raw();
    table_.Map(mapping);
    EXPECT_EQ(before - pool_.free_count().raw(), tables.raw()) << "CheckMap is exact";
    return {};
  }

  Result<void> Unmap(Gfn first, PageCount count) {
    RAVELIN_TRY_ASSIGN(tables, table_.CheckUnmap(first, count));
    if (!pool_.Has(tables)) {
      return Failure{Error::kNoMemory};
    }
    table_.Unmap(first, count);
    return {};
  }

  Result<void> SetPermissions(std::uint64_t gfn, Permissions permissions) {
    RAVELIN_TRY_ASSIGN(tables, table_.CheckPermissions(Gfn{gfn}, PageCount{1}, permissions));
    if (!pool_.Has(tables)) {
      return Failure{Error::kNoMemory};
    }
    table_.SetPermissions(Gfn{gfn}, PageCount{1}, permissions);
    return {};
  }

  std::vector<std::string> Breaches() {
    testing::History history;
    history.AddTable(table_);
    return history.Replay(fake::Log());
  }

  unsigned LevelAt(std::uint64_t gfn) { return table_.Lookup(ToIpa(Gfn{gfn})).level; }

  PagePool pool_;
  PageTable table_;
};

Mapping Identity(std::uint64_t first, std::uint64_t count, unsigned largest) {
  return {Gfn{first}, Pfn{first}, PageCount{count}, kRam, largest};
}

TEST_F(PageTableTest, MapsWithTheLargestBlocks) {
  Make(40, 16);
  ASSERT_TRUE(Map(Identity(kGiB - kTwoMiB - 1, 1 + kTwoMiB + kGiB + 1, kBlock1GLevel)));
  EXPECT_EQ(LevelAt(kGiB - kTwoMiB - 1), kPageLevel);
  EXPECT_EQ(LevelAt(kGiB - kTwoMiB), kBlock2MLevel);
  EXPECT_EQ(LevelAt(kGiB), kBlock1GLevel);
  EXPECT_EQ(LevelAt(2 * kGiB), kPageLevel);
  EXPECT_EQ(table_.Resolve(Gfn{kGiB + 12345}), Pfn{kGiB + 12345});
  EXPECT_EQ(table_.Resolve(Gfn{2 * kGiB + 1}).error(), Error::kNotMapped);
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, BlocksNeedBothAddressesAligned) {
  Make(40, 16);
  ASSERT_TRUE(Map({Gfn{kTwoMiB}, Pfn{kTwoMiB + 1}, PageCount{kTwoMiB}, kRam, kBlock1GLevel}));
  EXPECT_EQ(LevelAt(kTwoMiB), kPageLevel);
  EXPECT_EQ(table_.Resolve(Gfn{kTwoMiB + 7}), Pfn{kTwoMiB + 8});
}

TEST_F(PageTableTest, WidestAndNarrowestSpacesWorkAtTheirEnds) {
  for (const unsigned bits : {32U, 34U, 39U, 43U, 44U, 48U}) {
    fake::Reset();
    PagePool pool;
    for (std::uint64_t i = 0; i < 8; ++i) {
      pool.Give(kPoolFirst + i * kPageSize);
    }
    PageTable table(kRoot, *Geometry::ForIpaBits(bits), kWalker, pool);
    const Gfn last{table.geometry().limit().raw() - 1};
    table.Map({last, Pfn{1}, PageCount{1}, kRam, kPageLevel});
    table.Map({Gfn{0}, Pfn{2}, PageCount{1}, kRam, kPageLevel});
    EXPECT_EQ(table.Resolve(last), Pfn{1});
    EXPECT_EQ(table.Resolve(Gfn{0}), Pfn{2});
    EXPECT_EQ(table.Resolve(Gfn{last.raw() + 1}).error(), Error::kInvalidArgument);
  }
}

TEST_F(PageTableTest, OnePageOutOfABlockOf1GiBLeavesTheRest) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, kGiB, kBlock1GLevel)));
  EXPECT_EQ(table_.CheckUnmap(Gfn{777}, PageCount{1}), PageCount{2});
  ASSERT_TRUE(Unmap(Gfn{777}, PageCount{1}));
  EXPECT_EQ(table_.Resolve(Gfn{777}).error(), Error::kNotMapped);
  EXPECT_EQ(table_.Resolve(Gfn{776}), Pfn{776});
  EXPECT_EQ(table_.Resolve(Gfn{778}), Pfn{778});
  EXPECT_EQ(LevelAt(777 + kTwoMiB), kBlock2MLevel);
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, TheRestOfASplitBlockKeepsItsAttributes) {
  constexpr Attributes kAttributes{Permissions::kReadExecute, MemoryType::kNormalNonCacheable};
  Make(40, 8);
  ASSERT_TRUE(Map({Gfn{0}, Pfn{0}, PageCount{kTwoMiB}, kAttributes, kBlock2MLevel}));
  ASSERT_TRUE(Unmap(Gfn{77}, PageCount{1}));
  EXPECT_EQ(LevelAt(0), kPageLevel);
  EXPECT_EQ(table_.Lookup(Ipa{0}).descriptor.attributes(), kAttributes);
}

TEST_F(PageTableTest, ReturnOfThePageMakesTheBlockWhole) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, kGiB, kBlock1GLevel)));
  for (const std::uint64_t gfn : {std::uint64_t{0}, std::uint64_t{511}, kGiB - 1}) {
    ASSERT_TRUE(Unmap(Gfn{gfn}, PageCount{1}));
    ASSERT_TRUE(Map(Identity(gfn, 1, kBlock1GLevel)));
    table_.Coalesce(Gfn{gfn}, PageCount{1}, PageTable::OnMerge::kFree);
    EXPECT_EQ(LevelAt(gfn), kBlock1GLevel);
    EXPECT_EQ(pool_.free_count(), PageCount{8});
  }
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, DifferentNeighboursAreNotCoalesced) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, 511, kPageLevel)));
  ASSERT_TRUE(Map({Gfn{511}, Pfn{600}, PageCount{1}, kRam, kPageLevel}));
  table_.Coalesce(Gfn{511}, PageCount{1}, PageTable::OnMerge::kFree);
  EXPECT_EQ(LevelAt(511), kPageLevel);
  ASSERT_TRUE(Unmap(Gfn{511}, PageCount{1}));
  const Attributes read_only{Permissions::kRead, MemoryType::kNormal};
  ASSERT_TRUE(Map({Gfn{511}, Pfn{511}, PageCount{1}, read_only, kPageLevel}));
  table_.Coalesce(Gfn{511}, PageCount{1}, PageTable::OnMerge::kFree);
  EXPECT_EQ(LevelAt(511), kPageLevel);
}

TEST_F(PageTableTest, EmptyTablesReturnToThePool) {
  Make(48, 8);
  ASSERT_TRUE(Map(Identity(5, 3, kPageLevel)));
  EXPECT_EQ(pool_.free_count(), PageCount{5});
  ASSERT_TRUE(Unmap(Gfn{5}, PageCount{2}));
  EXPECT_EQ(pool_.free_count(), PageCount{5});
  ASSERT_TRUE(Unmap(Gfn{7}, PageCount{1}));
  EXPECT_EQ(pool_.free_count(), PageCount{8});
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, WhatIsThereIsNotMappedOver) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(kTwoMiB, 1, kPageLevel)));
  EXPECT_EQ(Map(Identity(kTwoMiB, 1, kPageLevel)).error(), Error::kExists);
  EXPECT_EQ(Map(Identity(kTwoMiB - 1, 2, kPageLevel)).error(), Error::kExists);
  EXPECT_EQ(Map(Identity(0, kGiB, kBlock1GLevel)).error(), Error::kExists);
  EXPECT_EQ(Map(Identity(0, 2 * kTwoMiB, kBlock2MLevel)).error(), Error::kExists);
  ASSERT_TRUE(table_.Annotate(Gfn{3}, Annotation::kMmioGuard));
  EXPECT_EQ(Map(Identity(3, 1, kPageLevel)).error(), Error::kExists);
}

TEST_F(PageTableTest, UnmapRefusesHoles) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(10, 5, kPageLevel)));
  EXPECT_EQ(Unmap(Gfn{9}, PageCount{2}).error(), Error::kNotMapped);
  EXPECT_EQ(Unmap(Gfn{14}, PageCount{2}).error(), Error::kNotMapped);
  EXPECT_EQ(Unmap(Gfn{10}, PageCount{kGiB}).error(), Error::kNotMapped);
}

TEST_F(PageTableTest, UntrustedRangesAreChecked) {
  Make(40, 8);
  const std::uint64_t limit = table_.geometry().limit().raw();
  for (const std::uint64_t first : {limit, limit + 1, std::uint64_t{1} << 52, ~std::uint64_t{0}}) {
    EXPECT_EQ(Map(Identity(first, 1, kPageLevel)).error(), Error::kInvalidArgument);
    EXPECT_EQ(Unmap(Gfn{first}, PageCount{1}).error(), Error::kInvalidArgument);
    EXPECT_EQ(table_.Resolve(Gfn{first}).error(), Error::kInvalidArgument);
    EXPECT_EQ(table_.Annotate(Gfn{first}, Annotation::kMmioGuard).error(), Error::kInvalidArgument);
    EXPECT_EQ(SetPermissions(first, Permissions::kRead).error(), Error::kInvalidArgument);
  }
  EXPECT_EQ(Map(Identity(0, 0, kPageLevel)).error(), Error::kInvalidArgument);
  EXPECT_EQ(Map(Identity(limit - 1, 2, kPageLevel)).error(), Error::kInvalidArgument);
  EXPECT_EQ(Map(Identity(1, ~std::uint64_t{0}, kPageLevel)).error(), Error::kInvalidArgument);
}

TEST_F(PageTableTest, EveryShortageIsFoundBeforeTheFirstWrite) {
  const Mapping mapping = Identity(kGiB - 1, 2, kPageLevel);  // two tables of each of two levels
  for (std::uint64_t pages = 0; pages <= 4; ++pages) {
    fake::Reset();
    PagePool pool;
    for (std::uint64_t i = 0; i < pages; ++i) {
      pool.Give(kPoolFirst + i * kPageSize);
    }
    const PageTable table(kRoot, *Geometry::ForIpaBits(40), kWalker, pool);
    const auto log = fake::Log();
    const Result<PageCount> needed = table.CheckMap(mapping);
    EXPECT_EQ(needed, PageCount{4});
    EXPECT_EQ(pool.Has(*needed), pages == 4);
    EXPECT_EQ(fake::Log(), log);
  }
}

TEST_F(PageTableTest, PermissionsChangeInPlaceAndAreInvalidated) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, kTwoMiB, kBlock2MLevel)));
  ASSERT_TRUE(SetPermissions(3, Permissions::kRead));
  EXPECT_EQ(table_.Lookup(ToIpa(Gfn{3})).descriptor.permissions(), Permissions::kRead);
  EXPECT_EQ(table_.Lookup(ToIpa(Gfn{4})).descriptor.permissions(), Permissions::kAll);
  EXPECT_EQ(table_.Resolve(Gfn{3}), Pfn{3});
  EXPECT_EQ(SetPermissions(kTwoMiB, Permissions::kRead).error(), Error::kNotMapped);
  const auto log = fake::Log();
  ASSERT_TRUE(SetPermissions(3, Permissions::kRead));
  EXPECT_EQ(fake::Log(), log) << "nothing to change";
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, PermissionsOfABlockWithoutMemoryStay) {
  Make(40, 1);
  ASSERT_TRUE(Map(Identity(0, kTwoMiB, kBlock2MLevel)));
  const auto log = fake::Log();
  EXPECT_EQ(SetPermissions(3, Permissions::kRead).error(), Error::kNoMemory);
  EXPECT_EQ(fake::Log(), log);
}

TEST_F(PageTableTest, WhatIsYoungOrGoneNeedsNoAge) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, 1, kPageLevel)));
  const auto log = fake::Log();
  table_.SetYoung(Ipa{0});
  table_.SetYoung(Ipa{kPageSize});
  EXPECT_EQ(fake::Log(), log) << "the fault was another CPU's, which has resolved it";
}

TEST_F(PageTableTest, AFullTableOfTablesIsNoBlock) {
  Make(40, 1 + 512);
  for (std::uint64_t table = 0; table < 512; ++table) {
    ASSERT_TRUE(Map(Identity(table * kTwoMiB, table == 1 ? kTwoMiB : 1, kPageLevel)));
  }
  table_.Coalesce(Gfn{kTwoMiB}, PageCount{1}, PageTable::OnMerge::kFree);
  EXPECT_EQ(LevelAt(0), kPageLevel);
  EXPECT_EQ(LevelAt(kTwoMiB), kBlock2MLevel);
  EXPECT_EQ(table_.Resolve(Gfn{511 * kTwoMiB}), Pfn{511 * kTwoMiB});
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, AnnotationsComeAndGo) {
  Make(40, 2);
  EXPECT_EQ(table_.AnnotationAt(ToIpa(Gfn{9})), Annotation::kNone);
  ASSERT_TRUE(table_.Annotate(Gfn{9}, Annotation::kMmioGuard));
  ASSERT_TRUE(table_.Annotate(Gfn{9}, Annotation::kMmioGuard));
  EXPECT_EQ(table_.AnnotationAt(ToIpa(Gfn{9})), Annotation::kMmioGuard);
  EXPECT_EQ(table_.Annotate(Gfn{9}, Annotation::kPoison).error(), Error::kExists);
  EXPECT_EQ(table_.Annotate(Gfn{kTwoMiB}, Annotation::kMmioGuard).error(), Error::kNoMemory);
  EXPECT_EQ(table_.ClearAnnotation(Gfn{9}, Annotation::kPoison).error(), Error::kNotMapped);
  EXPECT_EQ(table_.ClearAnnotation(Gfn{8}, Annotation::kMmioGuard).error(), Error::kNotMapped);
  ASSERT_TRUE(table_.ClearAnnotation(Gfn{9}, Annotation::kMmioGuard));
  EXPECT_EQ(pool_.free_count(), PageCount{2});
}

TEST_F(PageTableTest, DisconnectForgetsTheTree) {
  Make(40, 8);
  ASSERT_TRUE(Map(Identity(0, 3, kPageLevel)));
  table_.Disconnect();
  EXPECT_EQ(table_.Resolve(Gfn{0}).error(), Error::kNotMapped);
  EXPECT_EQ(fake::Log().back().kind, fake::Event::Kind::kInvalidateVm);
}

TEST_F(PageTableTest, ABlockMadeOfPagesKeepsItsTableInReserve) {
  Make(40, 2);
  ASSERT_TRUE(Map(Identity(0, kTwoMiB - 1, kPageLevel)));
  ASSERT_TRUE(Map(Identity(kTwoMiB - 1, 1, kPageLevel)));
  table_.Coalesce(Gfn{0}, PageCount{1}, PageTable::OnMerge::kReserve);
  EXPECT_EQ(LevelAt(7), kBlock2MLevel);
  EXPECT_EQ(pool_.free_count(), PageCount{0}) << "nobody else may take it";
  EXPECT_EQ(pool_.reserved_count(), PageCount{1});
  EXPECT_EQ(table_.CheckUnmap(Gfn{7}, PageCount{1}), PageCount{0});
  ASSERT_TRUE(Unmap(Gfn{7}, PageCount{1}));
  EXPECT_EQ(LevelAt(8), kPageLevel);
  EXPECT_EQ(pool_.reserved_count(), PageCount{0});
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, AWholeBlockLeavesWithoutItsReserve) {
  Make(40, 2);
  ASSERT_TRUE(Map(Identity(0, kTwoMiB, kPageLevel)));
  table_.Coalesce(Gfn{0}, PageCount{1}, PageTable::OnMerge::kReserve);
  ASSERT_TRUE(Unmap(Gfn{0}, PageCount{kTwoMiB}));
  EXPECT_EQ(pool_.free_count(), PageCount{2});
  EXPECT_EQ(pool_.reserved_count(), PageCount{0});
}

// 512 blocks of pages become one of 1 GiB, and a page of it can be taken without a free page.
TEST_F(PageTableTest, ABlockOf1GiBKeepsTwoLevelsInReserve) {
  Make(40, 1 + kEntriesPerTable);
  for (std::uint64_t block = 0; block < kEntriesPerTable; ++block) {
    ASSERT_TRUE(Map(Identity(block * kTwoMiB, kTwoMiB, kPageLevel)));
    table_.Coalesce(Gfn{block * kTwoMiB}, PageCount{1}, PageTable::OnMerge::kReserve);
  }
  EXPECT_EQ(LevelAt(12345), kBlock1GLevel);
  EXPECT_EQ(pool_.reserved_count(), PageCount{1 + kEntriesPerTable});
  EXPECT_EQ(table_.CheckUnmap(Gfn{12345}, PageCount{1}), PageCount{0});
  table_.Unmap(Gfn{12345}, PageCount{1});
  EXPECT_EQ(LevelAt(12346), kPageLevel);
  EXPECT_EQ(LevelAt(0), kBlock2MLevel);
  EXPECT_EQ(pool_.reserved_count(), PageCount{kEntriesPerTable - 1});
}

TEST_F(PageTableTest, PoisonStaysAndNothingIsMappedOverIt) {
  Make(40, 2);
  ASSERT_TRUE(Map(Identity(0, kTwoMiB, kPageLevel)));
  table_.Coalesce(Gfn{0}, PageCount{1}, PageTable::OnMerge::kReserve);
  EXPECT_EQ(table_.CheckPoison(Gfn{3}, PageCount{2}), PageCount{0});
  table_.Poison(Gfn{3}, PageCount{2});
  EXPECT_EQ(table_.AnnotationAt(ToIpa(Gfn{3})), Annotation::kPoison);
  EXPECT_EQ(table_.AnnotationAt(ToIpa(Gfn{4})), Annotation::kPoison);
  EXPECT_EQ(table_.Resolve(Gfn{5}), Pfn{5});
  EXPECT_EQ(Map(Identity(3, 1, kPageLevel)).error(), Error::kExists);
  ASSERT_TRUE(Unmap(Gfn{5}, PageCount{kTwoMiB - 5}));
  ASSERT_TRUE(Unmap(Gfn{0}, PageCount{3}));
  EXPECT_EQ(table_.AnnotationAt(ToIpa(Gfn{3})), Annotation::kPoison) << "its table is not empty";
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, AgeIsClearedWithInvalidationAndSetWithout) {
  Make(40, 4);
  ASSERT_TRUE(Map(Identity(0, 4, kPageLevel)));
  ASSERT_TRUE(Map(Identity(kTwoMiB, kTwoMiB, kBlock2MLevel)));
  EXPECT_EQ(table_.Age(Gfn{1}, PageCount{3}), 3U);
  EXPECT_TRUE(table_.Lookup(ToIpa(Gfn{0})).descriptor.young());
  EXPECT_FALSE(table_.Lookup(ToIpa(Gfn{1})).descriptor.young());
  const auto log = fake::Log();
  EXPECT_EQ(table_.Age(Gfn{1}, PageCount{3}), 0U);
  EXPECT_EQ(fake::Log(), log) << "old ones are in no TLB";
  table_.SetYoung(ToIpa(Gfn{2}));
  EXPECT_EQ(table_.Age(Gfn{0}, PageCount{4}), 2U);
  EXPECT_EQ(table_.Age(Gfn{kTwoMiB}, PageCount{kTwoMiB}), 1U) << "a block is one leaf";
  EXPECT_EQ(table_.Resolve(Gfn{3}), Pfn{3});
  EXPECT_THAT(Breaches(), IsEmpty());
}

TEST_F(PageTableTest, RunsEndWhereFramesAreNoNeighbours) {
  Make(40, 8);
  ASSERT_TRUE(Map({Gfn{10}, Pfn{100}, PageCount{5}, kRam, kPageLevel}));
  ASSERT_TRUE(Map({Gfn{15}, Pfn{200}, PageCount{5}, kRam, kPageLevel}));
  const auto run = [&](std::uint64_t first, std::uint64_t count) {
    return table_.ResolveRun(Gfn{first}, PageCount{count});
  };
  EXPECT_EQ(run(11, 100)->first, Pfn{101});
  EXPECT_EQ(run(11, 100)->count, PageCount{4});
  EXPECT_EQ(run(11, 2)->count, PageCount{2});
  EXPECT_EQ(run(15, 100)->count, PageCount{5});
  EXPECT_EQ(run(20, 1).error(), Error::kNotMapped);
  ASSERT_TRUE(Map(Identity(kTwoMiB, kTwoMiB, kBlock2MLevel)));
  EXPECT_EQ(run(kTwoMiB + 1, 1000)->count, PageCount{kTwoMiB - 1});
}

// Random work beside a model that is a plain map. The seed is printed by the trace.
TEST_F(PageTableTest, AgreesWithAMapAfterAnyWork) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    fake::Reset();
    pool_.~PagePool();
    new (&pool_) PagePool;
    Make(40, 40);
    std::mt19937 random(seed);
    std::map<std::uint64_t, std::uint64_t> model;
    for (int step = 0; step < 120; ++step) {
      const bool large = random() % 4 == 0;
      const std::uint64_t first = large ? random() % 4 * kTwoMiB : random() % (4 * kTwoMiB);
      const std::uint64_t count = large ? kTwoMiB : 1 + random() % 64;
      const bool taken = model.lower_bound(first) != model.lower_bound(first + count);
      if (random() % 2 == 0) {
        EXPECT_EQ(Map(Identity(first, count, kBlock1GLevel)).has_value(), !taken);
        for (std::uint64_t i = 0; !taken && i < count; ++i) {
          model[first + i] = first + i;
        }
        table_.Coalesce(Gfn{first}, PageCount{count}, PageTable::OnMerge::kFree);
        continue;
      }
      const auto begin = model.lower_bound(first);
      const auto end = model.lower_bound(first + count);
      const bool full = static_cast<std::uint64_t>(std::distance(begin, end)) == count;
      EXPECT_EQ(Unmap(Gfn{first}, PageCount{count}).has_value(), full);
      if (full) {
        model.erase(begin, end);
      }
    }
    for (std::uint64_t gfn = 0; gfn < 4 * kTwoMiB + 64; ++gfn) {
      const Result<Pfn> found = table_.Resolve(Gfn{gfn});
      ASSERT_EQ(found.has_value(), model.contains(gfn)) << gfn;
      ASSERT_TRUE(!found || found->raw() == gfn);
    }
    EXPECT_THAT(Breaches(), IsEmpty());
    while (!model.empty()) {
      ASSERT_TRUE(Unmap(Gfn{model.begin()->first}, PageCount{1}));
      model.erase(model.begin());
    }
    EXPECT_EQ(pool_.free_count(), PageCount{40}) << "no table page is lost";
  }
}

// --- The types that keep the order

TEST(LiveEntryDeathTest, BrokenEntryIsNotForgotten) {
  fake::Reset();
  EXPECT_DEATH(
      { const Broken broken = LiveEntry(kWalker, {kRoot, kPageLevel}).BreakLeaf(Gfn{0}); },
      "made again or left");
}

TEST(LiveEntryDeathTest, BatchIsNotForgotten) {
  fake::Reset();
  EXPECT_DEATH(
      {
        TlbBatch batch(kWalker, Gfn{0});
        batch.Break({kRoot, kPageLevel}, 1, Descriptor{});
      },
      "invalidated");
}

// --- The judge itself: History sees what it is there to see.

class HistoryTest : public PageTableTest {
 protected:
  HistoryTest() {
    Make(32, 4);
    EXPECT_TRUE(Map(Identity(0, 1, kPageLevel)));
    leaf_ = Descriptor{machine::LoadEntry(kRoot)}.output();
  }

  Pa leaf_;
};

TEST_F(HistoryTest, SeesValidToValid) {
  machine::StoreEntry(leaf_, Descriptor::Leaf(3, Pa{0x9000}, kRam).word());
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("another valid one")));
}

TEST_F(HistoryTest, SeesAMissingInvalidation) {
  machine::StoreEntry(leaf_, 0);
  machine::StoreEntry(leaf_, Descriptor::Leaf(3, Pa{0x9000}, kRam).word());
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("before its old value is invalidated")));
}

TEST_F(HistoryTest, SeesTheInvalidationOfAnotherVmidOrPage) {
  machine::StoreEntry(leaf_, 0);
  machine::InvalidatePages(Vmid{6}, Ipa{0}, PageCount{1});
  machine::InvalidatePages(kVmid, Ipa{0x1000}, PageCount{1});
  machine::StoreEntry(leaf_, Descriptor::Leaf(3, Pa{0x9000}, kRam).word());
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("before its old value is invalidated")));
}

TEST_F(HistoryTest, SeesATablePageReusedTooEarly) {
  machine::StoreEntry(kRoot, 0);
  machine::InvalidatePages(kVmid, Ipa{0}, PageCount{512});  // by page: not enough for a table
  machine::ZeroTablePage(leaf_);
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("reused before")));
}

TEST_F(HistoryTest, SeesAPoolLinkInALiveTable) {
  pool_.Give(leaf_);
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("no descriptor")));
}

TEST_F(HistoryTest, SeesAnUnpublishedTable) {
  machine::StoreEntry(kPoolFirst, Descriptor::Leaf(3, Pa{0x9000}, kRam).word());
  machine::StoreEntry(kRoot + 8, Descriptor::Table(kPoolFirst).word());
  EXPECT_THAT(Breaches(), ::testing::Contains(HasSubstr("before its contents are published")));
}

TEST_F(HistoryTest, SeesAPageAtTwoPlacesAndAWipeInUse) {
  machine::StoreEntry(leaf_ + 8, Descriptor::Leaf(3, Pa{0}, kRam).word());
  machine::WipePage(Pa{0});
  EXPECT_THAT(Breaches(), ::testing::ElementsAre(HasSubstr("at two places"),
                                                 HasSubstr("while somebody can use")));
}

}  // namespace
}  // namespace ravelin::stage2
