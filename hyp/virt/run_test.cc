// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The run loop and the host's replies, with a normal VM, whose every unmapped address is MMIO.
#include "hyp/virt/run.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin {
namespace {

using testing::Access;
using testing::DataAbort;
using testing::Guest;
using testing::Host;
using testing::InstructionAbort;

constexpr std::uint64_t kDevice = 0x900'0018;
constexpr std::uint64_t kValue = 0x8182'8384'8586'8788;

class VcpuTest : public ::testing::Test {
 protected:
  // The value of X3 after a read that the host answers.
  std::uint64_t ReadAnswered(const Access& access, std::uint64_t value) {
    guest_.x(3) = ~std::uint64_t{0};
    guest_.Next(DataAbort(kDevice, access));
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_MMIO);
    EXPECT_EQ(guest_.Reply(RAVELIN_REPLY_VALUE, value).reason, RAVELIN_EXIT_IRQ);
    return guest_.x(3);
  }

  std::int64_t RunStatus() {
    return host_.Call(RAVELIN_HOST_VCPU_RUN, guest_.handle().raw(), 0U).status;
  }

  Host host_;
  Guest guest_{host_, VmKind::kNormal};
};

// --- MMIO

TEST_F(VcpuTest, AReadSaysWhereAndHowMuchAndNothingElse) {
  for (const unsigned size : {1U, 2U, 4U, 8U}) {
    guest_.x(3) = kValue;
    guest_.Next(DataAbort(kDevice, {.size = size, .reg = 3}));
    const ravelin_exit exit = guest_.Run();
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_MMIO);
    EXPECT_EQ(exit.ipa, kDevice);
    EXPECT_EQ(exit.access, RAVELIN_ACCESS_READ);
    EXPECT_EQ(exit.size, size);
    EXPECT_EQ(exit.value, 0U);
  }
}

