// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What host calls do when they succeed, from VM_CREATE to VM_FREE.
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hyp/abi/guest_call.h"
#include "hyp/arch/fake/cpu.h"
#include "hyp/arch/fake/machine.h"
#include "hyp/testing/guest.h"
#include "hyp/testing/host.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm/vm_table.h"
#include "stage2/testing/history.h"

namespace ravelin::call {
namespace {

using stage2::PageState;
using testing::Answer;
using testing::Guest;
using testing::Host;

constexpr std::uint64_t kIpa = 0x8000'0000;
constexpr std::uint64_t kGfn = kIpa >> kPageShift;
constexpr std::uint64_t kSecret = 0x5ec2'e75e'c2e7'5ec2;

class LifeCycleTest : public ::testing::Test {
 protected:
  std::uint64_t Query(Pfn pfn) { return host_.Call(RAVELIN_HOST_PAGE_QUERY, pfn.raw()).value; }
  std::int64_t Call(std::uint64_t number, std::uint64_t a = 0, std::uint64_t b = 0,
                    std::uint64_t c = 0, std::uint64_t d = 0, std::uint64_t e = 0) {
    return host_.Call(number, a, b, c, d, e).status;
  }

  Host host_;
};

TEST_F(LifeCycleTest, APageIsSharedAndUnshared) {
  const Pfn pfn = host_.Take();
  EXPECT_EQ(Query(pfn), RAVELIN_PAGE_OWNED);
  EXPECT_EQ(Call(RAVELIN_HOST_PAGE_SHARE, pfn.raw()), RAVELIN_SUCCESS);
  EXPECT_EQ(Query(pfn), RAVELIN_PAGE_LENT);
  EXPECT_TRUE(fake::IsMappedForMonitor(pfn));
  EXPECT_EQ(Call(RAVELIN_HOST_PAGE_UNSHARE, pfn.raw()), RAVELIN_SUCCESS);
  EXPECT_EQ(Query(pfn), RAVELIN_PAGE_OWNED);
  EXPECT_FALSE(fake::IsMappedForMonitor(pfn));
  EXPECT_EQ(Query(Host::kCarveOut.first), RAVELIN_PAGE_FOREIGN);
}

TEST_F(LifeCycleTest, AVmOfEitherKindGivesEveryPageBack) {
  for (const VmKind kind : {VmKind::kNormal, VmKind::kProtected}) {
    const std::uint64_t free_tables = host_.Info(RAVELIN_INFO_FREE_PAGES);
    Guest guest(host_, kind);
    EXPECT_EQ(host_.Info(RAVELIN_INFO_LIVE_VMS), 1U);
    const Pfn page = guest.GivePage(kIpa);
    EXPECT_EQ(Query(page), kind == VmKind::kProtected ? RAVELIN_PAGE_FOREIGN : RAVELIN_PAGE_LENT);
    EXPECT_EQ(guest.Run().reason, RAVELIN_EXIT_IRQ);
    host_.EndVm(guest.handle());
    EXPECT_EQ(Query(page), RAVELIN_PAGE_OWNED);
    EXPECT_EQ(host_.Info(RAVELIN_INFO_LIVE_VMS), 0U);
    EXPECT_EQ(host_.Info(RAVELIN_INFO_DONATED_PAGES), 0U);
    EXPECT_EQ(host_.Info(RAVELIN_INFO_FREE_PAGES), free_tables);
  }
}

TEST_F(LifeCycleTest, NothingOfAProtectedVmIsLeftInItsPages) {
  Guest guest(host_, VmKind::kProtected);
  const Pfn page = guest.GivePage(kIpa);
  fake::Poke(ToPa(page), kSecret);
  guest.NextIrq([](GuestRegisters& registers) { registers.x.fill(kSecret); });
  guest.Run();
  const Pfn run_page = guest.vcpu().run_pfn();
  host_.EndVm(guest.handle());
  for (Pfn pfn = Host::kCarveOut.end(); pfn < Host::kRam.end(); pfn = pfn + PageCount{1}) {
    for (std::uint64_t at = 0; at < kPageSize && pfn != run_page; at += 8) {
      ASSERT_EQ(fake::Peek(ToPa(pfn) + at), 0U) << pfn.raw();
    }
  }
}

TEST_F(LifeCycleTest, DonatedPagesAreKeptBeforeTheLaunchAndZeroedAfterIt) {
  const VmHandle vm = host_.CreateVm(VmKind::kProtected);
  host_.CreateVcpu(vm, 0);
  const Pfn early = host_.Take();
  const Pfn late = host_.Take();
  fake::Poke(ToPa(early), kSecret);
  fake::Poke(ToPa(late), kSecret);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_DONATE, vm.raw(), kGfn, early.raw(), 1), RAVELIN_SUCCESS);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_LAUNCH, vm.raw()), RAVELIN_SUCCESS);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_DONATE, vm.raw(), kGfn + 1, late.raw(), 1), RAVELIN_SUCCESS);
  EXPECT_EQ(fake::Peek(ToPa(early)), kSecret);
  EXPECT_EQ(fake::Peek(ToPa(late)), 0U);
}

