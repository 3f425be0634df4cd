// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The pKVM guest interface of hyp/abi/guest_call.h.
#include "pvm_handlers/call/guest_call.h"

#include <array>

#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/base/bits.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"

namespace ravelin::pvm_handlers {
namespace {

using testing::Guest;
using testing::Host;
using testing::OfClass;

constexpr std::uint64_t kPage = 0x8000'3000;
constexpr std::uint64_t kBeyond = std::uint64_t{1} << Host::kVmIpaBits;
constexpr std::uint64_t kSecret = 0x5ec2'e75e'c2e7'5ec2;
constexpr auto kNotSupported = static_cast<std::uint64_t>(RAVELIN_SMCCC_NOT_SUPPORTED);
constexpr auto kInvalid = static_cast<std::uint64_t>(RAVELIN_SMCCC_INVALID_PARAMETER);
constexpr auto kSuccess = std::uint64_t{RAVELIN_SMCCC_SUCCESS};

using Results = std::array<std::uint64_t, 4>;

class GuestCallTest : public ::testing::Test {
 protected:
  // As the CPU does it: an HVC has been executed when it exits, an SMC has not.
  void Next(std::uint64_t function, std::uint64_t x1, std::uint64_t x2, std::uint64_t x3,
            ExceptionClass conduit = ExceptionClass::kHvc, std::uint64_t immediate = 0) {
    guest_.Next(OfClass(conduit, immediate), [=](GuestRegisters& registers) {
      registers.x[0] = function;
      registers.x[1] = x1;
      registers.x[2] = x2;
      registers.x[3] = x3;
      registers.pc += conduit == ExceptionClass::kHvc ? 4 : 0;
    });
  }
  // A call that does not leave EL2. Returns x0 to x3.
  Results Call(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
               std::uint64_t x3 = 0, ExceptionClass conduit = ExceptionClass::kHvc,
               std::uint64_t immediate = 0) {
    const std::uint64_t pc = guest_.registers().pc;
    Next(function, x1, x2, x3, conduit, immediate);
    guest_.NextIrq();
    EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_IRQ);
    EXPECT_EQ(guest_.registers().pc, pc + 4);
    return {guest_.x(0), guest_.x(1), guest_.x(2), guest_.x(3)};
  }
  std::uint64_t Status(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                       std::uint64_t x3 = 0) {
    return Call(function, x1, x2, x3)[0];
  }
  void Refused(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
               std::uint64_t x3 = 0) {
    const auto events = fake::Log().size();
    EXPECT_EQ(Call(function, x1, x2, x3), (Results{kInvalid, 0, 0, 0}));
    EXPECT_EQ(fake::Log().size(), events) << "a refused call changes nothing";
  }
  std::uint64_t Query(Pfn pfn) { return host_.Call(RAVELIN_HOST_PAGE_QUERY, pfn.raw()).value; }

