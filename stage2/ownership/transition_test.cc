// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Walks the whole transition table: each operation on a page in each state, by its own VM and by
// another, through Ownership itself. The table is checked against rules that are written in another
// way: who may act on whose page.
#include "stage2/ownership/transition.h"

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

bool IsHosts(PageState state) {
  return state == PageState::kHostOwned || state == PageState::kHostLentMonitor ||
         state == PageState::kHostLentPinned || state == PageState::kHostLentVm;
}

bool IsVms(PageState state) {
  return state == PageState::kVmOwned || state == PageState::kVmLentHost;
}

TEST(TransitionTableTest, NobodyTakesWhatIsNotHis) {
  ForAll([](Operation operation, PageState from, Relation relation) {
    const Outcome to = Decide(operation, from, relation);
    if (!to) {
      return;
    }
    EXPECT_NE(from, PageState::kMonitorOwned) << "the carve-out never changes";
    EXPECT_NE(*to, PageState::kMonitorOwned);
    const bool owner_changes = IsHosts(from) != IsHosts(*to);
    const bool between_host_and_nobody_else =
        from == PageState::kHostOwned || *to == PageState::kHostOwned;
    EXPECT_TRUE(!owner_changes || between_host_and_nobody_else)
        << "a page changes its owner only from and to the host's alone";
    if (relation == Relation::kOtherVm) {
      EXPECT_FALSE(IsVms(from) || from == PageState::kVmMetadata || from == PageState::kHostLentVm)
          << "what has a VM is out of reach for another";
    }
  });
}

TEST(TransitionTableTest, LentPagesCannotBeGivenAway) {
  for (const Operation operation : {Operation::kHostDonateMonitor, Operation::kHostDonateVm}) {
    for (std::size_t i = 0; i < kPageStates; ++i) {
      const auto state = static_cast<PageState>(i);
      const Outcome outcome = Decide(operation, state, Relation::kSameVm);
      EXPECT_EQ(outcome.has_value(), state == PageState::kHostOwned);
      EXPECT_TRUE(outcome ||
                  outcome.error() == (IsHosts(state) ? Error::kWrongState : Error::kWrongOwner));
    }
  }
}

TEST(TransitionTableTest, HostOperationsOnForeignPagesSayWrongOwner) {
  for (const Operation operation :
       {Operation::kHostShareMonitor, Operation::kHostUnshareMonitor, Operation::kPinShared,
        Operation::kHostDonateMonitor, Operation::kHostDonateVm, Operation::kHostShareVm,
        Operation::kHostUnshareVm}) {
    for (std::size_t i = 0; i < kPageStates; ++i) {
      const auto state = static_cast<PageState>(i);
      if (!IsHosts(state)) {
        EXPECT_EQ(Decide(operation, state, Relation::kSameVm).error(), Error::kWrongOwner);
        EXPECT_EQ(Decide(operation, state, Relation::kOtherVm).error(), Error::kWrongOwner);
      }
    }
  }
}

TEST(TransitionTableTest, PinnedPagesStayLent) {
  EXPECT_EQ(
      Decide(Operation::kHostUnshareMonitor, PageState::kHostLentPinned, Relation::kSameVm).error(),
      Error::kBusy);
  EXPECT_EQ(Decide(Operation::kPinShared, PageState::kHostLentPinned, Relation::kSameVm).error(),
            Error::kExists);
}

// Every share has its unshare, every donation its return.
TEST(TransitionTableTest, EveryLoanAndDonationEnds) {
  const auto pair = [](Operation there, Operation back, PageState from) {
    const PageState middle = *Decide(there, from, Relation::kSameVm);
    EXPECT_EQ(*Decide(back, middle, Relation::kSameVm), from);
  };
  pair(Operation::kHostShareMonitor, Operation::kHostUnshareMonitor, PageState::kHostOwned);
  pair(Operation::kPinShared, Operation::kUnpinShared, PageState::kHostLentMonitor);
  pair(Operation::kHostDonateMonitor, Operation::kReturnMetadata, PageState::kHostOwned);
  pair(Operation::kHostDonateVm, Operation::kReclaimFromVm, PageState::kHostOwned);
  pair(Operation::kHostShareVm, Operation::kHostUnshareVm, PageState::kHostOwned);
  pair(Operation::kHostShareVm, Operation::kReclaimFromVm, PageState::kHostOwned);
  pair(Operation::kVmShareHost, Operation::kVmUnshareHost, PageState::kVmOwned);
}

// --- The same walk through the engine

class EngineWalk {
 public:
  EngineWalk() : own_(world_.AddVm(1)), other_(world_.AddVm(2)) {}

