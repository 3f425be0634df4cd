// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Power of the vCPUs of a guest: by PSCI, and what the host may do to it.
#include "hyp/virt/psci.h"

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::virt {
namespace {

using testing::Answer;
using testing::Guest;
using testing::Host;
using testing::OfClass;

constexpr std::uint64_t k64Bit = std::uint64_t{1} << 30;
constexpr std::uint64_t kEntry = 0x8000'0000;
constexpr std::uint64_t kContext = 0x1234'5678'9abc'def0;

constexpr std::uint64_t Status(int status) {
  return static_cast<std::uint64_t>(std::int64_t{status});
}

class PsciTest : public ::testing::TestWithParam<VmKind> {
 protected:
  void Next(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
            std::uint64_t x3 = 0) {
    guest_.Next(OfClass(ExceptionClass::kHvc),
                [=](GuestRegisters& registers) { registers.x = {function, x1, x2, x3}; });
  }
  std::uint64_t Call(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                     std::uint64_t x3 = 0) {
    Next(function, x1, x2, x3);
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
    return guest_.x(0);
  }
  void SwitchOn(std::uint32_t vcpu) {
    Next(RAVELIN_PSCI_CPU_ON | k64Bit, vcpu, kEntry, kContext);
    const ravelin_exit exit = guest_.Run();
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_WAKE);
    EXPECT_EQ(exit.value, 1U << vcpu);
    EXPECT_EQ(guest_.x(0), 0U);
  }
  std::int64_t RunStatus(std::uint32_t vcpu) {
    return host_.Call(RAVELIN_HOST_VCPU_RUN, guest_.handle().raw(), vcpu).status;
  }
  Answer Power(std::uint32_t vcpu) {
    return host_.Call(RAVELIN_HOST_VCPU_GET_POWER, guest_.handle().raw(), vcpu);
  }

  Host host_;
  Guest guest_{host_, GetParam(), {.vcpus = 3}};
};

TEST_P(PsciTest, AVcpuThatIsOffCannotBeRunByTheHost) {
  EXPECT_EQ(RunStatus(1), RAVELIN_WRONG_PHASE);
  EXPECT_EQ(Power(0), (Answer{RAVELIN_SUCCESS, 1}));
  EXPECT_EQ(Power(1), (Answer{RAVELIN_SUCCESS, 0}));
}

TEST_P(PsciTest, OneThatIsSwitchedOnStartsWhereTheGuestSays) {
  SwitchOn(1);
  EXPECT_EQ(Power(1), (Answer{RAVELIN_SUCCESS, 1}));
  guest_.NextIrq([](GuestRegisters& registers) {
    EXPECT_EQ(registers.pc, kEntry);
    EXPECT_EQ(registers.x[0], kContext);
    EXPECT_EQ(registers.x[1], 0U);
    EXPECT_EQ(registers.pstate, testing::kEl1hMasked);
  });
  EXPECT_EQ(guest_.Run(1).reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(RunStatus(2), RAVELIN_WRONG_PHASE);
}

TEST_P(PsciTest, A32BitCallHas32BitArguments) {
  Next(RAVELIN_PSCI_CPU_ON, 0xffff'ffff'0000'0002, 0xffff'ffff'0000'0000 | kEntry, kContext);
  EXPECT_EQ(guest_.Run().value, 4U);
  EXPECT_EQ(guest_.vcpu(2).state().registers.pc, kEntry);
  EXPECT_EQ(guest_.vcpu(2).state().registers.x[0], kContext & 0xffff'ffff);
}

TEST_P(PsciTest, WhatCannotBeSwitchedOn) {
  constexpr std::uint64_t kOn = RAVELIN_PSCI_CPU_ON | k64Bit;
  EXPECT_EQ(Call(kOn, 0, kEntry), Status(RAVELIN_PSCI_ALREADY_ON));
  for (const std::uint64_t target :
       {std::uint64_t{3}, std::uint64_t{16}, std::uint64_t{0x100}, std::uint64_t{0x10000},
        std::uint64_t{1} << 32 | 1, std::uint64_t{1} << 31 | 1, ~std::uint64_t{0}}) {
    EXPECT_EQ(Call(kOn, target, kEntry), Status(RAVELIN_PSCI_INVALID_PARAMETERS)) << target;
  }
  EXPECT_EQ(Call(kOn, 1, kEntry + 2), Status(RAVELIN_PSCI_INVALID_ADDRESS));
  EXPECT_EQ(Call(kOn, 1, std::uint64_t{1} << Host::kVmIpaBits),
            Status(RAVELIN_PSCI_INVALID_ADDRESS));
  EXPECT_EQ(Power(1).value, 0U);
  SwitchOn(1);
  EXPECT_EQ(Call(kOn, 1, kEntry), Status(RAVELIN_PSCI_ALREADY_ON));
}

TEST_P(PsciTest, OffAndOnAgainForgetsTheRegisters) {
  SwitchOn(1);
  guest_.Next(OfClass(ExceptionClass::kHvc), [](GuestRegisters& registers) {
    registers.x.fill(7);
    registers.x[0] = RAVELIN_PSCI_CPU_OFF;
  });
  const ravelin_exit exit = guest_.Run(1);
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_SYSTEM_EVENT);
  EXPECT_EQ(exit.event, RAVELIN_EVENT_CPU_OFF);
  EXPECT_EQ(RunStatus(1), RAVELIN_WRONG_PHASE);
  EXPECT_EQ(Call(RAVELIN_PSCI_AFFINITY_INFO | k64Bit, 1), 1U);
  SwitchOn(1);
  EXPECT_EQ(guest_.vcpu(1).state().registers.x[5], 0U);
}

TEST_P(PsciTest, AffinityInfo) {
  constexpr std::uint64_t kInfo = RAVELIN_PSCI_AFFINITY_INFO | k64Bit;
  EXPECT_EQ(Call(kInfo, 0), 0U);
  EXPECT_EQ(Call(kInfo, 1), 1U);
  EXPECT_EQ(Call(kInfo, 1, 1), 0U) << "vCPU 0 is in the same cluster";
  EXPECT_EQ(Call(kInfo, 0x300, 3), 0U);
  EXPECT_EQ(Call(kInfo, 3), Status(RAVELIN_PSCI_INVALID_PARAMETERS));
  EXPECT_EQ(Call(kInfo, 0, 4), Status(RAVELIN_PSCI_INVALID_PARAMETERS));
  SwitchOn(1);
  EXPECT_EQ(Call(kInfo, 1), 0U);
}

TEST_P(PsciTest, SuspendIsAWait) {
  Next(RAVELIN_PSCI_CPU_SUSPEND | k64Bit, 0, kEntry, kContext);
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_WFX);
  EXPECT_EQ(guest_.x(0), 0U);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc) << "behind the HVC";
}

