// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The restricted exit table: what each exit of a protected VM does, and what the host learns.
#include "pvm_handlers/exit/exits.h"

#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::pvm_handlers {
namespace {

using testing::DataAbort;
using testing::Guest;
using testing::Host;
using testing::InstructionAbort;
using testing::OfClass;

constexpr std::uint64_t kPage = 0x8000'3000;
constexpr std::uint64_t kDevice = 0x900'0000;
constexpr std::uint64_t kBeyond = std::uint64_t{1} << Host::kVmIpaBits;

class ExitsTest : public ::testing::Test {
 protected:
  // The exit is handled here: the host sees only the interrupt that comes next.
  void HandledInside(const arch::Syndrome& syndrome) {
    guest_.Next(syndrome);
    guest_.NextIrq();
    const ravelin_exit exit = guest_.Run();
    const ravelin_exit irq{.reason = RAVELIN_EXIT_IRQ};
    EXPECT_EQ(std::memcmp(&exit, &irq, sizeof(exit)), 0);
  }
  void IsUndefined(const arch::Syndrome& syndrome) {
    const ExecutionPoint at = guest_.vcpu().point();
    HandledInside(syndrome);
    EXPECT_TRUE(guest_.TookUndefined(at)) << std::hex << syndrome.esr;
  }
  void IsExternalAbort(const arch::Syndrome& syndrome, ExceptionClass ec, std::uint64_t iss = 0) {
    const ExecutionPoint at = guest_.vcpu().point();
    HandledInside(syndrome);
    EXPECT_TRUE(guest_.TookException(at, MakeEsr(ec, kStatusExternal | iss)));
  }
  ravelin_exit ExitsWith(const arch::Syndrome& syndrome) {
    guest_.Next(syndrome);
    return guest_.Run();
  }

  Host host_;
  Guest guest_{host_, VmKind::kProtected};
};

// --- The table

// The classes of design.md, section 5. Everything else is undefined to the guest.
const std::set<unsigned> kServed = {0x01, 0x16, 0x17, 0x18, 0x20, 0x24};

TEST_F(ExitsTest, AClassThatIsNotListedIsUndefinedWhateverItsSyndrome) {
  for (unsigned ec = 0; ec < kExceptionClasses; ++ec) {
    if (kServed.contains(ec)) {
      continue;
    }
    for (const std::uint64_t iss : {std::uint64_t{0}, std::uint64_t{0x1ff'ffff}, Bit(24) | 0x47}) {
      IsUndefined(OfClass(ec, iss));
    }
  }
}

TEST_F(ExitsTest, AClassThatIsListedIsNot) {
  for (const unsigned ec : kServed) {
    const ExecutionPoint at = guest_.vcpu().point();
    // HVC and SMC with x0 = 0: unknown calls; a read of ID_AA64PFR0_EL1; missing pages.
    arch::Syndrome syndrome = OfClass(ec);
    syndrome = ec == 0x18 ? testing::Mrs({.crm = 4}, 5) : syndrome;
    syndrome = ec == 0x20 ? InstructionAbort(kPage) : syndrome;
    syndrome = ec == 0x24 ? DataAbort(kPage) : syndrome;
    guest_.Next(syndrome);
    guest_.Run();
    EXPECT_FALSE(guest_.TookUndefined(at)) << ec;
    EXPECT_EQ(guest_.el1().esr, 0U) << ec;
  }
}

TEST_F(ExitsTest, Aarch32StopsTheVmWhateverTheExit) {
  for (unsigned ec = 0; ec < kExceptionClasses; ++ec) {
    Guest guest(host_, VmKind::kProtected);
    guest.Next(OfClass(ec),
               [](GuestRegisters& registers) { registers.pstate = testing::kAarch32User; });
    const ravelin_exit exit = guest.Run();
    const ravelin_exit stopped{.reason = RAVELIN_EXIT_STOPPED, .event = RAVELIN_STOP_EXCEPTION};
    EXPECT_EQ(std::memcmp(&exit, &stopped, sizeof(exit)), 0) << ec;
    EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_RUN, guest.handle().raw(), 0U).status,
              RAVELIN_WRONG_PHASE);
    host_.EndVm(guest.handle());
  }
}

// --- Waiting

TEST_F(ExitsTest, WfiTellsTheTimersDeadlineIfItIsArmed) {
  // CNTV_CTL_EL0, and the deadline.
  constexpr std::array<std::pair<std::uint64_t, std::uint64_t>, 6> kCases = {
      {{0, 0}, {1, 0x1234}, {2, 0}, {3, 0}, {5, 0x1234}, {7, 0}}};
  std::uint64_t pc = Guest::kPc;
  for (const auto& [ctl, deadline] : kCases) {
    guest_.Next(OfClass(ExceptionClass::kWfx),
                [ctl](GuestRegisters&) { fake::ThisCpu().timer = {.ctl = ctl, .cval = 0x1234}; });
    const ravelin_exit exit = guest_.Run();
    const ravelin_exit expected{.reason = RAVELIN_EXIT_WFX, .deadline = deadline};
    EXPECT_EQ(std::memcmp(&exit, &expected, sizeof(exit)), 0) << ctl;
    pc += 4;
    EXPECT_EQ(guest_.registers().pc, pc);
  }
}

// --- Missing pages

TEST_F(ExitsTest, AMissingPageIsNamedByItsPageOnly) {
  for (const bool write : {false, true}) {
    const ravelin_exit exit = ExitsWith(DataAbort(kPage + 0x123, {.write = write, .reg = 7}));
    const ravelin_exit expected{.reason = RAVELIN_EXIT_MEMORY_FAULT,
                                .ipa = kPage,
                                .access = write ? RAVELIN_ACCESS_WRITE : RAVELIN_ACCESS_READ};
    EXPECT_EQ(std::memcmp(&exit, &expected, sizeof(exit)), 0);
  }
  const ravelin_exit exit = ExitsWith(InstructionAbort(kPage + 0x124));
  const ravelin_exit expected{
      .reason = RAVELIN_EXIT_MEMORY_FAULT, .ipa = kPage, .access = RAVELIN_ACCESS_EXEC};
  EXPECT_EQ(std::memcmp(&exit, &expected, sizeof(exit)), 0);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc);
}

