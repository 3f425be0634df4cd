// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// How pages come back to the shadow, and its choice of calls.
#include "tests/storm/failure.h"
#include "tests/storm/shadow.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {

void Shadow::Unlend() {
  const std::size_t vm = PickVm(Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const std::size_t count = 1 + random_.Below(2);
  std::size_t gfn = random_.Below(kGfns / 2 - count) + random_.Below(2) * kGfns / 2;
  for (std::size_t i = 0; i < kGfns && !wrong && vms_[vm].mapped[gfn] == kNoPage; ++i) {
    gfn = gfn + count < kGfns / 2 || (gfn >= kGfns / 2 && gfn + count < kGfns) ? gfn + 1 : 0;
  }
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong && vms_[vm].kind != RAVELIN_VM_NORMAL) {
    errors |= Just(RAVELIN_WRONG_KIND);
  }
  for (std::size_t i = 0; i < count && !wrong; ++i) {
    errors |= vms_[vm].mapped[gfn + i] == kNoPage ? Just(RAVELIN_NOT_MAPPED) : 0;
  }
  if (!Expect(Call(RAVELIN_HOST_VM_UNSHARE, handle, GfnOf(gfn), count), errors)) {
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    TakeBackLoan(vm, gfn + i);
  }
}

void Shadow::TakeBackLoan(std::size_t vm, std::size_t gfn) {
  const std::size_t page = vms_[vm].mapped[gfn];
  vms_[vm].mapped[gfn] = kNoPage;
  --vms_[vm].guest_pages;
  if (--pages_[page].loans == 0) {
    pages_[page].is = PageIs::kOwned;
  }
  CheckKept(page);
}

void Shadow::Destroy() {
  const std::size_t vm = PickVm(random_.OneIn(2) ? Phase::kCreated : Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong && vms_[vm].phase == Phase::kDying) {
    errors |= Just(RAVELIN_WRONG_PHASE);
  }
  if (Expect(Call(RAVELIN_HOST_VM_DESTROY, handle), errors)) {
    vms_[vm].phase = Phase::kDying;
  }
}

void Shadow::Reclaim() {
  const std::size_t vm = PickVm(Phase::kDying);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  Range range = PickRange(1 + random_.Below(2));
  std::size_t gfn = random_.Below(kGfns);
  for (std::size_t i = 0; i < kGfns && !wrong && range.first != kNoPage; ++i) {
    const std::size_t page = vms_[vm].mapped[gfn];
    if (page != kNoPage && page + range.count <= kPages) {
      range = {first_pfn_ + page, page, random_.OneIn(4) ? range.count : 1};
      break;
    }
    gfn = (gfn + 1) % kGfns;
  }
  range = PartOf(range);
  constexpr Statuses kOther = Just(RAVELIN_WRONG_OWNER);
  Statuses errors = ErrorsOf(range, {kOther, kOther, kOther, kOther, 0, kOther});
  for (std::size_t i = 0; i < range.count && range.first != kNoPage; ++i) {
    errors |= pages_[range.first + i].vm != vm ? kOther : 0;
  }
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else {
    errors |= vms_[vm].kind != RAVELIN_VM_PROTECTED ? Just(RAVELIN_WRONG_KIND) : 0;
    errors |= vms_[vm].phase != Phase::kDying ? Just(RAVELIN_WRONG_PHASE) : 0;
  }
  if (Expect(Call(RAVELIN_HOST_VM_RECLAIM, handle, range.pfn, range.count), errors)) {
    for (std::size_t page = range.first; page < range.first + range.count; ++page) {
      TakeBack(page);
    }
  }
}

void Shadow::TakeBack(std::size_t page) {
  ShadowVm& vm = vms_[pages_[page].vm];
  vm.mapped[pages_[page].gfn] = kNoPage;
  --vm.guest_pages;
  CheckWiped(page);
  pages_[page].is = PageIs::kOwned;
}