  Pfn Bring(PageState state) {
    Ownership& ownership = world_.ownership();
    const Pfn page = state == PageState::kMonitorOwned ? Pfn{0x4007f} : World::kFree;
    world_.AllowSharing(page);
    const PfnRange range = Pages(page, 1);
    const auto is = [&](PageState a, PageState b) { return state == a || state == b; };
    if (is(PageState::kHostLentMonitor, PageState::kHostLentPinned)) {
      EXPECT_TRUE(ownership.HostShareMonitor(page));
    }
    if (state == PageState::kHostLentPinned) {
      EXPECT_TRUE(ownership.PinShared(page));
    }
    if (state == PageState::kHostLentVm) {
      EXPECT_TRUE(ownership.HostShareVm(own_, kGfn, range, Permissions::kReadWrite));
    }
    if (state == PageState::kVmMetadata) {
      EXPECT_TRUE(ownership.HostDonateMonitor({&range, 1}, own_.handle(), own_.metadata()));
    }
    if (is(PageState::kVmOwned, PageState::kVmLentHost)) {
      EXPECT_TRUE(ownership.HostDonateVm(own_, kGfn, range, Content::kZeroed));
    }
    if (state == PageState::kVmLentHost) {
      EXPECT_TRUE(ownership.VmShareHost(own_, kGfn));
    }
    EXPECT_EQ(world_.StateOf(page), state);
    return page;
  }

  Result<void> Perform(Operation operation, Pfn page, Relation relation) {
    Ownership& ownership = world_.ownership();
    VmMemory& vm = relation == Relation::kSameVm ? own_ : other_;
    const PfnRange range = Pages(page, 1);
    switch (operation) {
      case Operation::kHostShareMonitor:
        return ownership.HostShareMonitor(page);
      case Operation::kHostUnshareMonitor:
        return ownership.HostUnshareMonitor(page);
      case Operation::kPinShared:
        return ownership.PinShared(page);
      case Operation::kUnpinShared:
        return ownership.UnpinShared(page);
      case Operation::kHostDonateMonitor:
        return ownership.HostDonateMonitor({&range, 1}, vm.handle(), vm.metadata());
      case Operation::kReturnMetadata:
        return ReturnOne(vm);
      case Operation::kHostDonateVm:
        return ownership.HostDonateVm(vm, kFreeGfn, range, Content::kZeroed);
      case Operation::kHostShareVm:
        return ownership.HostShareVm(vm, kFreeGfn, range, Permissions::kRead);
      case Operation::kHostUnshareVm:
        return ownership.HostUnshareVm(vm, kGfn, PageCount{1});
      case Operation::kHostSetVmPermissions:
        return ownership.HostSetVmPermissions(vm, kGfn, Permissions::kRead);
      case Operation::kReclaimFromVm:
        return ownership.ReclaimFromVm(vm, range);
      case Operation::kVmShareHost:
        return ownership.VmShareHost(vm, kGfn);
      case Operation::kVmUnshareHost:
        return ownership.VmUnshareHost(vm, kGfn);
    }
    return {};
  }

  World& world() { return world_; }

 private:
  Result<void> ReturnOne(VmMemory& vm) {
    RAVELIN_TRY(world_.ownership().ReturnMetadata(vm.metadata(), PageCount{1}));
    return {};
  }

  World world_;
  VmMemory& own_;
  VmMemory& other_;
};

bool IsByGuestFrame(Operation operation) {
  return operation == Operation::kHostUnshareVm || operation == Operation::kHostSetVmPermissions ||
         operation == Operation::kVmShareHost || operation == Operation::kVmUnshareHost;
}

// What Ownership has to answer: the table, except where the call names the page by a guest frame at
// which the VM has nothing.
Outcome Expected(Operation operation, PageState state, Relation relation) {
  const bool in_table = IsVms(state) || state == PageState::kHostLentVm;
  if (IsByGuestFrame(operation) && (relation == Relation::kOtherVm || !in_table)) {
    return Failure{Error::kNotMapped};
  }
  return Decide(operation, state, relation);
}

TEST(EngineWalkTest, EveryOperationInEveryStateDoesWhatTheTableSays) {
  ForAll([](Operation operation, PageState state, Relation relation) {
    // The list is the only way to metadata pages, and it holds nothing else.
    if (operation == Operation::kReturnMetadata &&
        (state != PageState::kVmMetadata || relation == Relation::kOtherVm)) {
      return;
    }
    EngineWalk walk;
    const Pfn page = walk.Bring(state);
    const World::Snapshot before = walk.world().Take();
    const Outcome expected = Expected(operation, state, relation);
    const Result<void> result = walk.Perform(operation, page, relation);
    ASSERT_EQ(result.has_value(), expected.has_value());
    if (expected) {
      EXPECT_EQ(walk.world().StateOf(page), *expected);
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
