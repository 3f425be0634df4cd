// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Walks the whole transition table: each operation on a page in each state, by its own VM or device
// domain and by another, through Ownership itself. The table is checked against rules that are
// written in another way: who may act on whose page.
#include "stage2/ownership/transition.h"

#include <algorithm>
#include <array>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stage2/testing/world.h"

namespace ravelin::stage2 {
namespace {

using testing::Pages;
using testing::World;

constexpr Gfn kGfn{0x100};      // where the page is in its VM
constexpr Gfn kFreeGfn{0x111};  // where no VM has anything

template <typename Visit>
void ForAll(Visit visit) {
  for (std::size_t op = 0; op < kOperations; ++op) {
    for (std::size_t state = 0; state < kPageStates; ++state) {
      for (std::size_t relation = 0; relation < kRelations; ++relation) {
        SCOPED_TRACE(::testing::Message()
                     << "operation " << op << " state " << state << " relation " << relation);
        visit(static_cast<Operation>(op), static_cast<PageState>(state),
              static_cast<Relation>(relation));
      }
    }
  }
}

bool IsHosts(PageState state) { return OwnerOf(state) == Owner::kHost; }

bool IsForEver(PageState state) {
  return state == PageState::kMonitorOwned || state == PageState::kSecureOwned;
}

// Both states to which a cell may lead.
std::vector<PageState> Targets(const Outcome& outcome) {
  return outcome ? std::vector{outcome->next, outcome->last} : std::vector<PageState>{};
}

TEST(TransitionTableTest, NobodyTakesWhatIsNotHis) {
  ForAll([](Operation operation, PageState from, Relation relation) {
    for (const PageState to : Targets(Decide(operation, from, relation))) {
      EXPECT_FALSE(IsForEver(from) || IsForEver(to)) << "what is for ever never changes";
      EXPECT_TRUE(OwnerOf(from) == OwnerOf(to) || from == PageState::kHostOwned ||
                  to == PageState::kHostOwned)
          << "a page changes its owner only from and to the host's alone";
      EXPECT_TRUE(relation == Relation::kSame || !HasPlace(from))
          << "what has a holder is out of reach for another";
    }
  });
}

// What one operation leaves is never more than one borrower away from where it began.
TEST(TransitionTableTest, BorrowersComeAndGoOneAtATime) {
  ForAll([](Operation operation, PageState from, Relation relation) {
    for (const PageState to : Targets(Decide(operation, from, relation))) {
      const Borrowers a = BorrowersOf(from);
      const Borrowers b = BorrowersOf(to);
      const int changed = int{a.host != b.host} + int{a.monitor != b.monitor} +
                          int{a.vms != b.vms} + int{a.devices != b.devices} +
                          int{a.secure != b.secure};
      EXPECT_LE(changed, 1);
    }
  });
}

TEST(TransitionTableTest, LentPagesCannotBeGivenAway) {
  for (const Operation operation :
       {Operation::kHostDonateMonitor, Operation::kHostDonateVm, Operation::kHostDonateDevice}) {
    for (std::size_t i = 0; i < kPageStates; ++i) {
      const auto state = static_cast<PageState>(i);
      const Outcome outcome = Decide(operation, state, Relation::kSame);
      EXPECT_EQ(outcome.has_value(), state == PageState::kHostOwned);
      const Error expected = !IsHosts(state)              ? Error::kWrongOwner
                             : BorrowersOf(state).devices ? Error::kBusy
                                                          : Error::kWrongState;
      EXPECT_TRUE(outcome || outcome.error() == expected);
    }
  }
}

TEST(TransitionTableTest, HostOperationsOnForeignPagesSayWrongOwner) {
  for (const Operation operation :
       {Operation::kHostShareMonitor, Operation::kHostUnshareMonitor, Operation::kPinShared,
        Operation::kHostDonateMonitor, Operation::kHostDonateVm, Operation::kHostShareVm,
        Operation::kHostUnshareVm, Operation::kHostSetVmPermissions, Operation::kHostAgeVm,
        Operation::kHostMapDevice, Operation::kHostUnmapDevice, Operation::kHostDonateDevice,
        Operation::kHostShareSecure, Operation::kHostUnshareSecure}) {
    for (std::size_t i = 0; i < kPageStates; ++i) {
      const auto state = static_cast<PageState>(i);
      if (!IsHosts(state)) {
        EXPECT_EQ(Decide(operation, state, Relation::kSame).error(), Error::kWrongOwner);
        EXPECT_EQ(Decide(operation, state, Relation::kOther).error(), Error::kWrongOwner);
      }
    }
  }
}

TEST(TransitionTableTest, PinnedPagesStayLent) {
  EXPECT_EQ(
      Decide(Operation::kHostUnshareMonitor, PageState::kHostLentPinned, Relation::kSame).error(),
      Error::kBusy);
  EXPECT_EQ(Decide(Operation::kPinShared, PageState::kHostLentPinned, Relation::kSame).error(),
            Error::kExists);
}

// Every share has its unshare, every donation its return.
TEST(TransitionTableTest, EveryLoanAndDonationEnds) {
  const auto pair = [](Operation there, Operation back, PageState from) {
    const PageState middle = Decide(there, from, Relation::kSame)->next;
    EXPECT_EQ(Decide(back, middle, Relation::kSame)->last, from);
  };
  pair(Operation::kHostShareMonitor, Operation::kHostUnshareMonitor, PageState::kHostOwned);
  pair(Operation::kPinShared, Operation::kUnpinShared, PageState::kHostLentMonitor);
  pair(Operation::kHostDonateMonitor, Operation::kReturnMetadata, PageState::kHostOwned);
  pair(Operation::kHostDonateVm, Operation::kReclaimFromVm, PageState::kHostOwned);
  pair(Operation::kHostDonateVm, Operation::kForceReclaim, PageState::kHostOwned);
  pair(Operation::kHostDonateVm, Operation::kVmRelinquish, PageState::kHostOwned);
  pair(Operation::kHostShareVm, Operation::kHostUnshareVm, PageState::kHostOwned);
  pair(Operation::kHostShareVm, Operation::kHostUnshareVm, PageState::kHostLentDevice);
  pair(Operation::kHostMapDevice, Operation::kHostUnmapDevice, PageState::kHostOwned);
  pair(Operation::kHostMapDevice, Operation::kHostUnmapDevice, PageState::kHostLentVm);
  pair(Operation::kHostDonateDevice, Operation::kReclaimFromDevice, PageState::kHostOwned);
  pair(Operation::kHostShareSecure, Operation::kHostUnshareSecure, PageState::kHostOwned);
  pair(Operation::kVmShareHost, Operation::kVmUnshareHost, PageState::kVmOwned);
}

// --- Counting

TEST(CountingTest, TheStateSaysWhichUsesThereAre) {
  PageRecord record;
  const auto apply = [&](Operation operation) {
    record = *Next(operation, record, kHostVmid, 0);
    return record.state();
  };
  EXPECT_EQ(apply(Operation::kHostShareVm), PageState::kHostLentVm);
  EXPECT_EQ(apply(Operation::kHostShareVm), PageState::kHostLentVm);
  EXPECT_EQ(apply(Operation::kHostMapDevice), PageState::kHostLentVmDevice);
  EXPECT_EQ(record.uses(), (Uses{.loans = 2, .maps = 1}));
  EXPECT_EQ(apply(Operation::kHostUnshareVm), PageState::kHostLentVmDevice);
  EXPECT_EQ(apply(Operation::kHostMapDevice), PageState::kHostLentVmDevice);
  EXPECT_EQ(apply(Operation::kHostUnshareVm), PageState::kHostLentDevice);
  EXPECT_EQ(apply(Operation::kHostUnmapDevice), PageState::kHostLentDevice);
  EXPECT_EQ(apply(Operation::kHostUnmapDevice), PageState::kHostOwned);
  EXPECT_EQ(record, PageRecord{});
}

TEST(CountingTest, FullCountersAreALimit) {
  const Uses full{.loans = 0xffff, .maps = 0xffff};
  const auto record = PageRecord::Counting(PageState::kHostLentVmDevice, full);
  EXPECT_EQ(Next(Operation::kHostShareVm, record, kHostVmid, 0).error(), Error::kLimit);
  EXPECT_EQ(Next(Operation::kHostMapDevice, record, kHostVmid, 0).error(), Error::kLimit);
  EXPECT_EQ(Next(Operation::kHostUnshareVm, record, kHostVmid, 0)->uses().loans, 0xfffe);
}

// --- The same walk through the engine

class EngineWalk {
 public:
  EngineWalk() : own_(world_.AddVm(1)), other_(world_.AddVm(2)) {}