TEST_F(ExitsTest, AWalkOfTheGuestsTablesReads) {
  const ravelin_exit exit =
      ExitsWith(DataAbort(kPage, {.write = true, .decoded = false, .stage1_walk = true}));
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_MEMORY_FAULT);
  EXPECT_EQ(exit.access, RAVELIN_ACCESS_READ);
}

TEST_F(ExitsTest, TheHostMayDonateThePageOrRefuseIt) {
  ExitsWith(DataAbort(kPage));
  guest_.GivePage(kPage);
  guest_.Reply(RAVELIN_REPLY_NONE);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc);
  ExitsWith(DataAbort(kPage + kPageSize));
  guest_.Reply(RAVELIN_REPLY_EXTERNAL_ABORT);
  EXPECT_TRUE(guest_.TookException({Guest::kPc, testing::kEl1hMasked},
                                   MakeEsr(ExceptionClass::kDataAbortSame, kStatusExternal)));
}

TEST_F(ExitsTest, TheHostCannotGiveAValueForMemory) {
  ExitsWith(DataAbort(kPage, {.reg = 7}));
  guest_.Reply(RAVELIN_REPLY_VALUE, 0x1234);
  EXPECT_EQ(guest_.x(7), 0U);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc);
}

TEST_F(ExitsTest, OtherFaultsAreTheGuestsOwn) {
  for (const std::uint64_t status :
       {std::uint64_t{0x00}, std::uint64_t{0x10}, std::uint64_t{0x21}, std::uint64_t{0x30}}) {
    IsExternalAbort(DataAbort(kPage, {.status = status}), ExceptionClass::kDataAbortSame);
    IsExternalAbort(DataAbort(kPage, {.write = true, .status = status}),
                    ExceptionClass::kDataAbortSame, kIssWrite);
    IsExternalAbort(InstructionAbort(kPage, {.status = status}),
                    ExceptionClass::kInstructionAbortSame);
  }
}

// Another CPU had the entry broken for a moment.
TEST_F(ExitsTest, AccessesToWhatIsMappedAreExecutedAgain) {
  guest_.GivePage(kPage);
  const auto pc = guest_.registers().pc;
  for (const arch::Syndrome& syndrome :
       {DataAbort(kPage), DataAbort(kPage, {.write = true}), InstructionAbort(kPage)}) {
    guest_.Next(syndrome);
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
    EXPECT_EQ(guest_.registers().pc, pc);
  }
}

TEST_F(ExitsTest, WhatWasTakenByForceIsAnExternalAbort) {
  guest_.GivePage(kPage);
  EXPECT_EQ(
      host_.Call(RAVELIN_HOST_VM_FORCE_RECLAIM, guest_.handle().raw(), kPage >> kPageShift, 1U)
          .status,
      RAVELIN_SUCCESS);
  IsExternalAbort(DataAbort(kPage), ExceptionClass::kDataAbortSame);
  IsExternalAbort(DataAbort(kPage, {.write = true}), ExceptionClass::kDataAbortSame, kIssWrite);
  IsExternalAbort(InstructionAbort(kPage), ExceptionClass::kInstructionAbortSame);
}