TEST_F(LifeCycleTest, PagesOfANormalVmKeepTheirContents) {
  Guest guest(host_, VmKind::kNormal);
  const Pfn page = guest.GivePage(kIpa);
  fake::Poke(ToPa(page), kSecret);
  EXPECT_EQ(host_.StateOf(page), PageState::kHostLentVm);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_UNSHARE, guest.handle().raw(), kGfn, 1), RAVELIN_SUCCESS);
  EXPECT_EQ(host_.StateOf(page), PageState::kHostOwned);
  EXPECT_EQ(fake::Peek(ToPa(page)), kSecret);
  const Pfn again = guest.GivePage(kIpa);
  fake::Poke(ToPa(again), kSecret);
  host_.EndVm(guest.handle());
  EXPECT_EQ(fake::Peek(ToPa(again)), kSecret);
}

TEST_F(LifeCycleTest, ARangeIsDoneInPartsThatTheCallReports) {
  const VmHandle vm = host_.CreateVm(VmKind::kProtected);
  const Pfn pages = host_.Take(20, 32);
  const Answer first = host_.Call(RAVELIN_HOST_VM_DONATE, vm.raw(), 0U, pages.raw(), 20U);
  EXPECT_EQ(first, (Answer{RAVELIN_INCOMPLETE, 8}));
  EXPECT_EQ(host_.StateOf(pages + PageCount{7}), PageState::kVmOwned);
  EXPECT_EQ(host_.StateOf(pages + PageCount{8}), PageState::kHostOwned);
  const Answer last = host_.Call(RAVELIN_HOST_VM_DONATE, vm.raw(), 8U, pages.raw() + 8, 8U);
  EXPECT_EQ(last, (Answer{RAVELIN_SUCCESS, 8}));
}

TEST_F(LifeCycleTest, ABlockIsLentAndAgedAtOnce) {
  const VmHandle vm = host_.CreateVm(VmKind::kNormal, 0);
  const Pfn pages = host_.Take(1024, 512);
  const Answer lent = host_.Call(RAVELIN_HOST_VM_SHARE, vm.raw(), 512U, pages.raw(), 1024U, 1U);
  EXPECT_EQ(lent, (Answer{RAVELIN_NO_MEMORY})) << "36 bits need a table for blocks";
  EXPECT_EQ(Call(RAVELIN_HOST_VM_TOPUP, vm.raw(), host_.Take().raw(), 1), RAVELIN_SUCCESS);
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SHARE, vm.raw(), 512U, pages.raw(), 1024U, 1U),
            (Answer{RAVELIN_INCOMPLETE, 512}));
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_AGE, vm.raw(), 512U, 512U),
            (Answer{RAVELIN_SUCCESS, 512, 1}));
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_AGE, vm.raw(), 512U, 512U),
            (Answer{RAVELIN_SUCCESS, 512, 0}));
  EXPECT_EQ(host_.Call(RAVELIN_HOST_VM_SET_PERMISSIONS, vm.raw(), 512U, 512U, 3U),
            (Answer{RAVELIN_SUCCESS, 512}));
}

TEST_F(LifeCycleTest, AVmThatNeverRanCanEnd) {
  for (const VmKind kind : {VmKind::kNormal, VmKind::kProtected}) {
    const VmHandle empty = host_.CreateVm(kind, 0);
    host_.EndVm(empty);
    const VmHandle vm = host_.CreateVm(kind);
    host_.CreateVcpu(vm, 63);
    host_.EndVm(vm);
  }
}