void Shadow::Free() {
  const std::size_t vm = PickVm(Phase::kDying);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong) {
    errors |= vms_[vm].phase != Phase::kDying ? Just(RAVELIN_WRONG_PHASE) : 0;
    errors |= vms_[vm].guest_pages != 0 ? Just(RAVELIN_BUSY) : 0;
  }
  Answer answer = Call(RAVELIN_HOST_VM_FREE, handle);
  while (answer.status == RAVELIN_INCOMPLETE) {
    Require(errors == 0, "VM_FREE starts against the shadow", errors);
    answer = Call(RAVELIN_HOST_VM_FREE, handle);
    ++calls_;
  }
  if (Expect(answer, errors)) {
    MarkFreed(vm);
  }
}

void Shadow::MarkFreed(std::size_t vm) {
  for (std::size_t page = 0; page < kPages; ++page) {
    if (pages_[page].is == PageIs::kMetadata && pages_[page].vm == vm) {
      pages_[page].is = PageIs::kOwned;
      CheckWiped(page);
    }
  }
  for (const std::size_t page : vms_[vm].run_page) {
    if (page != kNoPage) {
      pages_[page].is = PageIs::kShared;
    }
  }
  vms_[vm].phase = Phase::kNone;
  vms_[vm].old_handle = vms_[vm].handle;
}

void Shadow::Start(std::uint64_t pfn, std::uint64_t seed) {
  random_ = Random(seed);
  first_pfn_ = pfn;
  calls_ = 0;
  pages_ = {};
  vms_ = {};
  for (std::size_t page = 0; page < kPages; ++page) {
    WritePattern(page);
  }
}

void Shadow::Step() {
  struct Choice {
    void (Shadow::*call)();
    std::uint64_t weight;
  };
  static constexpr auto kChoices = std::to_array<Choice>({
      {&Shadow::PageShare, 6},
      {&Shadow::PageUnshare, 7},
      {&Shadow::PageQuery, 6},
      {&Shadow::VmCreate, 6},
      {&Shadow::VmTopup, 5},
      {&Shadow::VcpuCreate, 8},
      {&Shadow::SetReg, 6},
      {&Shadow::GetReg, 6},
      {&Shadow::Launch, 4},
      {&Shadow::Run, 4},
      {&Shadow::Donate, 9},
      {&Shadow::Lend, 9},
      {&Shadow::Unlend, 7},
      {&Shadow::Destroy, 3},
      {&Shadow::Reclaim, 14},
      {&Shadow::Free, 6},
  });
  std::uint64_t weight = 0;
  for (const Choice& choice : kChoices) {
    weight += choice.weight;
  }
  std::uint64_t at = random_.Below(weight);
  for (const Choice& choice : kChoices) {
    if (at < choice.weight) {
      (this->*choice.call)();
      return;
    }
    at -= choice.weight;
  }
}

void Shadow::Finish() {
  for (std::size_t vm = 0; vm < kVms && !HasFailed(); ++vm) {
    if (!IsLive(vm)) {
      continue;
    }
    if (vms_[vm].phase != Phase::kDying) {
      Require(Call(RAVELIN_HOST_VM_DESTROY, vms_[vm].handle).ok(), "VM_DESTROY failed");
    }
    for (std::size_t gfn = 0; gfn < kGfns; ++gfn) {
      const std::size_t page = vms_[vm].mapped[gfn];
      if (page == kNoPage) {
        continue;
      }
      if (vms_[vm].kind == RAVELIN_VM_NORMAL) {
        Require(Call(RAVELIN_HOST_VM_UNSHARE, vms_[vm].handle, GfnOf(gfn), 1).ok(),
                "VM_UNSHARE failed", page);
        TakeBackLoan(vm, gfn);
      } else {
        const Answer answer = Call(RAVELIN_HOST_VM_RECLAIM, vms_[vm].handle, first_pfn_ + page, 1);
        Require(answer.ok(), "VM_RECLAIM failed", page);
        TakeBack(page);
      }
    }
    Answer answer = Call(RAVELIN_HOST_VM_FREE, vms_[vm].handle);
    while (answer.status == RAVELIN_INCOMPLETE) {
      answer = Call(RAVELIN_HOST_VM_FREE, vms_[vm].handle);
    }
    Require(answer.ok(), "VM_FREE failed");
    MarkFreed(vm);
  }
}

}  // namespace ravelin::storm
