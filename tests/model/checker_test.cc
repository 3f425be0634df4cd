// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The checker sees what it has to see: an engine that is tampered with behind its back is found out
// each time, and failing sequences become short.
#include <algorithm>

#include "gtest/gtest.h"
#include "hyp/arch/fake/machine.h"
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

constexpr std::uint64_t kPage = kSmallPages.first;

class CheckerTest : public ::testing::Test {
 protected:
  CheckerTest() : checker_(SmallScene().layout) {
    Prepare(SmallScene(), checker_);
    Expect({.kind = Kind::kHostWrite, .pfn = kPage});
    Expect({.kind = Kind::kDonateVm, .vm = 0, .pfn = kPage, .gfn = kSmallFrame});
    Expect({.kind = Kind::kDonateVm, .vm = 0, .pfn = kPage + 1, .gfn = kSmallFrame + 1});
    Expect({.kind = Kind::kShareVm, .vm = 1, .pfn = kPage + 2, .gfn = kSmallFrame, .option = 3});
    Expect({.kind = Kind::kMapDevice, .vm = 2, .pfn = kPage + 2, .gfn = 5, .option = 1});
    Expect({.kind = Kind::kGuardMmio, .vm = 0, .gfn = 7});
    EXPECT_EQ(checker_.CheckAll(), std::nullopt);
  }

  void Expect(const Operation& operation) {
    EXPECT_EQ(checker_.Step(operation), std::nullopt);
    EXPECT_EQ(checker_.last_done(), operation.count);
  }

  // The address of the entry that the walk of `frame` ends at.
  static std::uint64_t EntryOf(const Tree& tree, std::uint64_t frame) {
    const unsigned start = tree.ipa_bits <= 34 ? 2 : 1;
    std::uint64_t table = tree.root;
    for (unsigned level = start; level < 3; ++level) {
      const unsigned shift = 9 * (3 - level);
      const std::uint64_t index = level == start ? frame >> shift : frame >> shift & 511U;
      table = fake::Peek(Pa{table + 8 * index}) & 0x0000'FFFF'FFFF'F000U;
    }
    return table + 8 * (frame & 511U);
  }

  void Tamper(std::uint64_t entry, std::uint64_t flip) {
    const std::uint64_t before = fake::Peek(Pa{entry});
    fake::Poke(Pa{entry}, before ^ flip);
    EXPECT_NE(checker_.CheckAll(), std::nullopt) << std::hex << "bits " << flip;
  }

  Checker checker_;
};

TEST_F(CheckerTest, SeesThatTheHostKeepsAPage) {
  Tamper(EntryOf(checker_.engine().HostTree(), kPage), kPage << 12U | 0x7ffU);
}

TEST_F(CheckerTest, SeesOtherPermissionsOfTheHost) {
  Tamper(EntryOf(checker_.engine().HostTree(), kPage - 1), std::uint64_t{1} << 54U);
}

TEST_F(CheckerTest, SeesOtherMemoryTypeOfTheHost) {
  Tamper(EntryOf(checker_.engine().HostTree(), kPage - 1), 1U << 5U);
}

TEST_F(CheckerTest, SeesAnotherPageInTheVm) {
  Tamper(EntryOf(checker_.engine().TreeOf(0), kSmallFrame), 1U << 12U);
}

TEST_F(CheckerTest, SeesAPageMoreInTheVm) {
  Tamper(EntryOf(checker_.engine().TreeOf(0), kSmallFrame - 1), kPage << 12U | 0x7ffU);
}

TEST_F(CheckerTest, SeesOtherPermissionsOfAVm) {
  Tamper(EntryOf(checker_.engine().TreeOf(1), kSmallFrame), 1U << 7U);
}

TEST_F(CheckerTest, SeesThatADeviceKeepsAPage) {
  Tamper(EntryOf(checker_.engine().TreeOf(2), 6), (kPage << 12U) | 0x7ffU);
}

TEST_F(CheckerTest, SeesALoanThatIsNotCounted) {
  ASSERT_TRUE(checker_.engine().ownership().HostShareVm(checker_.engine().VmAt(1), Gfn{9},
                                                        {Pfn{kPage + 2}, PageCount{1}},
                                                        stage2::Permissions::kRead));
  EXPECT_NE(checker_.CheckAll(), std::nullopt);
}

TEST_F(CheckerTest, SeesALostGuard) { Tamper(EntryOf(checker_.engine().TreeOf(0), 7), 2); }

TEST_F(CheckerTest, SeesOtherContents) {
  fake::Poke(ToPa(Pfn{kPage}), HostBytes(1));
  EXPECT_NE(checker_.CheckAll(), std::nullopt);
}

TEST_F(CheckerTest, SeesAChangedRecord) {
  // The operation bypasses the specification.
  ASSERT_TRUE(checker_.engine().ownership().VmShareHost(checker_.engine().VmAt(0), Gfn{kSmallFrame},
                                                        stage2::Content::kKept));
  EXPECT_NE(checker_.CheckAll(), std::nullopt);
}

TEST_F(CheckerTest, SeesALostTablePage) {
  ASSERT_TRUE(checker_.engine().VmAt(0).pool().Take());
  EXPECT_NE(checker_.CheckAll(), std::nullopt);
}

TEST(ShrinkTest, LeavesWhatIsNeeded) {
  std::vector<Operation> operations(1000);
  for (std::uint64_t i = 0; i < operations.size(); ++i) {
    operations[i].pfn = i;
  }
  const auto fails = [](const std::vector<Operation>& list) {
    const auto has = [&](std::uint64_t pfn) {
      return std::ranges::count(list, pfn, &Operation::pfn) != 0;
    };
    return has(17) && has(500) && has(999);
  };
  const std::vector<Operation> shortest = Shrink(operations, fails);
  ASSERT_EQ(shortest.size(), 3U);
  EXPECT_EQ(shortest[0].pfn, 17U);
  EXPECT_EQ(shortest[2].pfn, 999U);
}

}  // namespace
}  // namespace ravelin::model