  Pfn Bring(PageState state) {
    const Pfn page = PageFor(state);
    world_.AllowSharing(page);
    const PfnRange range = Pages(page, 1);
    Ownership& ownership = world_.ownership();
    const Borrowers borrowers = BorrowersOf(state);
    if (borrowers.monitor) {
      EXPECT_TRUE(ownership.HostShareMonitor(page));
    }
    if (state == PageState::kHostLentPinned) {
      EXPECT_TRUE(ownership.PinShared(page));
    }
    if (borrowers.vms) {
      EXPECT_TRUE(ownership.HostShareVm(own_, kGfn, range, Permissions::kReadWrite));
    }
    if (borrowers.devices) {
      EXPECT_TRUE(ownership.HostMapDevice(devices_, kGfn, range, Permissions::kReadWrite));
    }
    if (borrowers.secure) {
      EXPECT_TRUE(ownership.HostShareSecure(range));
    }
    if (state == PageState::kVmMetadata) {
      EXPECT_TRUE(ownership.HostDonateMonitor({&range, 1}, own_.vmid(), own_.metadata()));
    }
    if (OwnerOf(state) == Owner::kVm) {
      EXPECT_TRUE(ownership.HostDonateVm(own_, kGfn, range, Content::kZeroed));
    }
    if (state == PageState::kVmLentHost) {
      EXPECT_TRUE(ownership.VmShareHost(own_, kGfn, Content::kKept));
    }
    if (state == PageState::kDeviceOwned) {
      EXPECT_TRUE(ownership.HostDonateDevice(devices_, kGfn, range, Content::kZeroed));
    }
    EXPECT_EQ(world_.StateOf(page), state);
    return page;
  }

