// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// An injected exception is what the CPU itself would have taken (Arm ARM, AArch64.TakeException).
#include "hyp/vm/inject.h"

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"

namespace ravelin::inject {
namespace {

constexpr std::uint64_t kVectors = 0xffff'8000'0123'0800;
constexpr std::uint64_t kPc = 0xffff'8000'0008'1234;
constexpr std::uint64_t kFar = 0x1234'5678;

constexpr std::uint64_t kEl0 = 0, kEl1t = 4, kEl1h = 5, kAarch32User = Bit(4);
constexpr std::uint64_t kSpan = Bit(23), kDssbs = Bit(44);  // SCTLR_EL1
constexpr std::uint64_t kEntry = 0x3c5;                     // EL1h, DAIF set
constexpr std::uint64_t kPan = Bit(22), kDit = Bit(24), kSsbs = Bit(12), kTco = Bit(25);

class InjectTest : public ::testing::Test {
 protected:
  InjectTest() {
    fake::ResetCpu();
    el1().vbar = kVectors;
    el1().sctlr = kSpan;
  }

  El1State& el1() { return fake::ThisCpu().el1; }
  std::uint64_t Iss() { return Field<24, 0>::Get(el1().esr); }
  static ExecutionPoint At(std::uint64_t pstate) { return {.pc = kPc, .pstate = pstate}; }
  std::uint64_t PstateAfter(std::uint64_t pstate) { return Undefined(At(pstate)).pstate; }
};

TEST_F(InjectTest, TheVectorDependsOnWhereTheExceptionComesFrom) {
  EXPECT_EQ(Undefined(At(kEl1t)).pc, kVectors + 0x000);
  EXPECT_EQ(Undefined(At(kEl1h)).pc, kVectors + 0x200);
  EXPECT_EQ(Undefined(At(kEl0)).pc, kVectors + 0x400);
  EXPECT_EQ(Undefined(At(kAarch32User)).pc, kVectors + 0x600);
}

TEST_F(InjectTest, El1ReturnsToWhereItWas) {
  for (const std::uint64_t pstate : {kEl0, kEl1t, kEl1h, kAarch32User, kEl1h | Bit(21) | Bit(31)}) {
    static_cast<void>(Undefined(At(pstate)));
    EXPECT_EQ(el1().elr, kPc);
    EXPECT_EQ(el1().spsr, pstate);
  }
}

TEST_F(InjectTest, InterruptsAndDebugAreMaskedAtEl1h) {
  EXPECT_EQ(PstateAfter(kEl0), kEntry);
  EXPECT_EQ(PstateAfter(kEl1t), kEntry);
  EXPECT_EQ(PstateAfter(kEl1h | Bit(7)), kEntry);
  EXPECT_EQ(PstateAfter(kAarch32User), kEntry);
}

TEST_F(InjectTest, FlagsDitAndPanAreKeptAndNothingElse) {
  const std::uint64_t kept = Field<31, 28>::kMask | kDit | kPan;
  EXPECT_EQ(PstateAfter(kEl1h | kept), kEntry | kept);
  // In SPSR_EL2 these bits have the same places for AArch32.
  EXPECT_EQ(PstateAfter(kAarch32User | kept), kEntry | kept);
  // Single step, IL, UAO, SSBS, BTYPE, TCO.
  const std::uint64_t dropped = Bit(21) | Bit(20) | Bit(23) | kSsbs | Field<11, 10>::kMask | kTco;
  EXPECT_EQ(PstateAfter(kEl1h | dropped), kEntry);
  EXPECT_EQ(PstateAfter(kAarch32User | Field<27, 25>::kMask | Field<20, 16>::kMask |
                        Field<15, 9>::kMask | Bit(5)),
            kEntry);
}

TEST_F(InjectTest, PanIsSetUnlessSpanSaysToKeepIt) {
  EXPECT_EQ(PstateAfter(kEl0) & kPan, 0U);
  EXPECT_EQ(PstateAfter(kEl1h | kPan) & kPan, kPan);
  el1().sctlr = 0;
  EXPECT_EQ(PstateAfter(kEl0) & kPan, kPan);
}

TEST_F(InjectTest, SsbsIsWhatDssbsSays) {
  EXPECT_EQ(PstateAfter(kEl1h | kSsbs) & kSsbs, 0U);
  el1().sctlr = kSpan | kDssbs;
  EXPECT_EQ(PstateAfter(kEl1h) & kSsbs, kSsbs);
}

TEST_F(InjectTest, TagChecksAreOverriddenWhereThereAreTags) {
  EXPECT_EQ(PstateAfter(kEl1h) & kTco, 0U);
  fake::ThisCpu().has_tags = true;
  EXPECT_EQ(PstateAfter(kEl1h) & kTco, kTco);
}

TEST_F(InjectTest, AnUndefinedInstructionHasNoSyndrome) {
  el1().far = 77;
  static_cast<void>(Undefined(At(kEl0)));
  EXPECT_EQ(el1().esr, Bit(25));
  EXPECT_EQ(el1().far, 77U);
}

TEST_F(InjectTest, ADataAbortSaysWhereItComesFrom) {
  for (const std::uint64_t lower : {kEl0, kAarch32User}) {
    static_cast<void>(Data(At(lower), {.status = kStatusExternal, .far = kFar}));
    EXPECT_EQ(el1().esr, (std::uint64_t{0x24} << 26 | Bit(25) | 0x10));
    EXPECT_EQ(el1().far, kFar);
  }
  for (const std::uint64_t same : {kEl1t, kEl1h}) {
    static_cast<void>(Data(At(same), {.status = kStatusAlignment, .far = kFar}));
    EXPECT_EQ(el1().esr, (std::uint64_t{0x25} << 26 | Bit(25) | 0x21));
  }
}

TEST_F(InjectTest, ADataAbortSaysWhatItWas) {
  static_cast<void>(Data(At(kEl1h), {.status = kStatusExternal, .write = true, .far = kFar}));
  EXPECT_EQ(Iss(), Bit(6) | 0x10);
  static_cast<void>(
      Data(At(kEl1h),
           {.status = kStatusExternal, .write = true, .cache_maintenance = true, .far = kFar}));
  EXPECT_EQ(Iss(), Bit(8) | Bit(6) | 0x10);
}

TEST_F(InjectTest, AnUnknownAddressIsMarkedAndNotLeftOver) {
  el1().far = 77;
  static_cast<void>(Data(At(kEl1h), {.status = kStatusExternal}));
  EXPECT_EQ(Iss(), Bit(10) | 0x10);
  EXPECT_EQ(el1().far, 0U);
  el1().far = 77;
  static_cast<void>(Instruction(At(kEl1h), std::nullopt));
  EXPECT_EQ(Iss(), Bit(10) | 0x10);
  EXPECT_EQ(el1().far, 0U);
}

TEST_F(InjectTest, AnInstructionAbortSaysWhereItComesFrom) {
  EXPECT_EQ(Instruction(At(kEl0), kFar).pc, kVectors + 0x400);
  EXPECT_EQ(el1().esr, (std::uint64_t{0x20} << 26 | Bit(25) | 0x10));
  EXPECT_EQ(el1().far, kFar);
  EXPECT_EQ(Instruction(At(kEl1h), kFar).pc, kVectors + 0x200);
  EXPECT_EQ(el1().esr, (std::uint64_t{0x21} << 26 | Bit(25) | 0x10));
}

}  // namespace
}  // namespace ravelin::inject
