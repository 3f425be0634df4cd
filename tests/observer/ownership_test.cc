// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Who may have a page mapped, and when it may change hands.
#include "tests/observer/trace.h"

namespace ravelin::observer {
namespace {

class OwnershipTest : public Trace {
 protected:
  static constexpr std::uint64_t kRipasEmpty = 0;
  static constexpr std::uint64_t kRipasRam = 1;

  // The host maps the VM's page `index`.
  void MapToHost(std::uint64_t index) {
    Store(HostEntry(32 + index), (kVmPage + index * kPageSize).raw() | kPageRw);
    Execute(kDsbIshst);
  }
  void UnmapFromHost(std::uint64_t index) {
    Store(HostEntry(32 + index), 0);
    InvalidatePage(Vmid{0}, SameIpa(kHostPage) + (32 + index) * kPageSize);
  }
  // A guest's call, and back to the guest.
  void GuestCalls(std::array<std::uint64_t, 5> x) {
    EnterVm();
    HostCalls(x);
  }
  // A VM of its own, with this descriptor for its first 2 MiB.
  void EnterOtherVm(std::uint64_t descriptor) {
    memory_.Set(kOtherRoot, (kOtherRoot + kPageSize).raw() | kTableBits);
    memory_.Set(kOtherRoot + kPageSize, descriptor);
    Execute(kSetVttbr, kOtherRoot.raw() | 9ULL << 48);
    Leave(0, 1);
  }
};

TEST_F(OwnershipTest, APageOfAProtectedVmIsNotTheHosts) {
  MapToHost(3);
  EnterHost();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, NorIsAPageOfTheHostAProtectedVms) {
  Store(VmEntry(20), kHostPage.raw() | kPageRw);
  EnterHost();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, ADonatedPageHasLeftTheHostFirst) {
  Store(HostEntry(0), 0);
  InvalidatePage(Vmid{0}, SameIpa(kHostPage));
  Store(VmEntry(20), kHostPage.raw() | kPageRw);
  EnterHost();
  ExpectNothing();
}

TEST_F(OwnershipTest, ADonatedPageHasLeftTheTlbsFirst) {
  Store(HostEntry(0), 0);
  Store(VmEntry(20), kHostPage.raw() | kPageRw);
  InvalidatePage(Vmid{0}, SameIpa(kHostPage));
  EnterHost();
  ExpectOnly(Rule::kReuse);
}

TEST_F(OwnershipTest, APageIsNotWipedWhileItCanBeReached) {
  Store(HostEntry(0), 0);
  Store(kHostPage, 0);
  InvalidatePage(Vmid{0}, SameIpa(kHostPage));
  EnterHost();
  ExpectOnly(Rule::kReuse);
}

TEST_F(OwnershipTest, NorByBlocks) {
  Store(HostEntry(0), 0);
  if (checker_.IsWatched(ToPfn(kHostPage))) {
    checker_.Zero(here_, ToPfn(kHostPage));
  }
  InvalidatePage(Vmid{0}, SameIpa(kHostPage));
  EnterHost();
  ExpectOnly(Rule::kReuse);
}

TEST_F(OwnershipTest, APageIsWipedWhenItCannotBeReached) {
  Store(HostEntry(0), 0);
  InvalidatePage(Vmid{0}, SameIpa(kHostPage));
  Store(kHostPage, 0);
  EnterHost();
  ExpectNothing();
}

TEST_F(OwnershipTest, AFreedTableIsNotReusedWhileItCanBeWalked) {
  Store(BlockEntry(kHostPage), 0);
  Store(kHostPages, 0);
  InvalidateVmid(Vmid{0});
  EnterHost();
  ExpectOnly(Rule::kReuse);
}

TEST_F(OwnershipTest, APageOfTwoVms) {
  EnterOtherVm(kVmPage.raw() | kBlockRw);
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, AGuestSharesByMemShare) {
  GuestCalls({RAVELIN_GUEST_MEM_SHARE, 0x3000});
  MapToHost(3);
  EnterVm();
  ExpectNothing();
  HostCalls({});
  MapToHost(4);
  EnterHost();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, AGuestTakesBackByMemUnshare) {
  GuestCalls({RAVELIN_GUEST_MEM_SHARE, 0x3000});
  MapToHost(3);
  GuestCalls({RAVELIN_GUEST_MEM_UNSHARE, 0x3000});
  UnmapFromHost(3);
  EnterVm();
  ExpectNothing();
  HostCalls({});
  MapToHost(3);
  EnterHost();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, WhatAGuestHasTakenBackTheHostHasLost) {
  GuestCalls({RAVELIN_GUEST_MEM_SHARE, 0x3000});
  MapToHost(3);
  GuestCalls({RAVELIN_GUEST_MEM_UNSHARE, 0x3000});
  EnterVm();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, AnUnshareThatFailsLeavesTheShare) {
  GuestCalls({RAVELIN_GUEST_MEM_SHARE, 0x3000});
  MapToHost(3);
  GuestCalls({RAVELIN_GUEST_MEM_UNSHARE, 0x3000});
  constexpr std::uint64_t kFailed = ~std::uint64_t{2};
  EnterVm(kFailed);
  ExpectNothing();
}

TEST_F(OwnershipTest, AGuestSharesByIpaState) {
  GuestCalls({0xC4000197, 0x2000, 0x4000, kRipasEmpty});
  MapToHost(2);
  MapToHost(3);
  GuestCalls({0xC4000197, 0x2000, 0x4000, kRipasRam});
  UnmapFromHost(3);
  EnterVm();
  ExpectOnly(Rule::kOwner);  // of page 2
}

TEST_F(OwnershipTest, TheHostDeclaresNothingForAGuest) {
  EnterHost();
  HostCalls({RAVELIN_GUEST_MEM_SHARE, 0x3000});
  MapToHost(3);
  EnterHost();
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, ANormalVmHasPagesOfTheHost) {
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_NORMAL, 39, 0,
             ToPfn(kOtherRoot).raw()});
  EnterHost(RAVELIN_SUCCESS);
  HostCalls({});
  memory_.Set(kSpareTable, kHostPage.raw() | kPageRw);
  EnterOtherVm(kSpareTable.raw() | kTableBits);
  ExpectNothing();
}