  Result<void> Perform(Operation operation, Pfn page, Relation relation) {
    const PfnRange range = Pages(page, 1);
    Ownership& it = world_.ownership();
    VmMemory& vm = relation == Relation::kSame ? own_ : other_;
    DeviceDomain& domain = relation == Relation::kSame ? devices_ : other_devices_;
    constexpr auto kZeroed = Content::kZeroed;
    switch (operation) {
      case Operation::kHostShareMonitor:
        return it.HostShareMonitor(page);
      case Operation::kHostUnshareMonitor:
        return it.HostUnshareMonitor(page);
      case Operation::kPinShared:
        return it.PinShared(page);
      case Operation::kUnpinShared:
        return it.UnpinShared(page);
      case Operation::kHostDonateMonitor:
        return it.HostDonateMonitor({&range, 1}, vm.vmid(), vm.metadata());
      case Operation::kReturnMetadata:
        return Done(it.ReturnMetadata(vm.metadata(), PageCount{1}));
      case Operation::kHostDonateVm:
        return Done(it.HostDonateVm(vm, kFreeGfn, range, kZeroed));
      case Operation::kHostShareVm:
        return Done(it.HostShareVm(vm, kFreeGfn, range, Permissions::kRead));
      case Operation::kHostUnshareVm:
        return Done(it.HostUnshareVm(vm, kGfn, PageCount{1}));
      case Operation::kHostSetVmPermissions:
        return Done(it.HostSetVmPermissions(vm, kGfn, PageCount{1}, Permissions::kRead));
      case Operation::kHostAgeVm:
        return Done(it.HostAgeVm(vm, kGfn, PageCount{1}));
      case Operation::kReclaimFromVm:
        return Done(it.ReclaimFromVm(vm, range));
      case Operation::kForceReclaim:
        return Done(it.ForceReclaim(vm, kGfn, PageCount{1}));
      case Operation::kHostMapDevice:
        return Done(it.HostMapDevice(domain, kFreeGfn, range, Permissions::kRead));
      case Operation::kHostUnmapDevice:
        return Done(it.HostUnmapDevice(domain, kGfn, PageCount{1}));
      case Operation::kHostDonateDevice:
        return Done(it.HostDonateDevice(domain, kFreeGfn, range, kZeroed));
      case Operation::kReclaimFromDevice:
        return Done(it.ReclaimFromDevice(domain, range));
      case Operation::kHostShareSecure:
        return Done(it.HostShareSecure(range));
      case Operation::kHostUnshareSecure:
        return Done(it.HostUnshareSecure(range));
      case Operation::kVmShareHost:
        return it.VmShareHost(vm, kGfn, Content::kKept);
      case Operation::kVmUnshareHost:
        return it.VmUnshareHost(vm, kGfn, Content::kKept);
      case Operation::kVmRelinquish:
        return it.VmRelinquish(vm, kGfn);
    }
    return {};
  }