  Host host_;
  Guest guest_{host_, VmKind::kProtected};
};

TEST_F(GuestCallTest, TheUidIsThatOfPkvm) {
  EXPECT_EQ(Call(RAVELIN_GUEST_UID), (Results{RAVELIN_GUEST_UID_0, RAVELIN_GUEST_UID_1,
                                              RAVELIN_GUEST_UID_2, RAVELIN_GUEST_UID_3}));
  EXPECT_EQ(RAVELIN_GUEST_UID_0, 0xb66fb428U);  // Linux: ARM_SMCCC_VENDOR_HYP_UID_KVM
}

TEST_F(GuestCallTest, FeaturesAreTheFunctionsThatExist) {
  const std::uint64_t features = Status(RAVELIN_GUEST_FEATURES);
  EXPECT_EQ(features, Bit(0) | Bit(2) | Bit(3) | Bit(4) | Bit(5) | Bit(7) | Bit(8) | Bit(9));
  for (std::uint64_t function = 1; function < 64; ++function) {
    const bool exists = Status(0xc600'0000 + function, 1) != kNotSupported;
    EXPECT_EQ(exists, (features & Bit(static_cast<unsigned>(function))) != 0) << function;
  }
}

TEST_F(GuestCallTest, ARelinquishedPageIsTheHostsAgainAndTheHostIsTold) {
  const Pfn page = guest_.GivePage(kPage);
  fake::Poke(ToPa(page), 42);
  EXPECT_EQ(Status(RAVELIN_GUEST_MEM_SHARE, kPage), 0U);
  Refused(RAVELIN_GUEST_MEM_RELINQUISH, kPage);
  EXPECT_EQ(Status(RAVELIN_GUEST_MEM_UNSHARE, kPage), 0U);
  Next(RAVELIN_GUEST_MEM_RELINQUISH, kPage, 0, 0);
  const ravelin_exit exit = guest_.Run();
  EXPECT_EQ(exit.reason, RAVELIN_EXIT_RELINQUISHED);
  EXPECT_EQ(exit.ipa, kPage);
  EXPECT_EQ(guest_.x(0), 0U);
  EXPECT_EQ(Query(page), RAVELIN_PAGE_OWNED);
  EXPECT_EQ(fake::Peek(ToPa(page)), 0U);
  Refused(RAVELIN_GUEST_MEM_RELINQUISH, kPage);
  guest_.GivePage(kPage);
}

TEST_F(GuestCallTest, CallsOnPoisonedFramesFail) {
  guest_.GivePage(kPage);
  EXPECT_EQ(
      host_.Call(RAVELIN_HOST_VM_FORCE_RECLAIM, guest_.handle().raw(), kPage >> kPageShift, 1U)
          .status,
      RAVELIN_SUCCESS);
  for (const std::uint64_t function :
       {RAVELIN_GUEST_MEM_SHARE, RAVELIN_GUEST_MEM_UNSHARE, RAVELIN_GUEST_MMIO_GUARD_MAP,
        RAVELIN_GUEST_MMIO_GUARD_UNMAP, RAVELIN_GUEST_MEM_RELINQUISH}) {
    Refused(function, kPage);
  }
}

TEST_F(GuestCallTest, TheGranuleIsAPage) {
  for (const std::uint64_t function : {RAVELIN_GUEST_MEMINFO, RAVELIN_GUEST_MMIO_GUARD_INFO}) {
    EXPECT_EQ(Call(function), (Results{kPageSize, 0, 0, 0}));
    Refused(function, 1);
    Refused(function, 0, 1);
    Refused(function, 0, 0, 1);
  }
}

TEST_F(GuestCallTest, ArgumentsOfEveryCallThatNamesAPage) {
  guest_.GivePage(kPage);
  for (const std::uint64_t function :
       {RAVELIN_GUEST_MEM_SHARE, RAVELIN_GUEST_MEM_UNSHARE, RAVELIN_GUEST_MMIO_GUARD_MAP,
        RAVELIN_GUEST_MMIO_GUARD_UNMAP, RAVELIN_GUEST_MEM_RELINQUISH}) {
    SCOPED_TRACE(function);
    Refused(function, kPage + 1);
    Refused(function, kPage + 0x800);
    Refused(function, kPage, 1);
    Refused(function, kPage, 0, 1);
    Refused(function, kPage, ~std::uint64_t{0}, ~std::uint64_t{0});
    Refused(function, kBeyond);
    Refused(function, kBeyond | kPage);
    Refused(function, ~std::uint64_t{0} - 0xfff);
    Refused(function, std::uint64_t{1} << 63 | kPage);
  }
}

// --- Sharing memory

TEST_F(GuestCallTest, ASharedPageIsTheHostsToReadAndKeepsItsContents) {
  const Pfn page = guest_.GivePage(kPage);
  fake::Poke(ToPa(page), kSecret);
  EXPECT_EQ(Query(page), RAVELIN_PAGE_FOREIGN);
  EXPECT_EQ(Call(RAVELIN_GUEST_MEM_SHARE, kPage), (Results{kSuccess, 0, 0, 0}));
  EXPECT_EQ(Query(page), RAVELIN_PAGE_BORROWED);
  Refused(RAVELIN_GUEST_MEM_SHARE, kPage);  // it is shared already
  EXPECT_EQ(Status(RAVELIN_GUEST_MEM_UNSHARE, kPage), kSuccess);
  EXPECT_EQ(Query(page), RAVELIN_PAGE_FOREIGN);
  Refused(RAVELIN_GUEST_MEM_UNSHARE, kPage);
  EXPECT_EQ(fake::Peek(ToPa(page)), kSecret);
}

TEST_F(GuestCallTest, SharingAMissingPageAsksTheHostForItAndIsRepeated) {
  for (const ExceptionClass conduit : {ExceptionClass::kHvc, ExceptionClass::kSmc}) {
    const std::uint64_t ipa = conduit == ExceptionClass::kHvc ? kPage : kPage + kPageSize;
    const std::uint64_t pc = guest_.registers().pc;
    Next(RAVELIN_GUEST_MEM_SHARE, ipa, 0, 0, conduit);
    const ravelin_exit exit = guest_.Run();
    EXPECT_EQ(exit.reason, RAVELIN_EXIT_MEMORY_FAULT);
    EXPECT_EQ(exit.ipa, ipa);
    EXPECT_EQ(exit.access, RAVELIN_ACCESS_WRITE);
    EXPECT_EQ(guest_.registers().pc, pc) << "at the call";
    EXPECT_EQ(guest_.x(0), RAVELIN_GUEST_MEM_SHARE);
    EXPECT_EQ(guest_.x(1), ipa);
    guest_.run_page().reply = {.kind = RAVELIN_REPLY_NONE};
    const Pfn page = guest_.GivePage(ipa);
    EXPECT_EQ(Call(RAVELIN_GUEST_MEM_SHARE, ipa, 0, 0, conduit)[0], kSuccess);
    EXPECT_EQ(Query(page), RAVELIN_PAGE_BORROWED);
  }
}

TEST_F(GuestCallTest, SharingAPageThatTheHostWillNotGiveFails) {
  const std::uint64_t pc = guest_.registers().pc;
  Next(RAVELIN_GUEST_MEM_SHARE, kPage, 0, 0, ExceptionClass::kHvc);
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_MEMORY_FAULT);
  guest_.NextIrq();
  guest_.Reply(RAVELIN_REPLY_EXTERNAL_ABORT);
  EXPECT_EQ(guest_.x(0), kInvalid);
  EXPECT_EQ(guest_.registers().pc, pc + 4) << "behind the call, no exception";
}

TEST_F(GuestCallTest, UnsharingAMissingPageDoesNotAskTheHost) {
  Refused(RAVELIN_GUEST_MEM_UNSHARE, kPage);
}

TEST_F(GuestCallTest, AGuardedPageIsNoMemoryToShare) {
  EXPECT_EQ(Status(RAVELIN_GUEST_MMIO_GUARD_MAP, kPage), kSuccess);
  Refused(RAVELIN_GUEST_MEM_SHARE, kPage);
}

TEST_F(GuestCallTest, ASharedPageComesBackWiped) {
  const Pfn page = guest_.GivePage(kPage);
  fake::Poke(ToPa(page), kSecret);
  EXPECT_EQ(Status(RAVELIN_GUEST_MEM_SHARE, kPage), kSuccess);
  host_.EndVm(guest_.handle());
  EXPECT_EQ(fake::Peek(ToPa(page)), 0U);
}

// --- Guarding MMIO

TEST_F(GuestCallTest, APageIsGuardedAndUnguarded) {
  Refused(RAVELIN_GUEST_MMIO_GUARD_UNMAP, kPage);
  EXPECT_EQ(Call(RAVELIN_GUEST_MMIO_GUARD_MAP, kPage), (Results{kSuccess, 0, 0, 0}));
  EXPECT_EQ(Status(RAVELIN_GUEST_MMIO_GUARD_MAP, kPage), kSuccess) << "again";
  guest_.Next(testing::DataAbort(kPage));
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_MMIO);
  EXPECT_EQ(Status(RAVELIN_GUEST_MMIO_GUARD_UNMAP, kPage), kSuccess);
  guest_.Next(testing::DataAbort(kPage));
  EXPECT_EQ(guest_.Run().reason, RAVELIN_EXIT_MEMORY_FAULT);
}

