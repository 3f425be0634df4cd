// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// PSCI and SMCCC as every guest has them, for both kinds of VM.
#include "hyp/virt/smccc.h"

#include <array>
#include <utility>

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::virt {
namespace {

using testing::Guest;
using testing::Host;
using testing::OfClass;

constexpr std::uint32_t k64Bit = 1U << 30;
constexpr auto kNotSupported = static_cast<std::uint64_t>(RAVELIN_SMCCC_NOT_SUPPORTED);

class SmcccTest : public ::testing::TestWithParam<VmKind> {
 protected:
  void Next(std::uint64_t function, std::uint64_t x1) {
    guest_.Next(OfClass(ExceptionClass::kHvc), [=](GuestRegisters& registers) {
      registers.x.fill(77);
      registers.x[0] = function;
      registers.x[1] = x1;
    });
  }
  std::uint64_t Call(std::uint64_t function, std::uint64_t x1 = 77) {
    Next(function, x1);
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
    EXPECT_EQ(guest_.x(1), 0U);
    EXPECT_EQ(guest_.x(2), 0U);
    EXPECT_EQ(guest_.x(3), 0U);
    for (unsigned i = 4; i < 31; ++i) {
      EXPECT_EQ(guest_.x(i), 77U) << "X" << i << " is preserved";
    }
    return guest_.x(0);
  }

  Host host_;
  Guest guest_{host_, GetParam()};
};

TEST_P(SmcccTest, Versions) {
  EXPECT_EQ(Call(RAVELIN_SMCCC_VERSION), 0x10002U);
  EXPECT_EQ(Call(RAVELIN_PSCI_VERSION), 0x10001U);
}

TEST_P(SmcccTest, TheTrustedOsNeedsNoMigration) {
  EXPECT_EQ(Call(RAVELIN_PSCI_MIGRATE_INFO_TYPE), 2U);
}

TEST_P(SmcccTest, FeaturesAreWhatIsServed) {
  for (const std::uint64_t function :
       {RAVELIN_SMCCC_VERSION, RAVELIN_PSCI_VERSION, RAVELIN_PSCI_CPU_SUSPEND, RAVELIN_PSCI_CPU_OFF,
        RAVELIN_PSCI_CPU_ON, RAVELIN_PSCI_AFFINITY_INFO, RAVELIN_PSCI_MIGRATE_INFO_TYPE,
        RAVELIN_PSCI_SYSTEM_OFF, RAVELIN_PSCI_SYSTEM_RESET, RAVELIN_PSCI_FEATURES,
        RAVELIN_PSCI_SYSTEM_SUSPEND, RAVELIN_PSCI_SYSTEM_RESET2, RAVELIN_PSCI_CPU_SUSPEND | k64Bit,
        RAVELIN_PSCI_CPU_ON | k64Bit, RAVELIN_PSCI_AFFINITY_INFO | k64Bit,
        RAVELIN_PSCI_SYSTEM_SUSPEND | k64Bit, RAVELIN_PSCI_SYSTEM_RESET2 | k64Bit}) {
    EXPECT_EQ(Call(RAVELIN_PSCI_FEATURES, function), 0U) << std::hex << function;
    EXPECT_EQ(Call(RAVELIN_PSCI_FEATURES, function | std::uint64_t{1} << 32), kNotSupported);
  }
  // MIGRATE, a 64-bit VERSION, nothing, everything.
  for (const std::uint64_t function : {std::uint64_t{0x8400'0005}, std::uint64_t{0xc400'0000},
                                       std::uint64_t{0}, ~std::uint64_t{0}}) {
    EXPECT_EQ(Call(RAVELIN_PSCI_FEATURES, function), kNotSupported) << std::hex << function;
  }
  EXPECT_EQ(Call(RAVELIN_SMCCC_ARCH_FEATURES, RAVELIN_SMCCC_VERSION), 0U);
  EXPECT_EQ(Call(RAVELIN_SMCCC_ARCH_FEATURES, 0x8000'8000), kNotSupported) << "WORKAROUND_1";
}

TEST_P(SmcccTest, PowerCallsTellTheHostWhichAndSwitchTheVcpuOff) {
  const std::array<std::pair<std::uint64_t, std::uint64_t>, 3> events = {
      {{RAVELIN_PSCI_SYSTEM_OFF, RAVELIN_EVENT_SHUTDOWN},
       {RAVELIN_PSCI_SYSTEM_RESET, RAVELIN_EVENT_RESET},
       {RAVELIN_PSCI_CPU_OFF, RAVELIN_EVENT_CPU_OFF}}};
  for (const auto& [function, event] : events) {
    Guest guest(host_, GetParam());
    guest.Next(OfClass(ExceptionClass::kHvc),
               [=](GuestRegisters& registers) { registers.x.fill(function); });
    const ravelin_exit exit = guest.Run();
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_SYSTEM_EVENT);
    EXPECT_EQ(exit.event, event);
    EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_RUN, guest.handle().raw(), 0U).status,
              RAVELIN_WRONG_PHASE);
    host_.EndVm(guest.handle());
  }
}

TEST_P(SmcccTest, UpperHalvesOfFunctionIdentifiersAreNotIgnored) {
  for (const std::uint64_t function : {RAVELIN_SMCCC_VERSION, RAVELIN_PSCI_SYSTEM_OFF}) {
    EXPECT_EQ(Call(function | std::uint64_t{1} << 32), kNotSupported);
    EXPECT_EQ(Call(function | std::uint64_t{1} << 63), kNotSupported);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SmcccTest, ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });

}  // namespace
}  // namespace ravelin::virt