TEST_F(LifeCycleTest, VmFreeIsBoundedAndReportsProgress) {
  const VmHandle vm = host_.CreateVm(VmKind::kProtected, 200);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_DESTROY, vm.raw()), RAVELIN_SUCCESS);
  std::uint64_t donated = host_.Info(RAVELIN_INFO_DONATED_PAGES);
  unsigned calls = 0;
  Answer freed;
  do {
    freed = host_.Call(RAVELIN_HOST_VM_FREE, vm.raw());
    const std::uint64_t left = host_.Info(RAVELIN_INFO_DONATED_PAGES);
    EXPECT_LE(donated - left, 8U);
    EXPECT_LT(left, donated);
    donated = left;
    ++calls;
    // It exists until the last call, but only for VM_FREE.
    EXPECT_EQ(host_.Info(RAVELIN_INFO_LIVE_VMS), freed.status == RAVELIN_INCOMPLETE ? 1U : 0U);
    EXPECT_EQ(Call(RAVELIN_HOST_VM_DESTROY, vm.raw()), RAVELIN_NO_SUCH_VM);
  } while (freed.status == RAVELIN_INCOMPLETE);
  EXPECT_EQ(freed.status, RAVELIN_SUCCESS);
  EXPECT_GT(calls, 200U / 8);
  EXPECT_EQ(donated, 0U);
}

// Break-before-make, publication, wiping before the next owner: at every write on the way.
TEST_F(LifeCycleTest, OtherCpusSeeEveryStepInOrder) {
  stage2::testing::History history;
  history.AddTable(PageOwnership().Lock()->host_table());
  for (const VmKind kind : {VmKind::kNormal, VmKind::kProtected}) {
    Guest guest(host_, kind);
    history.AddTable((*FindVm(guest.handle()))->state().Lock()->memory.table());
    history.AllowSharing(guest.vcpu().run_pfn());
    const Pfn page = guest.GivePage(kIpa);
    history.AllowSharing(page);
    const Pfn other = guest.GivePage(kIpa + kPageSize);
    if (kind == VmKind::kNormal) {
      history.AllowSharing(other);
    }
    if (kind == VmKind::kProtected) {
      guest.Guard(kIpa + 2 * kPageSize);
      guest.Next(testing::OfClass(ExceptionClass::kHvc),
                 [](GuestRegisters& registers) { registers.x = {RAVELIN_GUEST_MEM_SHARE, kIpa}; });
    }
    EXPECT_EQ(guest.Run().reason, RAVELIN_EXIT_IRQ);
    host_.EndVm(guest.handle());
  }
  EXPECT_THAT(history.Replay(fake::Log()), ::testing::IsEmpty());
}

// --- Handles

TEST_F(LifeCycleTest, AHandleIsNeverZeroAndNeverReused) {
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 20; ++i) {
    const VmHandle vm = host_.CreateVm(VmKind::kNormal, 0);
    EXPECT_NE(vm, VmHandle{0});
    EXPECT_TRUE(seen.insert(vm.raw()).second);
    host_.EndVm(vm);
  }
}

TEST_F(LifeCycleTest, AStaleHandleNamesNothing) {
  const VmHandle gone = host_.CreateVm(VmKind::kNormal, 0);
  host_.EndVm(gone);
  const VmHandle next = host_.CreateVm(VmKind::kNormal, 0);
  EXPECT_EQ(gone.raw() & 0xff, next.raw() & 0xff) << "the test wants the slot used again";
  const std::uint64_t page = host_.Take().raw();
  EXPECT_EQ(Call(RAVELIN_HOST_VM_TOPUP, gone.raw(), page, 1), RAVELIN_NO_SUCH_VM);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_DESTROY, gone.raw()), RAVELIN_NO_SUCH_VM);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_FREE, gone.raw()), RAVELIN_NO_SUCH_VM);
  EXPECT_EQ(Call(RAVELIN_HOST_VM_TOPUP, next.raw(), page, 1), RAVELIN_SUCCESS);
}

