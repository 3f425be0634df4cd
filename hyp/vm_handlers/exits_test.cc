// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Exits of normal VMs: the host decides what an address is.
#include "hyp/vm_handlers/exits.h"

#include <cstring>
#include <set>

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::vm_handlers {
namespace {

using testing::DataAbort;
using testing::Guest;
using testing::Host;
using testing::InstructionAbort;
using testing::OfClass;

constexpr std::uint64_t kIpa = 0x8000'3010;
constexpr std::uint64_t kFar = 0xffff'8000'0000'0000;
constexpr auto kNotSupported = static_cast<std::uint64_t>(RAVELIN_SMCCC_NOT_SUPPORTED);

class NormalExitsTest : public ::testing::Test {
 protected:
  ravelin_exit ExitsWith(const arch::Syndrome& syndrome) {
    guest_.Next(syndrome);
    return guest_.Run();
  }
  void HandledInside(const arch::Syndrome& syndrome) {
    guest_.Next(syndrome);
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  }
  void IsMemoryFault(const arch::Syndrome& syndrome, std::uint64_t ipa, std::uint64_t access) {
    const ravelin_exit exit = ExitsWith(syndrome);
    const ravelin_exit expected{.reason = RAVELIN_EXIT_MEMORY_FAULT, .ipa = ipa, .access = access};
    EXPECT_EQ(std::memcmp(&exit, &expected, sizeof(exit)), 0);
    EXPECT_EQ(guest_.registers().pc, Guest::kPc);
  }

  Host host_;
  Guest guest_{host_, VmKind::kNormal};
};

TEST_F(NormalExitsTest, AClassThatIsNotListedIsUndefinedWhateverItsSyndrome) {
  const std::set<unsigned> served = {0x01, 0x16, 0x17, 0x18, 0x20, 0x24};
  for (unsigned ec = 0; ec < kExceptionClasses; ++ec) {
    for (const std::uint64_t iss : {std::uint64_t{0}, std::uint64_t{0x1ff'ffff}}) {
      if (!served.contains(ec)) {
        const ExecutionPoint at = guest_.vcpu().point();
        HandledInside(OfClass(ec, iss));
        EXPECT_TRUE(guest_.TookUndefined(at)) << ec;
      }
    }
  }
}

TEST_F(NormalExitsTest, AnAccessThatIsDecodedIsTheHostsToEmulate) {
  for (const std::uint64_t status : {testing::kTranslationFault, testing::kAccessFlagFault}) {
    const ravelin_exit exit = ExitsWith(DataAbort(kIpa, {.size = 4, .status = status}));
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_MMIO);
    EXPECT_EQ(exit.ipa, kIpa);
  }
}

TEST_F(NormalExitsTest, AnAccessThatIsNotDecodedIsAMemoryFault) {
  IsMemoryFault(DataAbort(kIpa, {.decoded = false}), kIpa, RAVELIN_ACCESS_READ);
  IsMemoryFault(DataAbort(kIpa, {.write = true, .decoded = false}), kIpa, RAVELIN_ACCESS_WRITE);
  IsMemoryFault(InstructionAbort(kIpa), kIpa, RAVELIN_ACCESS_EXEC);
}

TEST_F(NormalExitsTest, AWalkOfTheGuestsTablesIsAReadOfItsPage) {
  IsMemoryFault(DataAbort(kIpa, {.write = true, .stage1_walk = true}), kIpa & ~0xfffULL,
                RAVELIN_ACCESS_READ);
  IsMemoryFault(DataAbort(kIpa, {.stage1_walk = true, .status = testing::kPermissionFault}),
                kIpa & ~0xfffULL, RAVELIN_ACCESS_READ);
}

// HPFAR_EL2 says nothing of a permission fault: the guest's own tables do.
TEST_F(NormalExitsTest, APermissionFaultIsTranslated) {
  arch::Syndrome syndrome =
      DataAbort(kIpa, {.write = true, .status = testing::kPermissionFault, .far = kFar});
  syndrome.hpfar = 0;
  fake::ThisCpu().stage1[kFar] = Ipa{0x4711'1000};
  ravelin_exit exit = ExitsWith(syndrome);
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_MMIO);
  EXPECT_EQ(exit.ipa, 0x4711'1010U);
  fake::ThisCpu().stage1.clear();
  HandledInside(syndrome);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc) << "executed again";
  EXPECT_EQ(guest_.el1().esr, 0U);
}

TEST_F(NormalExitsTest, APermissionFaultOfAnInstructionIsTranslated) {
  arch::Syndrome syndrome =
      InstructionAbort(kIpa, {.status = testing::kPermissionFault, .far = kFar});
  syndrome.hpfar = 0;
  fake::ThisCpu().stage1[kFar] = Ipa{0x4711'1000};
  IsMemoryFault(syndrome, 0x4711'1010, RAVELIN_ACCESS_EXEC);
  fake::ThisCpu().stage1.clear();
  HandledInside(syndrome);
  EXPECT_EQ(guest_.el1().esr, 0U);
}

TEST_F(NormalExitsTest, OtherFaultsAreTheGuestsOwn) {
  for (const std::uint64_t status : {0x00U, 0x10U, 0x21U, 0x30U}) {
    ExecutionPoint at = guest_.vcpu().point();
    HandledInside(DataAbort(kIpa, {.write = true, .status = status}));
    EXPECT_TRUE(guest_.TookException(
        at, MakeEsr(ExceptionClass::kDataAbortSame, kStatusExternal | kIssWrite)));
    at = guest_.vcpu().point();
    HandledInside(InstructionAbort(kIpa, {.status = status}));
    EXPECT_TRUE(
        guest_.TookException(at, MakeEsr(ExceptionClass::kInstructionAbortSame, kStatusExternal)));
  }
}

TEST_F(NormalExitsTest, MemoryThatTheHostLendsResolvesTheFault) {
  IsMemoryFault(InstructionAbort(kIpa), kIpa, RAVELIN_ACCESS_EXEC);
  guest_.GivePage(kIpa & ~0xfffULL);
  EXPECT_EQ(guest_.Reply(RAVELIN_REPLY_NONE).reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc);
}

TEST_F(NormalExitsTest, Aarch32UsersAreServed) {
  guest_.Next(OfClass(0x03),
              [](GuestRegisters& registers) { registers.pstate = testing::kAarch32User; });
  guest_.NextIrq();
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
  EXPECT_EQ(guest_.registers().pc, Guest::kVectors + 0x600);
}

// --- Calls

class NormalCallsTest : public NormalExitsTest {
 protected:
  std::uint64_t Call(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t immediate = 0,
                     ExceptionClass conduit = ExceptionClass::kHvc) {
    guest_.Next(OfClass(conduit, immediate), [=](GuestRegisters& registers) {
      registers.x[0] = function;
      registers.x[1] = x1;
    });
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
    return guest_.x(0);
  }
};

TEST_F(NormalCallsTest, HasTheCommonCallsByHvcAndSmc) {
  EXPECT_EQ(Call(RAVELIN_PSCI_VERSION), 0x10001U);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc) << "behind the HVC already";
  EXPECT_EQ(Call(RAVELIN_PSCI_VERSION, 0, 0, ExceptionClass::kSmc), 0x10001U);
  EXPECT_EQ(guest_.registers().pc, Guest::kPc + 4);
}

TEST_F(NormalCallsTest, HasNoCallsOfProtectedGuests) {
  for (const std::uint64_t function :
       {RAVELIN_GUEST_UID, RAVELIN_GUEST_FEATURES, RAVELIN_GUEST_MEMINFO, RAVELIN_GUEST_MEM_SHARE,
        RAVELIN_GUEST_MMIO_GUARD_MAP}) {
    EXPECT_EQ(Call(function, 0x8000'0000), kNotSupported);
    EXPECT_EQ(guest_.x(1), 0U);
  }
}

TEST_F(NormalCallsTest, ANonZeroImmediateIsNoCall) {
  EXPECT_EQ(Call(RAVELIN_PSCI_VERSION, 0, 1), kNotSupported);
  EXPECT_EQ(Call(RAVELIN_PSCI_SYSTEM_OFF, 0, 0xffff, ExceptionClass::kSmc), kNotSupported);
}

}  // namespace
}  // namespace ravelin::vm_handlers
