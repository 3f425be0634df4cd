// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The words are those that an assembler makes of the instruction beside them.
#include "tests/observer/decode.h"

#include <gtest/gtest.h>

#include <array>

namespace ravelin::observer {
namespace {

TEST(DecodeTest, BarriersByTypeAndDomain) {
  struct Row {
    std::uint32_t word;
    bool stores, all, shareable;
  };
  constexpr auto kRows = std::to_array<Row>({
      {0xd503'3a9f, true, false, true},   // dsb ishst
      {0xd503'3b9f, true, true, true},    // dsb ish
      {0xd503'379f, true, true, false},   // dsb nsh
      {0xd503'369f, true, false, false},  // dsb nshst
      {0xd503'3f9f, true, true, true},    // dsb sy
      {0xd503'399f, false, false, true},  // dsb ishld
  });
  for (const Row& row : kRows) {
    const Instruction found = Decode(row.word);
    EXPECT_EQ(found.operation, Operation::kDsb) << std::hex << row.word;
    EXPECT_EQ(found.dsb.stores, row.stores) << std::hex << row.word;
    EXPECT_EQ(found.dsb.all, row.all) << std::hex << row.word;
    EXPECT_EQ(found.dsb.shareable, row.shareable) << std::hex << row.word;
  }
}

TEST(DecodeTest, TlbisByTargetAndReach) {
  struct Row {
    std::uint32_t word;
    TlbiTarget target;
    bool broadcast, last_level;
    unsigned reg;
  };
  using enum TlbiTarget;
  constexpr auto kRows = std::to_array<Row>({
      {0xd50c'80a1, kIpa, true, true, 1},        // tlbi ipas2le1is, x1
      {0xd50c'8021, kIpa, true, false, 1},       // tlbi ipas2e1is, x1
      {0xd50c'84a1, kIpa, false, true, 1},       // tlbi ipas2le1, x1
      {0xd50c'8041, kIpaRange, true, false, 1},  // tlbi ripas2e1is, x1
      {0xd508'831f, kStage1, true, false, 31},   // tlbi vmalle1is
      {0xd508'871f, kStage1, false, false, 31},  // tlbi vmalle1
      {0xd50c'83df, kVmid, true, false, 31},     // tlbi vmalls12e1is
      {0xd50c'87df, kVmid, false, false, 31},    // tlbi vmalls12e1
      {0xd50c'839f, kAll, true, false, 31},      // tlbi alle1is
      {0xd50c'819f, kAll, true, false, 31},      // tlbi alle1os
  });
  for (const Row& row : kRows) {
    const Instruction found = Decode(row.word);
    EXPECT_EQ(found.operation, Operation::kTlbi) << std::hex << row.word;
    EXPECT_EQ(found.tlbi.target, row.target) << std::hex << row.word;
    EXPECT_EQ(found.tlbi.broadcast, row.broadcast) << std::hex << row.word;
    EXPECT_EQ(found.tlbi.last_level, row.last_level) << std::hex << row.word;
    EXPECT_EQ(found.reg, row.reg) << std::hex << row.word;
  }
}

TEST(DecodeTest, OtherOperations) {
  struct Row {
    std::uint32_t word;
    Operation operation;
    unsigned reg;
  };
  using enum Operation;
  constexpr auto kRows = std::to_array<Row>({
      {0xd51c'2103, kSetVttbr, 3},           // msr vttbr_el2, x3
      {0xd51c'2143, kSetVtcr, 3},            // msr vtcr_el2, x3
      {0xd51c'1103, kSetHcr, 3},             // msr hcr_el2, x3
      {0xd51c'2003, kSetTtbr0, 3},           // msr ttbr0_el2, x3
      {0xd50b'7422, kZeroBlock, 2},          // dc zva, x2
      {0xd503'3fdf, kIsb, 31},               // isb
      {0xd400'0003, kSmc, 31},               // smc #0
      {0xd69f'03e0, kEret, 31},              // eret
      {0x88df'fc20, kLoadAcquire, 31},       // ldar w0, [x1]
      {0xc802'7c20, kConditionalStore, 31},  // stxr w2, x0, [x1]
      {0xc802'fc20, kConditionalStore, 31},  // stlxr w2, x0, [x1]
      {0xc8e2'fc20, kConditionalStore, 31},  // casal x2, x0, [x1]
      {0xf822'8020, kConditionalStore, 31},  // swp x2, x0, [x1]
      {0xf822'0020, kConditionalStore, 31},  // ldadd x2, x0, [x1]
  });
  for (const Row& row : kRows) {
    EXPECT_EQ(Decode(row.word).operation, row.operation) << std::hex << row.word;
    EXPECT_EQ(Decode(row.word).reg, row.reg) << std::hex << row.word;
  }
}

TEST(DecodeTest, WhatLooksAlikeIsNotTaken) {
  constexpr auto kWords = std::to_array<std::uint32_t>({
      0xd503'3bbf,  // dmb ish
      0xd53c'2103,  // mrs x3, vttbr_el2
      0xd50b'7e22,  // dc civac, x2
      0xd400'0002,  // hvc #0
      0xf940'0020,  // ldr x0, [x1]
      0xc89f'fc20,  // stlr x0, [x1]
      0xc85f'fc20,  // ldaxr x0, [x1]
      0xf900'0020,  // str x0, [x1]
      0xa900'0820,  // stp x0, x2, [x1]
  });
  for (const std::uint32_t word : kWords) {
    EXPECT_EQ(Decode(word).operation, Operation::kOther) << std::hex << word;
  }
}

TEST(DecodeTest, TlbisOfEl2AreNotOfStage2) {
  for (const std::uint32_t word : {0xd50c'8321U, 0xd508'83bfU}) {  // vae2is, x1; vale1is, xzr
    EXPECT_EQ(Decode(word).operation, Operation::kOther) << std::hex << word;
  }
}

}  // namespace
}  // namespace ravelin::observer
