// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The registers of the distributor and of the redistributors, as a guest sees them.
#include "hyp/virt/gic/registers.h"

#include <array>

#include "gtest/gtest.h"
#include "hyp/testing/gic_guest.h"

namespace ravelin::gic {
namespace {

using testing::GicGuest;
using enum testing::Register;
using ravelin::testing::DataAbort;
using ravelin::testing::Host;
using testing::kSgiFrame;
using testing::Route;

class RegistersTest : public ::testing::TestWithParam<VmKind> {
 protected:
  // Writes all ones, and expects `kept` of them.
  void Keeps(std::uint64_t ipa, std::uint64_t kept, unsigned size = 4) {
    guest_.Write(ipa, ~std::uint64_t{0}, size);
    EXPECT_EQ(guest_.Read(ipa, size), kept) << std::hex << ipa;
  }
  // A pair of registers: one sets bits of a word, the other clears them.
  void SetsAndClears(std::uint64_t set, std::uint64_t clear, std::uint32_t usable) {
    guest_.Write(clear, ~0U);
    guest_.Write(set, 0x00f0'0f01);
    EXPECT_EQ(guest_.Read(set), 0x00f0'0f01U & usable);
    EXPECT_EQ(guest_.Read(clear), 0x00f0'0f01U & usable);
    guest_.Write(set, 0x8000'0000);
    EXPECT_EQ(guest_.Read(set), 0x80f0'0f01U & usable);
    guest_.Write(clear, 0x0030'0001);
    EXPECT_EQ(guest_.Read(set), 0x80c0'0f00U & usable);
    guest_.Write(clear, ~0U);
  }

  static constexpr std::uint64_t kGicd = ravelin::testing::kDistributor;

  Host host_;
  GicGuest guest_{host_, GetParam()};
};

TEST_P(RegistersTest, TheDistributorSaysWhatItIs) {
  EXPECT_EQ(guest_.ReadDistributor(kTyper), 2U | 9U << 19 | 1U << 25) << "96 interrupts, no LPIs";
  EXPECT_EQ(guest_.ReadDistributor(kPidr2) >> 4, 3U) << "GICv3";
  EXPECT_EQ(guest_.ReadDistributor(kIidr), 0x5200'0000U);
  for (const std::uint64_t offset : {kTyper, kIidr, kPidr2}) {
    const std::uint64_t before = guest_.ReadDistributor(offset);
    Keeps(kGicd + offset, before);
  }
}

TEST_P(RegistersTest, ControlHasTwoGroupsAndAlwaysAffinityRouting) {
  EXPECT_EQ(guest_.ReadDistributor(kCtlr), 0x50U);
  Keeps(kGicd + kCtlr, 0x53);
  guest_.WriteDistributor(kCtlr, 0);
  EXPECT_EQ(guest_.ReadDistributor(kCtlr), 0x50U);
}

TEST_P(RegistersTest, SetAndClear) {
  for (const std::uint64_t bank : {4U, 8U}) {
    SetsAndClears(kGicd + kSetEnable + bank, kGicd + kClearEnable + bank, ~0U);
    SetsAndClears(kGicd + kSetPending + bank, kGicd + kClearPending + bank, ~0U);
    SetsAndClears(kGicd + kSetActive + bank, kGicd + kClearActive + bank, ~0U);
  }
  const std::uint64_t own = GicGuest::Sgis(0);
  SetsAndClears(own + kSetEnable, own + kClearEnable, ~0U);
  SetsAndClears(own + kSetPending, own + kClearPending, ~0U);
  SetsAndClears(own + kSetActive, own + kClearActive, ~0U);
}

TEST_P(RegistersTest, ATimersInterruptIsPendingByItsTimerAlone) {
  guest_.Write(GicGuest::Sgis(0) + kSetPending, ~0U);
  EXPECT_EQ(guest_.Read(GicGuest::Sgis(0) + kSetPending), ~(1U << 27 | 1U << 30));
}

TEST_P(RegistersTest, GroupsAndPriorities) {
  EXPECT_EQ(guest_.ReadDistributor(kGroup + 4), ~0U) << "group 1 at first";
  guest_.WriteDistributor(kGroup + 4, 0x1234);
  EXPECT_EQ(guest_.ReadDistributor(kGroup + 4), 0x1234U);
  EXPECT_EQ(guest_.ReadDistributor(kGroup + 8), ~0U);
  Keeps(kGicd + kPriority + 36, 0xf8f8f8f8);
  Keeps(GicGuest::Sgis(0) + kPriority + 28, 0xf8f8f8f8);
  guest_.WriteDistributor(kPriority + 37, 0x17, 1);
  EXPECT_EQ(guest_.ReadDistributor(kPriority + 36), 0xf8f810f8U);
  EXPECT_EQ(guest_.ReadDistributor(kPriority + 37, 1), 0x10U);
  EXPECT_EQ(guest_.ReadDistributor(kPriority + 38, 1), 0xf8U);
}

TEST_P(RegistersTest, ConfigurationHasOneBitOfTwo) {
  Keeps(kGicd + kConfiguration + 8, 0xaaaaaaaa);
  Keeps(kGicd + kConfiguration + 12, 0xaaaaaaaa);
  guest_.WriteDistributor(kConfiguration + 8, 0x2);
  EXPECT_EQ(guest_.ReadDistributor(kConfiguration + 8), 0x2U);
  EXPECT_EQ(guest_.ReadDistributor(kConfiguration + 12), 0xaaaaaaaaU);
  EXPECT_EQ(guest_.Read(GicGuest::Sgis(0) + kConfiguration), 0xaaaaaaaaU) << "SGIs are edges";
  guest_.Write(GicGuest::Sgis(0) + kConfiguration, 0);
  EXPECT_EQ(guest_.Read(GicGuest::Sgis(0) + kConfiguration), 0xaaaaaaaaU);
  Keeps(GicGuest::Sgis(0) + kConfiguration + 4, 0xaaaaaaaa & ~(2U << 22 | 2U << 28));
}

TEST_P(RegistersTest, ARouteHasThreeLevelsOfAffinity) {
  Keeps(kGicd + Route(32), 0x00ff'ffff, 8);
  Keeps(kGicd + Route(95), 0x00ff'ffff, 8);
  guest_.WriteDistributor(Route(33), 1, 4);
  guest_.WriteDistributor(Route(33) + 4, 0xff, 4);
  EXPECT_EQ(guest_.ReadDistributor(Route(33), 8), 1U);
}

TEST_P(RegistersTest, WhatIsNotThereReadsAsZero) {
  constexpr auto kInDistributor = std::to_array<std::uint64_t>(
      {0x10, 0x40, kGroup, kSetEnable, kSetEnable + 12, kSetPending, kPriority + 28, kPriority + 96,
       kConfiguration, kConfiguration + 24, 0x800, 0xd00, 0xf00, Route(31), Route(96), Route(1019),
       0x8000, 0xfffc});
  for (const std::uint64_t offset : kInDistributor) {
    Keeps(kGicd + offset, 0);
  }
  constexpr auto kInRedistributor = std::to_array<std::uint64_t>(
      {0x0, 0x10, 0x14, 0x70, 0x78, 0x100, kSgiFrame + kSetEnable + 4, kSgiFrame + kPriority + 32,
       kSgiFrame + kConfiguration + 8, kSgiFrame + 0xffe8});
  for (const std::uint64_t offset : kInRedistributor) {
    Keeps(GicGuest::Redistributor(0) + offset, 0);
  }
}

TEST_P(RegistersTest, AWidthThatARegisterDoesNotHaveReadsAsZero) {
  EXPECT_EQ(guest_.ReadDistributor(kTyper, 1), 0U);
  EXPECT_EQ(guest_.ReadDistributor(kTyper, 2), 0U);
  EXPECT_EQ(guest_.ReadDistributor(kCtlr, 8), 0U);
  EXPECT_EQ(guest_.ReadDistributor(kPriority + 33, 2), 0U) << "not aligned either";
  guest_.WriteDistributor(kCtlr, 3, 1);
  guest_.WriteDistributor(kCtlr, 3, 8);
  EXPECT_EQ(guest_.ReadDistributor(kCtlr), 0x50U);
}

TEST_P(RegistersTest, ARedistributorSaysWhoseItIs) {
  EXPECT_EQ(guest_.Read(GicGuest::Redistributor(0) + 8, 8), 0U);
  EXPECT_EQ(guest_.Read(GicGuest::Redistributor(1) + 8, 8), 1ULL << 32 | 1U << 8 | 1U << 4);
  EXPECT_EQ(guest_.Read(GicGuest::Redistributor(1) + 12), 1U);
  EXPECT_EQ(guest_.Read(GicGuest::Redistributor(0) + kPidr2) >> 4, 3U);
}

TEST_P(RegistersTest, RedistributorsAreDistinct) {
  guest_.Write(GicGuest::Sgis(0) + kSetEnable, 0x1);
  guest_.Write(GicGuest::Sgis(1) + kSetEnable, 0x2);
  EXPECT_EQ(guest_.Read(GicGuest::Sgis(0) + kSetEnable), 0x1U);
  EXPECT_EQ(guest_.Read(GicGuest::Sgis(1) + kSetEnable), 0x2U);
}

TEST_P(RegistersTest, BehindTheFramesIsNoController) {
  for (const std::uint64_t ipa :
       {kGicd - 4, kGicd + 0x10000, GicGuest::Redistributor(0) - 4, GicGuest::Redistributor(2)}) {
    guest_.Next(DataAbort(ipa, {.size = 4}));
    EXPECT_EQ(guest_.Run().reason,
              GetParam() == VmKind::kNormal ? RAVELIN_EXIT_MMIO : RAVELIN_EXIT_MEMORY_FAULT);
  }
}

TEST_P(RegistersTest, AnAccessThatIsNotDecodedIsAborted) {
  const ExecutionPoint at = guest_.vcpu().point();
  guest_.Next(DataAbort(kGicd, {.decoded = false}));
  guest_.NextIrq();
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  EXPECT_TRUE(guest_.TookException(at, MakeEsr(ExceptionClass::kDataAbortSame, kStatusExternal)));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RegistersTest,
                         ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });

}  // namespace
}  // namespace ravelin::gic