TEST_F(LifeCycleTest, NoOtherNumberNamesAVm) {
  const VmHandle vm = host_.CreateVm(VmKind::kNormal, 0);
  for (unsigned bit = 0; bit < 32; ++bit) {
    EXPECT_EQ(Call(RAVELIN_HOST_VM_DESTROY, vm.raw() ^ 1U << bit), RAVELIN_NO_SUCH_VM) << bit;
  }
  for (const std::uint32_t number : {0U, kMaxVms, kMaxVms + 1, 0xffU, 0xffff'ffffU}) {
    EXPECT_EQ(Call(RAVELIN_HOST_VM_DESTROY, number), RAVELIN_NO_SUCH_VM) << number;
  }
}

TEST_F(LifeCycleTest, VmsHaveVmidsOfTheirOwn) {
  std::set<std::uint16_t> vmids;
  for (int i = 0; i < 8; ++i) {
    const Guest guest(host_, VmKind::kNormal);
    fake::ThisCpu().script.push_back({.exit = arch::ExitKind::kIrq, .acts = [&](GuestRegisters&) {
                                        vmids.insert(fake::ThisCpu().regime->vmid.raw());
                                      }});
    EXPECT_EQ(Call(RAVELIN_HOST_VCPU_RUN, guest.handle().raw()), RAVELIN_SUCCESS);
  }
  EXPECT_EQ(vmids.size(), 8U);
  EXPECT_FALSE(vmids.contains(0)) << "0 is the host's";
}

// --- Registers

TEST_F(LifeCycleTest, EveryRegisterOfANormalVmIsTheHosts) {
  Guest guest(host_, VmKind::kNormal);
  const std::uint64_t vm = guest.handle().raw();
  for (std::uint64_t reg = 0; reg < RAVELIN_REG_COUNT; ++reg) {
    const std::uint64_t value = reg == RAVELIN_REG_PSTATE ? 0xf000'03c4 : kSecret + reg;
    EXPECT_EQ(Call(RAVELIN_HOST_VCPU_SET_REG, vm, 0, reg, value), RAVELIN_SUCCESS) << reg;
  }
  for (std::uint64_t reg = 0; reg < RAVELIN_REG_COUNT; ++reg) {
    const std::uint64_t value = reg == RAVELIN_REG_PSTATE ? 0xf000'03c4 : kSecret + reg;
    EXPECT_EQ(host_.Call(RAVELIN_HOST_VCPU_GET_REG, vm, 0U, reg), (Answer{RAVELIN_SUCCESS, value}));
  }
  EXPECT_EQ(guest.x(30), kSecret + 30);
  EXPECT_EQ(guest.registers().pc, kSecret + RAVELIN_REG_PC);
  EXPECT_EQ(guest.el1().sp_el0, kSecret + RAVELIN_REG_SP);
  EXPECT_EQ(guest.el1().sp_el1, kSecret + RAVELIN_REG_SP_EL1);
  EXPECT_EQ(guest.el1().elr, kSecret + RAVELIN_REG_ELR_EL1);
  EXPECT_EQ(guest.el1().spsr, kSecret + RAVELIN_REG_SPSR_EL1);
}

TEST_F(LifeCycleTest, PstateMayBeEl0AndBothFormsOfEl1) {
  const Guest guest(host_, VmKind::kNormal);
  for (const std::uint64_t pstate : {0x0U, 0x4U, 0x5U, 0x3c5U, 0xf000'0000U}) {
    EXPECT_EQ(Call(RAVELIN_HOST_VCPU_SET_REG, guest.handle().raw(), 0, RAVELIN_REG_PSTATE, pstate),
              RAVELIN_SUCCESS)
        << pstate;
  }
}

TEST_F(LifeCycleTest, AVcpuStartsAtEl1hWithEverythingMaskedAndZero) {
  const VmHandle vm = host_.CreateVm(VmKind::kProtected);
  const Pfn object = host_.Take(1, 8);
  for (std::uint64_t at = 0; at < kPageSize; at += 8) {
    fake::Poke(ToPa(object) + at, kSecret);  // the host's choice of what it donates
  }
  ASSERT_EQ(Call(RAVELIN_HOST_VCPU_CREATE, vm.raw(), 0, object.raw(), host_.TakeShared().raw()),
            RAVELIN_SUCCESS);
  const arch::GuestState& state = host_.VcpuOf(vm).state();
  EXPECT_EQ(state.registers.pstate, testing::kEl1hMasked);
  EXPECT_EQ(state.registers.pc, 0U);
  for (const std::uint64_t x : state.registers.x) {
    EXPECT_EQ(x, 0U);
  }
  for (const std::uint64_t q : state.fp.q) {
    EXPECT_EQ(q, 0U);
  }
  EXPECT_EQ(state.el1.vbar, 0U);
  EXPECT_EQ(state.el1.sctlr & 1, 0U) << "the MMU is off";
  EXPECT_EQ(state.timer.ctl, 0U);
}

}  // namespace
}  // namespace ravelin::call