TEST_P(PsciTest, SystemSuspendStartsAnewAndAloneOnly) {
  SwitchOn(1);
  EXPECT_EQ(Call(RAVELIN_PSCI_SYSTEM_SUSPEND | k64Bit, kEntry), Status(RAVELIN_PSCI_DENIED));
  guest_.Next(OfClass(ExceptionClass::kHvc),
              [](GuestRegisters& registers) { registers.x[0] = RAVELIN_PSCI_CPU_OFF; });
  guest_.Run(1);
  EXPECT_EQ(Call(RAVELIN_PSCI_SYSTEM_SUSPEND | k64Bit, 1), Status(RAVELIN_PSCI_INVALID_ADDRESS));
  Next(RAVELIN_PSCI_SYSTEM_SUSPEND | k64Bit, kEntry, kContext);
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_WFX);
  EXPECT_EQ(guest_.registers().pc, kEntry);
  EXPECT_EQ(guest_.x(0), kContext);
}

TEST_P(PsciTest, AWarmResetIsAReset) {
  EXPECT_EQ(Call(RAVELIN_PSCI_SYSTEM_RESET2, 1), Status(RAVELIN_PSCI_INVALID_PARAMETERS));
  Next(RAVELIN_PSCI_SYSTEM_RESET2 | k64Bit, 0);
  EXPECT_EQ(guest_.Run().event, RAVELIN_EVENT_RESET);
}

TEST_P(PsciTest, TheHostSwitchesVcpusOfNormalVmsOnly) {
  const auto set = [this](std::uint32_t vcpu, std::uint64_t on) {
    return host_.Call(RAVELIN_HOST_VCPU_SET_POWER, guest_.handle().raw(), vcpu, on).status;
  };
  if (GetParam() == VmKind::kProtected) {
    const Host::Snapshot before = host_.TakeSnapshot();
    EXPECT_EQ(set(1, 1), RAVELIN_WRONG_KIND);
    EXPECT_EQ(set(0, 0), RAVELIN_WRONG_KIND);
    EXPECT_TRUE(host_.TakeSnapshot() == before);
    return;
  }
  EXPECT_EQ(set(1, 2), RAVELIN_INVALID_ARGUMENT);
  EXPECT_EQ(set(1, 1), RAVELIN_SUCCESS);
  EXPECT_EQ(RunStatus(1), RAVELIN_SUCCESS);
  EXPECT_EQ(set(1, 0), RAVELIN_SUCCESS);
  EXPECT_EQ(RunStatus(1), RAVELIN_WRONG_PHASE);
  guest_.NextIrq([&](GuestRegisters&) { EXPECT_EQ(set(0, 0), RAVELIN_BUSY); });
  guest_.Run();
  guest_.NextSerror();
  guest_.Run();
  EXPECT_EQ(set(0, 1), RAVELIN_WRONG_PHASE) << "stopped for ever";
}

INSTANTIATE_TEST_SUITE_P(Kinds, PsciTest, ::testing::Values(VmKind::kNormal, VmKind::kProtected),
                         [](const auto& each) {
                           return each.param == VmKind::kNormal ? "Normal" : "Protected";
                         });

}  // namespace
}  // namespace ravelin::virt