TEST_F(VcpuTest, AReadTakesAsManyBytesAsItAsksFor) {
  EXPECT_EQ(ReadAnswered({.size = 1, .reg = 3}, kValue), 0x88U);
  EXPECT_EQ(ReadAnswered({.size = 2, .reg = 3}, kValue), 0x8788U);
  EXPECT_EQ(ReadAnswered({.size = 4, .reg = 3}, kValue), 0x8586'8788U);
  EXPECT_EQ(ReadAnswered({.size = 8, .reg = 3}, kValue), kValue);
}

TEST_F(VcpuTest, AReadWithSignExtension) {
  const auto signed_read = [](unsigned size, bool wide) {
    return Access{.size = size, .reg = 3, .sign_extend = true, .wide = wide};
  };
  EXPECT_EQ(ReadAnswered(signed_read(1, true), 0x80), 0xffff'ffff'ffff'ff80U);
  EXPECT_EQ(ReadAnswered(signed_read(1, true), 0x17f), 0x7fU);
  EXPECT_EQ(ReadAnswered(signed_read(2, true), 0x8000), 0xffff'ffff'ffff'8000U);
  EXPECT_EQ(ReadAnswered(signed_read(4, true), 0x8000'0000), 0xffff'ffff'8000'0000U);
  EXPECT_EQ(ReadAnswered(signed_read(8, true), kValue), kValue);
  EXPECT_EQ(ReadAnswered(signed_read(1, false), 0x80), 0xffff'ff80U);
  EXPECT_EQ(ReadAnswered(signed_read(2, false), 0x8000), 0xffff'8000U);
}

TEST_F(VcpuTest, AReadInto32BitsClearsTheUpperHalf) {
  EXPECT_EQ(ReadAnswered({.size = 4, .reg = 3, .wide = false}, kValue), 0x8586'8788U);
  EXPECT_EQ(ReadAnswered({.size = 1, .reg = 3, .wide = false}, kValue), 0x88U);
}

TEST_F(VcpuTest, AReadIntoXzrChangesNoRegister) {
  const auto before = guest_.registers().x;
  guest_.Next(DataAbort(kDevice, {.reg = 31}));
  guest_.Run();
  guest_.Reply(RAVELIN_REPLY_VALUE, kValue);
  EXPECT_EQ(guest_.registers().x, before);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc + 4);
}

TEST_F(VcpuTest, AReadIntoEveryRegister) {
  for (unsigned reg = 0; reg < 31; ++reg) {
    guest_.Next(DataAbort(kDevice, {.reg = reg}));
    guest_.Run();
    guest_.Reply(RAVELIN_REPLY_VALUE, kValue + reg);
    EXPECT_EQ(guest_.x(reg), kValue + reg);
  }
}

TEST_F(VcpuTest, AWriteSaysTheBytesThatItWrites) {
  const std::array<std::pair<unsigned, std::uint64_t>, 4> cases = {
      {{1, 0x88}, {2, 0x8788}, {4, 0x8586'8788}, {8, kValue}}};
  for (const auto& [size, value] : cases) {
    guest_.x(7) = kValue;
    guest_.Next(DataAbort(kDevice, {.write = true, .size = size, .reg = 7}));
    const ravelin_exit exit = guest_.Run();
    EXPECT_EQ(exit.access, RAVELIN_ACCESS_WRITE);
    EXPECT_EQ(exit.size, size);
    EXPECT_EQ(exit.value, value);
  }
  guest_.Next(DataAbort(kDevice, {.write = true, .reg = 31}));
  EXPECT_EQ(guest_.Run().value, 0U);
}

TEST_F(VcpuTest, AWriteThatIsDoneGoesOnBehindItAndChangesNoRegister) {
  guest_.registers().pstate |= Field<11, 10>::kMask | Bit(21);  // BTYPE, single step
  guest_.x(7) = kValue;
  guest_.Next(DataAbort(kDevice, {.write = true, .reg = 7}));
  guest_.Run();
  guest_.Reply(RAVELIN_REPLY_VALUE, 1234);
  EXPECT_EQ(guest_.x(7), kValue);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc + 4);
  EXPECT_EQ(guest_.registers().pstate, testing::kEl1hMasked);
}

// --- Other replies

TEST_F(VcpuTest, AnExternalAbortIsInjectedAtTheAccess) {
  for (const bool write : {false, true}) {
    const ExecutionPoint at = guest_.vcpu().point();
    guest_.Next(DataAbort(kDevice, {.write = write}));
    guest_.Run();
    guest_.Reply(RAVELIN_REPLY_EXTERNAL_ABORT);
    EXPECT_TRUE(guest_.TookException(
        at, MakeEsr(ExceptionClass::kDataAbortSame, kStatusExternal | (write ? kIssWrite : 0))));
    EXPECT_EQ(guest_.el1().far, 0xffff'8000'0000'0018U);
  }
}

TEST_F(VcpuTest, AnExternalAbortOfAnInstructionFetch) {
  const ExecutionPoint at = guest_.vcpu().point();
  guest_.Next(InstructionAbort(0x8000'1004));
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_MEMORY_FAULT);
  EXPECT_EQ(exit.access, RAVELIN_ACCESS_EXEC);
  guest_.Reply(RAVELIN_REPLY_EXTERNAL_ABORT);
  EXPECT_TRUE(
      guest_.TookException(at, MakeEsr(ExceptionClass::kInstructionAbortSame, kStatusExternal)));
  EXPECT_EQ(guest_.el1().far, 0xffff'8000'0000'0004U);
}

TEST_F(VcpuTest, NoReplyExecutesTheAccessAgain) {
  const ExecutionPoint at = guest_.vcpu().point();
  for (const bool write : {false, true}) {
    guest_.Next(DataAbort(kDevice, {.write = write, .reg = 3}));
    guest_.Run();
    guest_.Reply(RAVELIN_REPLY_NONE, kValue);
    EXPECT_EQ(guest_.registers().pc, at.pc);
    EXPECT_EQ(guest_.registers().pstate, at.pstate);
    EXPECT_EQ(guest_.x(3), 0U);
  }
}

class UnfitReplyTest : public VcpuTest {
 protected:
  // The reply to the exit that `syndrome` causes changes nothing of the guest.
  void Ignored(const arch::Syndrome* syndrome, std::uint64_t kind) {
    if (syndrome != nullptr) {
      guest_.Next(*syndrome);
    }
    guest_.Run();
    const GuestRegisters before = guest_.registers();
    guest_.Reply(kind, kValue);
    EXPECT_EQ(guest_.registers().x, before.x);
    EXPECT_EQ(guest_.registers().pc, before.pc);
    EXPECT_EQ(guest_.registers().pstate, before.pstate);
    EXPECT_EQ(guest_.el1().esr, 0U);
  }
};

TEST_F(UnfitReplyTest, AfterAnInterrupt) {
  Ignored(nullptr, RAVELIN_REPLY_VALUE);
  Ignored(nullptr, RAVELIN_REPLY_EXTERNAL_ABORT);
}

TEST_F(UnfitReplyTest, AfterWfi) {
  const arch::Syndrome wfi = testing::OfClass(ExceptionClass::kWfx);
  Ignored(&wfi, RAVELIN_REPLY_VALUE);
  Ignored(&wfi, RAVELIN_REPLY_EXTERNAL_ABORT);
}

TEST_F(UnfitReplyTest, AValueForAMissingPage) {
  const arch::Syndrome data = DataAbort(kDevice, {.decoded = false});
  Ignored(&data, RAVELIN_REPLY_VALUE);
  const arch::Syndrome walk = DataAbort(kDevice, {.stage1_walk = true});
  Ignored(&walk, RAVELIN_REPLY_VALUE);
  const arch::Syndrome fetch = InstructionAbort(kDevice);
  Ignored(&fetch, RAVELIN_REPLY_VALUE);
}

TEST_F(UnfitReplyTest, AKindThatDoesNotExist) {
  const arch::Syndrome read = DataAbort(kDevice);
  for (const std::uint64_t kind :
       {std::uint64_t{3}, std::uint64_t{1} << 32 | RAVELIN_REPLY_VALUE, ~std::uint64_t{0}}) {
    Ignored(&read, kind);
  }
}

TEST_F(UnfitReplyTest, ASecondReplyToTheSameExit) {
  guest_.Next(DataAbort(kDevice, {.reg = 3}));
  guest_.Run();
  guest_.Reply(RAVELIN_REPLY_VALUE, 1);
  const std::uint64_t pc = guest_.registers().pc;
  guest_.Reply(RAVELIN_REPLY_VALUE, 2);
  EXPECT_EQ(guest_.x(3), 1U);
  EXPECT_EQ(guest_.registers().pc, pc);
}

// --- The run page

TEST_F(VcpuTest, TheReplyIsTakenFromTheRunPage) {
  guest_.Next(DataAbort(kDevice, {.reg = 3}));
  guest_.Run();
  guest_.Reply(RAVELIN_REPLY_VALUE, 1);
  EXPECT_EQ(guest_.run_page().reply.kind, RAVELIN_REPLY_NONE);
}

TEST_F(VcpuTest, WhatAnotherCpuWritesAfterTheCopyDoesNotCount) {
  guest_.Next(DataAbort(kDevice, {.size = 4, .reg = 3}));
  guest_.Run();
  fake::ThisCpu().on_enter = [this] {
    guest_.run_page().reply = {.kind = RAVELIN_REPLY_EXTERNAL_ABORT, .values = {2, 2, 2, 2}};
    guest_.run_page().exit = {.reason = RAVELIN_EXIT_MMIO, .size = 1};
  };
  EXPECT_EQ(guest_.Reply(RAVELIN_REPLY_VALUE, 0x1111'1111).reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(guest_.x(3), 0x1111'1111U);
  EXPECT_EQ(guest_.el1().esr, 0U);
}

TEST_F(VcpuTest, EveryFieldOfTheExitIsWritten) {
  const auto all_ones = [this](auto&) {
    auto* const words = reinterpret_cast<std::uint64_t*>(&guest_.run_page().exit);
    std::fill_n(words, sizeof(ravelin_exit) / 8, ~std::uint64_t{0});
  };
  guest_.NextIrq(all_ones);
  guest_.Run();
  const ravelin_exit irq{.reason = RAVELIN_EXIT_IRQ};
  EXPECT_EQ(std::memcmp(&guest_.run_page().exit, &irq, sizeof(irq)), 0);
  guest_.Next(DataAbort(kDevice, {.size = 2}), all_ones);
  guest_.Run();
  const ravelin_exit read{
      .reason = RAVELIN_EXIT_MMIO, .ipa = kDevice, .access = RAVELIN_ACCESS_READ, .size = 2};
  EXPECT_EQ(std::memcmp(&guest_.run_page().exit, &read, sizeof(read)), 0);
}

// --- Life of a vCPU

TEST_F(VcpuTest, WhileItRunsItIsBusy) {
  guest_.NextIrq([this](auto&) {
    std::thread([this] {
      const Host::Snapshot before = host_.TakeSnapshot();
      EXPECT_EQ(RunStatus(), RAVELIN_BUSY);
      const std::uint64_t vm = guest_.handle().raw();
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_GET_REG, vm, 0U, 3U).status, RAVELIN_BUSY);
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_SET_REG, vm, 0U, 3U, 1U).status, RAVELIN_BUSY);
      EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_DESTROY, vm).status, RAVELIN_BUSY);
      EXPECT_TRUE(host_.TakeSnapshot() == before);
    }).join();
  });
  guest_.Run();
  EXPECT_EQ(RunStatus(), RAVELIN_SUCCESS);
}

TEST_F(VcpuTest, OneThatIsOffDoesNotRun) {
  const VmHandle vm = host_.CreateVm(VmKind::kNormal);
  host_.CreateVcpu(vm, 0);
  host_.CreateVcpu(vm, 1);
  ASSERT_EQ(host_.Call(RAVELIN_HOST_VM_LAUNCH, vm.raw()).status, RAVELIN_SUCCESS);
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_RUN, vm.raw(), 1U).status, RAVELIN_WRONG_PHASE);
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_RUN, vm.raw(), 0U).status, RAVELIN_SUCCESS);
}

TEST_F(VcpuTest, AnSErrorStopsItForEver) {
  guest_.NextSerror();
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_STOPPED);
  EXPECT_EQ(exit.event, RAVELIN_STOP_SERROR);
  EXPECT_EQ(RunStatus(), RAVELIN_WRONG_PHASE);
  EXPECT_EQ(fake::ThisCpu().worlds_entered, 1U);
}

TEST_F(VcpuTest, InStreamingModeNothingHappens) {
  guest_.Next(DataAbort(kDevice, {.reg = 3}));
  guest_.Run();
  guest_.run_page().reply = {.kind = RAVELIN_REPLY_VALUE, .values = {5}};
  fake::ThisCpu().host_streams = true;
  const Host::Snapshot before = host_.TakeSnapshot();
  EXPECT_EQ(RunStatus(), RAVELIN_WRONG_STATE);
  EXPECT_TRUE(host_.TakeSnapshot() == before);
  fake::ThisCpu().host_streams = false;
  EXPECT_EQ(RunStatus(), RAVELIN_SUCCESS);
  EXPECT_EQ(guest_.x(3), 5U);
}

TEST_F(VcpuTest, TheHostGetsItsOwnRegistersBack) {
  El1State& el1 = fake::ThisCpu().el1;
  el1.vbar = 0x1111;
  el1.tpidr_el1 = 0x2222;
  fake::ThisCpu().fp.q[5] = 0x3333;
  fake::ThisCpu().timer.cval = 0x4444;
  guest_.NextIrq([&](GuestRegisters&) {
    EXPECT_EQ(el1.vbar, Guest::kVectors);
    EXPECT_EQ(fake::ThisCpu().fp.q[5], 0U);
    el1.tpidr_el1 = 0x5555;
    fake::ThisCpu().fp.q[5] = 0x6666;
    fake::ThisCpu().timer = {.ctl = 1, .cval = 0x7777};
  });
  guest_.Run();
  EXPECT_EQ(el1.vbar, 0x1111U);
  EXPECT_EQ(el1.tpidr_el1, 0x2222U);
  EXPECT_EQ(fake::ThisCpu().fp.q[5], 0x3333U);
  EXPECT_EQ(fake::ThisCpu().timer.cval, 0x4444U);
  EXPECT_EQ(guest_.el1().tpidr_el1, 0x5555U);
  EXPECT_EQ(guest_.vcpu().state().fp.q[5], 0x6666U);
  EXPECT_EQ(guest_.vcpu().state().timer.cval, 0x7777U);
}

TEST_F(VcpuTest, RunsInTheRegimeOfItsVm) {
  guest_.NextIrq([this](auto&) {
    const auto& regime = fake::ThisCpu().regime;
    EXPECT_EQ(regime->geometry.ipa_bits(), Host::kVmIpaBits);
    EXPECT_NE(regime->vmid, Vmid{0});
    EXPECT_EQ(host_.StateOf(ToPfn(regime->root)), stage2::PageState::kVmMetadata);
    EXPECT_EQ(regime->vmpidr, Bit(31));
  });
  guest_.Run();
}

TEST_F(VcpuTest, AffinityLevel0HasSixteenValues) {
  Vm& vm = guest_.vcpu().vm();
  EXPECT_EQ(vm.RegimeOf(VcpuIndex{15}).vmpidr, Bit(31) | 15);
  EXPECT_EQ(vm.RegimeOf(VcpuIndex{16}).vmpidr, Bit(31) | 0x100);
  EXPECT_EQ(vm.RegimeOf(VcpuIndex{63}).vmpidr, Bit(31) | 0x30f);
}

}  // namespace
}  // namespace ravelin