TEST_F(ExitsTest, AnExternalAbortWithoutAddressHasNone) {
  arch::Syndrome syndrome = DataAbort(kPage, {.status = 0x10});
  syndrome.esr |= kIssFarInvalid;
  IsExternalAbort(syndrome, ExceptionClass::kDataAbortSame, kIssFarInvalid);
  EXPECT_EQ(guest_.el1().far, 0U);
}

TEST_F(ExitsTest, BeyondTheIpaSpaceThereIsNothing) {
  IsExternalAbort(DataAbort(kBeyond), ExceptionClass::kDataAbortSame);
  IsExternalAbort(DataAbort((std::uint64_t{1} << 48) - 8), ExceptionClass::kDataAbortSame);
  IsExternalAbort(InstructionAbort(kBeyond), ExceptionClass::kInstructionAbortSame);
}

// --- Guarded pages

class GuardedTest : public ExitsTest {
 protected:
  GuardedTest() {
    guest_.Guard(kDevice);
    guest_.registers().x.fill(0);
  }
};

TEST_F(GuardedTest, AReadAndAWriteAreTheHosts) {
  guest_.x(9) = 0x1122'3344'5566'7788;
  ravelin_exit exit = ExitsWith(DataAbort(kDevice + 0x18, {.write = true, .size = 2, .reg = 9}));
  const ravelin_exit write{.reason = RAVELIN_EXIT_MMIO,
                           .ipa = kDevice + 0x18,
                           .access = RAVELIN_ACCESS_WRITE,
                           .size = 2,
                           .value = 0x7788};
  EXPECT_EQ(std::memcmp(&exit, &write, sizeof(exit)), 0);
  guest_.Reply(RAVELIN_REPLY_VALUE);
  exit = ExitsWith(DataAbort(kDevice + 0x1c, {.size = 4, .reg = 9, .wide = false}));
  const ravelin_exit read{
      .reason = RAVELIN_EXIT_MMIO, .ipa = kDevice + 0x1c, .access = RAVELIN_ACCESS_READ, .size = 4};
  EXPECT_EQ(std::memcmp(&exit, &read, sizeof(exit)), 0);
  guest_.Reply(RAVELIN_REPLY_VALUE, 0xffff'ffff'0000'0001);
  EXPECT_EQ(guest_.x(9), 1U);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc + 8);
}

TEST_F(GuardedTest, TheHostDoesNotSeeTheRegister) {
  guest_.registers().x.fill(0x42);
  const ravelin_exit first = ExitsWith(DataAbort(kDevice, {.write = true, .reg = 3}));
  const ravelin_exit second = ExitsWith(DataAbort(kDevice, {.write = true, .reg = 20}));
  EXPECT_EQ(std::memcmp(&first, &second, sizeof(first)), 0);
}

TEST_F(GuardedTest, AnAccessThatIsNotDecodedIsOnlyAborted) {
  for (const bool cache : {false, true}) {
    const ExecutionPoint at = guest_.vcpu().point();
    const ravelin_exit exit = ExitsWith(
        DataAbort(kDevice + 8, {.write = cache, .decoded = false, .cache_maintenance = cache}));
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_NOT_DECODABLE);
    EXPECT_EQ(exit.ipa, kDevice + 8);
    EXPECT_EQ(exit.size, 0U);
    EXPECT_EQ(exit.value, 0U);
    EXPECT_EQ(guest_.Reply(RAVELIN_REPLY_VALUE, 5).reason, RAVELIN_EXIT_IRQ);
    EXPECT_EQ(guest_.registers().pc, at.pc);
    ExitsWith(DataAbort(kDevice + 8, {.write = cache, .decoded = false}));
    guest_.Reply(RAVELIN_REPLY_EXTERNAL_ABORT);
    EXPECT_TRUE(guest_.TookException(
        at, MakeEsr(ExceptionClass::kDataAbortSame, kStatusExternal | (cache ? kIssWrite : 0))));
  }
}

TEST_F(GuardedTest, AnAccessThatLeavesThePageIsNotDecodable) {
  guest_.x(9) = 0x1122'3344'5566'7788;
  for (const unsigned inside : {1U, 4U, 7U}) {
    const ravelin_exit exit =
        ExitsWith(DataAbort(kDevice + kPageSize - inside, {.write = true, .reg = 9}));
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_NOT_DECODABLE);
    EXPECT_EQ(exit.value, 0U);
  }
  EXPECT_EQ(ExitsWith(DataAbort(kDevice + kPageSize - 8, {.write = true, .reg = 9})).reason,
            RAVELIN_EXIT_MMIO);
}