TEST_F(GuestCallTest, MemoryIsNotGuarded) {
  const Pfn page = guest_.GivePage(kPage);
  Refused(RAVELIN_GUEST_MMIO_GUARD_MAP, kPage);
  Refused(RAVELIN_GUEST_MMIO_GUARD_UNMAP, kPage);
  EXPECT_EQ(Query(page), RAVELIN_PAGE_FOREIGN);
}

TEST_F(GuestCallTest, WithoutTablesForItNothingIsGuarded) {
  std::uint64_t ipa = 0;
  while (Status(RAVELIN_GUEST_MMIO_GUARD_MAP, ipa) == kSuccess) {
    ipa += std::uint64_t{1} << 30;
    ASSERT_LT(ipa, kBeyond) << "the pool of the VM is not that large";
  }
  Refused(RAVELIN_GUEST_MMIO_GUARD_MAP, ipa);
  EXPECT_EQ(
      host_.Call(RAVELIN_HOST_VM_TOPUP, guest_.handle().raw(), host_.Take(2).raw(), 2U).status,
      RAVELIN_SUCCESS);
  EXPECT_EQ(Status(RAVELIN_GUEST_MMIO_GUARD_MAP, ipa), kSuccess);
}

// --- Which calls there are

TEST_F(GuestCallTest, UnknownCallsAreNotSupported) {
  for (const std::uint64_t function :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 32 | RAVELIN_GUEST_MEMINFO,
        std::uint64_t{RAVELIN_GUEST_MEM_SHARE} & ~(std::uint64_t{1} << 30),
        std::uint64_t{0xc600'1000}, std::uint64_t{0xc400'0005}}) {
    EXPECT_EQ(Call(function, 1, 2, 3), (Results{kNotSupported, 0, 0, 0})) << function;
  }
}

TEST_F(GuestCallTest, BothConduitsServeTheSameCalls) {
  for (const ExceptionClass conduit : {ExceptionClass::kHvc, ExceptionClass::kSmc}) {
    EXPECT_EQ(Call(RAVELIN_GUEST_MEMINFO, 0, 0, 0, conduit)[0], kPageSize);
    EXPECT_EQ(Call(RAVELIN_PSCI_VERSION, 0, 0, 0, conduit)[0], 0x10001U);
  }
}

TEST_F(GuestCallTest, ANonZeroImmediateIsNoCall) {
  for (const ExceptionClass conduit : {ExceptionClass::kHvc, ExceptionClass::kSmc}) {
    EXPECT_EQ(Call(RAVELIN_GUEST_MEMINFO, 0, 0, 0, conduit, 1)[0], kNotSupported);
    EXPECT_EQ(Call(RAVELIN_PSCI_SYSTEM_OFF, 0, 0, 0, conduit, 0xffff)[0], kNotSupported);
  }
}

}  // namespace
}  // namespace ravelin::pvm_handlers