  World& world() { return world_; }

 private:
  static Pfn PageFor(PageState state) {
    if (state == PageState::kMonitorOwned) {
      return Pfn{World::kCarveOut.end().raw() - 1};
    }
    return state == PageState::kSecureOwned ? World::kSecure.first : World::kFree;
  }

  template <typename T>
  static Result<void> Done(const Result<T>& result) {
    return result ? Result<void>{} : Failure{result.error()};
  }

  World world_;
  VmMemory& own_;
  VmMemory& other_;
  DeviceDomain& devices_ = world_.AddDomain(129);
  DeviceDomain& other_devices_ = world_.AddDomain(130);
};

// Calls that name the page by a frame of the VM or domain.
bool IsByGuestFrame(Operation operation) {
  constexpr std::array kByFrame{Operation::kHostUnshareVm,   Operation::kHostSetVmPermissions,
                                Operation::kHostAgeVm,       Operation::kForceReclaim,
                                Operation::kHostUnmapDevice, Operation::kVmShareHost,
                                Operation::kVmUnshareHost,   Operation::kVmRelinquish};
  return std::ranges::find(kByFrame, operation) != kByFrame.end();
}

// What Ownership has to answer: the table, except where the call names the page by a guest frame at
// which nothing is mapped.
Outcome Expected(Operation operation, PageState state, Relation relation) {
  const Borrowers borrowers = BorrowersOf(state);
  const bool in_vm = borrowers.vms || OwnerOf(state) == Owner::kVm;
  const bool in_domain = borrowers.devices || state == PageState::kDeviceOwned;
  const bool found =
      relation == Relation::kSame && (operation == Operation::kHostUnmapDevice ? in_domain : in_vm);
  if (IsByGuestFrame(operation) && !found) {
    return Failure{Error::kNotMapped};
  }
  return Decide(operation, state, relation);
}

TEST(EngineWalkTest, EveryOperationInEveryStateDoesWhatTheTableSays) {
  ForAll([](Operation operation, PageState state, Relation relation) {
    // The list is the only way to metadata pages, and it holds nothing else.
    if (operation == Operation::kReturnMetadata &&
        (state != PageState::kVmMetadata || relation == Relation::kOther)) {
      return;
    }
    EngineWalk walk;
    const Pfn page = walk.Bring(state);
    const World::Snapshot before = walk.world().Take();
    const Outcome expected = Expected(operation, state, relation);
    const Result<void> result = walk.Perform(operation, page, relation);
    ASSERT_EQ(result.has_value(), expected.has_value());
    if (expected) {
      EXPECT_EQ(walk.world().StateOf(page), expected->last);
    } else {
      EXPECT_EQ(result.error(), expected.error());
      EXPECT_EQ(walk.world().Take(), before) << "an error changes nothing";
    }
    EXPECT_THAT(walk.world().Inconsistencies(), ::testing::IsEmpty());
    EXPECT_THAT(walk.world().Breaches(), ::testing::IsEmpty());
  });
}

}  // namespace
}  // namespace ravelin::stage2