TEST_F(OwnershipTest, ANormalVmHasNoPagesOfAProtectedOne) {
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_NORMAL, 39, 0,
             ToPfn(kOtherRoot).raw()});
  EnterHost(RAVELIN_SUCCESS);
  HostCalls({});
  EnterOtherVm(kVmPage.raw() | kBlockRw);
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, NormalVmsBorrowTheSamePage) {
  constexpr Pa kThirdRoot{0x4011'c000};
  EnterHost();
  for (const Pa root : {kOtherRoot, kThirdRoot}) {
    HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_NORMAL, 39, 0,
               ToPfn(root).raw()});
    EnterHost(RAVELIN_SUCCESS);
  }
  HostCalls({});
  EnterOtherVm(kHostBlock.raw() | kBlockRw);
  HostCalls({});
  memory_.Set(kThirdRoot, (kThirdRoot + kPageSize).raw() | kTableBits);
  memory_.Set(kThirdRoot + kPageSize, kHostBlock.raw() | kBlockRw);
  Execute(kSetVttbr, kThirdRoot.raw() | 10ULL << 48);
  Leave(0, 1);
  ExpectNothing();
}

TEST_F(OwnershipTest, AVmWhoseCreationFailedIsNotNormal) {
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_NORMAL, 39, 0,
             ToPfn(kOtherRoot).raw()});
  EnterHost(~std::uint64_t{1});
  HostCalls({});
  memory_.Set(kSpareTable, kHostPage.raw() | kPageRw);
  EnterOtherVm(kSpareTable.raw() | kTableBits);
  ExpectOnly(Rule::kOwner);
}

TEST_F(OwnershipTest, MonitorPagesAreNobodys) {
  Store(HostEntry(40), (kMonitor + 5 * kPageSize).raw() | kPageRw);
  EnterHost();
  ExpectOnly(Rule::kMonitorMapped);
}

TEST_F(OwnershipTest, NorThroughABlock) {
  Store(BlockEntry(Pa{0x4000'0000}), 0x4000'0000 | kBlockRw);
  EnterHost();
  EXPECT_GE(checker_.report().Count(Rule::kMonitorMapped), 1U) << Printed();
}

TEST_F(OwnershipTest, WhatTheMonitorTakesLaterIsItsOwnToo) {
  Store(kEl2Pages + 100 * kEntryBytes, kHostPage.raw() | kPageRw);
  EnterHost();
  ExpectOnly(Rule::kMonitorMapped);
}

TEST_F(OwnershipTest, AWindowIsClosedInTime) {
  Store(kEl2Pages + 100 * kEntryBytes, kHostPage.raw() | kPageRw);
  Store(kEl2Pages + 100 * kEntryBytes, 0);
  EnterHost();
  ExpectNothing();
}

TEST_F(OwnershipTest, TheHostSharesAPageWithTheMonitor) {
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_PAGE_SHARE, ToPfn(kHostPage).raw()});
  Store(kEl2Pages + 100 * kEntryBytes, kHostPage.raw() | kPageRw);
  EnterHost(RAVELIN_SUCCESS);
  ExpectNothing();
}

TEST_F(OwnershipTest, TablesInUseAreNotMapped) {
  // A table that is no page of the monitor's, so that only this rule sees it.
  constexpr Pa kTable{0x40e0'0000};
  Store(BlockEntry(Pa{0x4100'0000}), kTable.raw() | kTableBits);
  Execute(kDsbIshst);
  Store(HostEntry(40), kTable.raw() | kPageRw);
  EnterHost();
  ExpectOnly(Rule::kTable);
}

TEST_F(OwnershipTest, MappedPagesAreNoTables) {
  Store(BlockEntry(Pa{0x4100'0000}), kHostPage.raw() | kTableBits);
  EnterHost();
  ExpectOnly(Rule::kTable);
}

TEST_F(OwnershipTest, ATableIsLinkedOnce) {
  Store(BlockEntry(Pa{0x4100'0000}), kHostPages.raw() | kTableBits);
  EnterHost();
  ExpectOnly(Rule::kTable);
}

TEST_F(OwnershipTest, TheRootOfADeadVmIsAPageAgain) {
  Store(kVmRoot, 0);
  InvalidateVmid(kVm);
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_PROTECTED, 39, 0,
             ToPfn(kVmRoot).raw()});
  EnterHost(RAVELIN_SUCCESS);
  ExpectNothing();
}

TEST_F(OwnershipTest, TheRootOfALiveVmIsNot) {
  EnterHost();
  HostCalls({RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VM_CREATE, RAVELIN_VM_PROTECTED, 39, 0,
             ToPfn(kVmRoot).raw()});
  EnterHost(RAVELIN_SUCCESS);
  ExpectOnly(Rule::kTable);
}

}  // namespace
}  // namespace ravelin::observer
