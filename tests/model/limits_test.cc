// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What random runs do not reach: a page that is used as often as its record can count, a range of
// 1 GiB, and a policy that refuses the secure world.
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "tests/model/scenes.h"

namespace ravelin::model {
namespace {

class LimitsTest : public ::testing::Test {
 protected:
  // Does all of a range, in as many parts as it takes. Returns how many.
  static unsigned Whole(Checker& checker, Operation operation) {
    unsigned parts = 0;
    while (operation.count != 0) {
      const auto wrong = checker.Step(operation);
      EXPECT_EQ(wrong, std::nullopt);
      if (wrong || checker.last_done() == 0) {
        return 0;
      }
      operation.pfn += checker.last_done();
      operation.gfn += checker.last_done();
      operation.count -= checker.last_done();
      ++parts;
    }
    return parts;
  }

  static void Refused(Checker& checker, const Operation& operation) {
    EXPECT_EQ(checker.Step(operation), std::nullopt);
    EXPECT_EQ(checker.last_done(), 0U);
  }
};

TEST_F(LimitsTest, APageIsUsedAsOftenAsItsRecordCounts) {
  Scene scene = SmallScene();
  scene.layout.mappings = std::uint64_t{1} << 18U;
  for (Operation& operation : scene.set_up) {
    operation.pfn += std::uint64_t{operation.vm} * 0xa0;
    operation.count = operation.kind == Kind::kTopUp ? 140 : 1;
  }
  Checker checker(scene.layout);
  Prepare(scene, checker);
  for (std::uint64_t i = 0; i < kMostUses; ++i) {
    Whole(checker, {.kind = Kind::kShareVm, .vm = 1, .pfn = 0x40400, .gfn = i, .option = 1});
    Whole(checker, {.kind = Kind::kMapDevice, .vm = 2, .pfn = 0x40400, .gfn = i, .option = 1});
    ASSERT_FALSE(HasFailure()) << i;
  }
  Refused(checker,
          {.kind = Kind::kShareVm, .vm = 1, .pfn = 0x40400, .gfn = kMostUses, .option = 1});
  Refused(checker,
          {.kind = Kind::kMapDevice, .vm = 2, .pfn = 0x40400, .gfn = kMostUses, .option = 1});
  EXPECT_EQ(checker.CheckAll(), std::nullopt);
  Whole(checker, {.kind = Kind::kUnshareVm, .vm = 1, .gfn = 0, .count = kMostUses});
  Whole(checker, {.kind = Kind::kUnmapDevice, .vm = 2, .gfn = 0, .count = kMostUses});
  EXPECT_EQ(checker.CheckAll(), std::nullopt);
  EXPECT_FALSE(checker.specification().At(0x40400).IsLent());
}

TEST_F(LimitsTest, NothingIsSharedWithTheSecureWorldUnlessThePolicyAllowsIt) {
  Scene scene = SmallScene();
  scene.layout.shares_with_secure = false;
  Checker checker(scene.layout);
  Prepare(scene, checker);
  Refused(checker, {.kind = Kind::kShareSecure, .pfn = 0x40400});
  Refused(checker, {.kind = Kind::kUnshareSecure, .pfn = 0x40400});
  Refused(checker, {.kind = Kind::kShareSecure, .pfn = 0x40600});
  EXPECT_EQ(checker.CheckAll(), std::nullopt);
}

TEST_F(LimitsTest, AGigabyteIsLentAndChangedAndTakenBack) {
  constexpr std::uint64_t kGigabyte = kMostPages;
  constexpr std::uint64_t kFirst = 0x80000;
  Scene scene = SmallScene();
  scene.layout.ram = {{0x40000, 0x600}, {kFirst, kGigabyte + 512}};
  scene.layout.monitor = {{0x40000, 0x600}};
  scene.layout.secure = {};
  for (SpaceShape& space : scene.layout.spaces) {
    space.ipa_bits = 36;
  }
  scene.set_up = {{.kind = Kind::kCreateVm, .vm = 1, .pfn = kFirst + kGigabyte},
                  {.kind = Kind::kTopUp, .vm = 1, .pfn = kFirst + kGigabyte + 8, .count = 4}};
  Checker checker(scene.layout);
  Prepare(scene, checker);
  const Operation share{.kind = Kind::kShareVm,
                        .vm = 1,
                        .pfn = kFirst,
                        .gfn = kGigabyte,
                        .count = kGigabyte,
                        .option = 3};
  EXPECT_EQ(Whole(checker, share), 512U);
  const Tree tree = checker.engine().TreeOf(1);
  EXPECT_EQ(Walk(tree, kGigabyte).level, 1U) << "512 blocks of 2 MiB are one of 1 GiB";
  EXPECT_EQ(checker.CheckAll(), std::nullopt);
  const Operation protect{
      .kind = Kind::kSetPermissions, .vm = 1, .gfn = kGigabyte + 700, .count = 1, .option = 1};
  EXPECT_EQ(Whole(checker, protect), 1U);
  EXPECT_EQ(Walk(tree, kGigabyte + 700).level, 3U);
  EXPECT_EQ(Walk(tree, kGigabyte).level, 2U);
  EXPECT_NE(Whole(checker, {.kind = Kind::kAge, .vm = 1, .gfn = kGigabyte, .count = kGigabyte}),
            0U);
  EXPECT_NE(
      Whole(checker, {.kind = Kind::kUnshareVm, .vm = 1, .gfn = kGigabyte, .count = kGigabyte}),
      0U);
  EXPECT_EQ(checker.CheckAll(), std::nullopt);
  Refused(checker, {.kind = Kind::kUnshareVm, .vm = 1, .gfn = kGigabyte, .count = kGigabyte + 1});
}

}  // namespace
}  // namespace ravelin::model