TEST_F(GuardedTest, TablesAndCodeAreNotThere) {
  IsExternalAbort(DataAbort(kDevice, {.stage1_walk = true}), ExceptionClass::kDataAbortSame);
  IsExternalAbort(InstructionAbort(kDevice), ExceptionClass::kInstructionAbortSame);
}

TEST_F(GuardedTest, TheNextPageIsNotGuarded) {
  EXPECT_EQ(ExitsWith(DataAbort(kDevice + kPageSize)).reason, RAVELIN_EXIT_MEMORY_FAULT);
  EXPECT_EQ(ExitsWith(DataAbort(kDevice - 8)).reason, RAVELIN_EXIT_MEMORY_FAULT);
}

TEST_F(GuardedTest, TheHostCannotPutMemoryThere) {
  const Host::Snapshot before = host_.TakeSnapshot();
  EXPECT_EQ(host_
                .Call(RAVELIN_HOST_VM_DONATE, guest_.handle().raw(), kDevice >> kPageShift,
                      host_.Take().raw(), 1U)
                .status,
            RAVELIN_EXISTS);
  EXPECT_TRUE(host_.TakeSnapshot() == before);
}

// --- System registers

TEST_F(ExitsTest, AnIdentificationRegisterIsReadAndTheGuestGoesOn) {
  fake::ThisCpu().id_registers.fill(~std::uint64_t{0});
  HandledInside(testing::Mrs({.crm = 4}, 5));
  EXPECT_EQ(guest_.x(5) & 0xff, 0x11U) << "AArch64 only at EL0 and EL1";
  EXPECT_EQ(guest_.registers().pc, Guest::kPc + 4);
}

TEST_F(ExitsTest, OtherSystemRegistersAreUndefined) {
  IsUndefined(testing::Msr({.crm = 4}, 5));                                 // a write
  IsUndefined(testing::Mrs({.op0 = 2, .crm = 2}, 5));                       // MDCCINT_EL1
  IsUndefined(testing::Msr({.op0 = 2, .crn = 1, .crm = 1, .op2 = 4}, 5));   // OSLSR_EL1
  IsUndefined(testing::Mrs({.op1 = 3, .crn = 9, .crm = 12}, 5));            // PMCR_EL0
  IsUndefined(testing::Msr({.crn = 12, .crm = 11, .op2 = 5}, 5));           // ICC_SGI1R_EL1
  IsUndefined(testing::Mrs({.op1 = 3, .crn = 14, .crm = 2, .op2 = 1}, 5));  // CNTP_CTL_EL0
  IsUndefined(testing::Mrs({.op1 = 0, .crn = 2, .crm = 1, .op2 = 0}, 5));   // APIAKeyLo_EL1
  IsUndefined(testing::Mrs({.op1 = 4, .crn = 1, .crm = 1}, 5));             // HCR_EL2
}

TEST_F(ExitsTest, DebugRegistersThatLinuxWritesHoldNothing) {
  const auto written = [this](const testing::SystemRegister& id, std::uint64_t reads_as) {
    const std::uint64_t pc = guest_.registers().pc;
    guest_.x(4) = ~std::uint64_t{0};
    if (reads_as == 0) {
      HandledInside(testing::Msr(id, 4));
    } else {
      guest_.registers().pc += 4;
    }
    HandledInside(testing::Mrs(id, 5));
    EXPECT_EQ(guest_.x(5), reads_as);
    EXPECT_EQ(guest_.registers().pc, pc + 8);
  };
  written({.op0 = 2, .crm = 2, .op2 = 2}, 0);            // MDSCR_EL1
  written({.op0 = 2, .crn = 1, .crm = 0, .op2 = 4}, 0);  // OSLAR_EL1
  written({.op0 = 2, .crn = 1, .crm = 3, .op2 = 4}, 0);  // OSDLR_EL1
  written({.op0 = 2, .crn = 1, .crm = 1, .op2 = 4}, 8);  // OSLSR_EL1: not locked
  for (unsigned op2 = 4; op2 <= 7; ++op2) {
    written({.op0 = 2, .crm = 0, .op2 = op2}, 0);
    written({.op0 = 2, .crm = 1, .op2 = op2}, 0);
  }
  written({.op2 = 6}, 0);            // REVIDR_EL1
  written({.op1 = 1, .op2 = 7}, 0);  // AIDR_EL1
}

}  // namespace
}  // namespace ravelin::pvm_handlers
