// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/storm/shadow.h"

#include "hyp/abi/run_page.h"
#include "tests/storm/failure.h"
#include "tests/storm/teardown.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

constexpr Statuses kOwner = Just(RAVELIN_WRONG_OWNER);
constexpr Statuses kState = Just(RAVELIN_WRONG_STATE);
constexpr Statuses kBusy = Just(RAVELIN_BUSY);
constexpr Statuses kPhaseError = Just(RAVELIN_WRONG_PHASE);
constexpr Statuses kKindError = Just(RAVELIN_WRONG_KIND);

constexpr std::uint64_t kMarkOffset = 2048;  // behind what the monitor writes into a run page
constexpr std::uint64_t kEnoughTables = 4;

}  // namespace

// --- Picking

// Two level-3 tables, both below one level-2 table.
std::uint64_t Shadow::GfnOf(std::size_t gfn) {
  return 0x80000 + (gfn < kGfns / 2 ? gfn : 512 + gfn);
}

std::size_t Shadow::PickPages(std::size_t count) { return random_.Below(kPages - count + 1); }

Shadow::Range Shadow::PickRange(std::size_t count) {
  if (random_.OneIn(64)) {
    const std::array<std::uint64_t, 4> bad = {0, TheFacts().carveout_pfn, TheFacts().ram_end_pfn,
                                              ~std::uint64_t{0}};
    return {random_.Pick(bad), kNoPage, count};
  }
  // Rather pages that are free.
  std::size_t first = PickPages(count);
  for (int i = 0; i < 4 && pages_[first].is != PageIs::kOwned && !random_.OneIn(6); ++i) {
    first = PickPages(count);
  }
  return {first_pfn_ + first, first, count};
}

// What one call does of a range: no more than up to the next boundary of 2 MiB.
Shadow::Range Shadow::PartOf(const Range& range) {
  const std::size_t to_boundary = 512 - range.pfn % 512;
  return {range.pfn, range.first, range.count < to_boundary ? range.count : to_boundary};
}

std::size_t Shadow::PickVm(Phase phase) {
  std::size_t vm = random_.Below(kVms);
  for (std::size_t i = 0; i < kVms && vms_[vm].phase != phase && !random_.OneIn(8); ++i) {
    vm = (vm + 1) % kVms;
  }
  return vm;
}

std::uint64_t Shadow::PickHandle(std::size_t vm, bool& wrong) {
  wrong = !IsLive(vm) || random_.OneIn(100);
  if (!wrong) {
    return vms_[vm].handle;
  }
  return random_.OneIn(2) ? vms_[vm].old_handle : 0xffff'ff00 + random_.Below(2) * 0xff;
}

// --- Expectations

Statuses Shadow::ErrorsOf(const Range& range, const PerState& states) const {
  if (range.first == kNoPage) {
    return range.pfn == TheFacts().carveout_pfn ? kOwner : Just(RAVELIN_NOT_RAM);
  }
  Statuses errors = 0;
  for (std::size_t i = 0; i < range.count; ++i) {
    errors |= states[static_cast<std::size_t>(pages_[range.first + i].is)];
  }
  return errors;
}

bool Shadow::Expect(const Answer& answer, Statuses errors, Statuses maybe) {
  ++calls_;
  if (answer.ok()) {
    return Require(errors == 0, "a call succeeds against the shadow", errors);
  }
  if ((errors | maybe) == 0) {
    Fail("a call fails against the shadow");
  } else if ((Just(answer.status) & (errors | maybe)) == 0) {
    Fail("the status is not that of the shadow", errors | maybe);
  }
  return false;
}

Statuses Shadow::NoMemory(const ShadowVm& vm, Statuses& maybe) const {
  if (vm.tables >= kEnoughTables) {
    return 0;
  }
  maybe = Just(RAVELIN_NO_MEMORY);
  return vm.tables == 0 ? maybe : 0;
}

Statuses Shadow::TakenGfns(const ShadowVm& vm, std::size_t gfn, std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    if (vm.mapped[gfn + i] != kNoPage) {
      return Just(RAVELIN_EXISTS);
    }
  }
  return 0;
}

// --- Contents

std::uint64_t Shadow::AddressOf(std::size_t page) const { return (first_pfn_ + page) * kPageSize; }

// Undefined instructions, both halves read as such: a guest that runs into them takes an exception.
std::uint64_t Shadow::PatternOf(std::size_t page) const { return 0x5700 + page; }

void Shadow::WritePattern(std::size_t page) {
  *reinterpret_cast<volatile std::uint64_t*>(AddressOf(page) + kMarkOffset) = PatternOf(page);
}

void Shadow::CheckWiped(std::size_t page) {
  Require(IsZero(first_pfn_ + page), "a page came back with contents", first_pfn_ + page);
  WritePattern(page);
}

void Shadow::CheckKept(std::size_t page) {
  const ReadProbe probe = ProbeRead(AddressOf(page) + kMarkOffset);
  Require(probe.syndrome == 0 && probe.value == PatternOf(page), "a page lost its contents",
          first_pfn_ + page);
}

void Shadow::CheckGone(std::size_t page) {
  if (random_.OneIn(4)) {
    Require(IsRefusal(ProbeRead(AddressOf(page)).syndrome), "a page can be read after it was given",
            first_pfn_ + page);
  }
}

void Shadow::TakeMetadata(const Range& range, std::size_t vm) {
  for (std::size_t i = 0; i < range.count; ++i) {
    pages_[range.first + i] = {PageIs::kMetadata, static_cast<std::uint8_t>(vm), 0, 0};
    CheckGone(range.first + i);
  }
}

void Shadow::MapPages(const Range& range, std::size_t vm, std::size_t gfn, PageIs is) {
  for (std::size_t i = 0; i < range.count; ++i) {
    const std::size_t page = range.first + i;
    const std::uint64_t loans = is == PageIs::kLent ? pages_[page].loans + 1 : 0;
    pages_[page] = {is, static_cast<std::uint8_t>(vm), static_cast<std::uint8_t>(gfn + i), loans};
    vms_[vm].mapped[gfn + i] = page;
    ++vms_[vm].guest_pages;
    if (is == PageIs::kGiven) {
      CheckGone(page);
    } else {
      CheckKept(page);
    }
  }
}

// --- Calls. Columns of the lists: owned, shared, pinned, lent, given, metadata.

void Shadow::PageShare() {
  const Range range = PickRange(1);
  const Statuses errors = ErrorsOf(range, {0, kState, kState, kState, kOwner, kOwner});
  if (Expect(Call(RAVELIN_HOST_PAGE_SHARE, range.pfn), errors)) {
    pages_[range.first].is = PageIs::kShared;
    CheckKept(range.first);
  }
}

void Shadow::PageUnshare() {
  const Range range = PickRange(1);
  const Statuses errors = ErrorsOf(range, {kState, 0, kBusy, kState, kOwner, kOwner});
  if (Expect(Call(RAVELIN_HOST_PAGE_UNSHARE, range.pfn), errors)) {
    pages_[range.first].is = PageIs::kOwned;
    CheckKept(range.first);
  }
}

void Shadow::PageQuery() {
  const Range range = PickRange(1);
  const bool not_ram = range.first == kNoPage && range.pfn != TheFacts().carveout_pfn;
  const Answer answer = Call(RAVELIN_HOST_PAGE_QUERY, range.pfn);
  if (!Expect(answer, not_ram ? Just(RAVELIN_NOT_RAM) : 0)) {
    return;
  }
  std::uint64_t expected = RAVELIN_PAGE_FOREIGN;
  if (range.first != kNoPage) {
    const PageIs is = pages_[range.first].is;
    expected = is == PageIs::kOwned                              ? RAVELIN_PAGE_OWNED
               : is == PageIs::kGiven || is == PageIs::kMetadata ? RAVELIN_PAGE_FOREIGN
                                                                 : RAVELIN_PAGE_LENT;
  }
  Require(answer.value == expected, "PAGE_QUERY differs from the shadow", expected);
}

void Shadow::VmCreate() {
  const std::size_t vm = PickVm(Phase::kNone);
  if (IsLive(vm)) {
    return;
  }
  constexpr PerState kDonate = {0, kState, kState, kState, kOwner, kOwner};
  const std::uint64_t kind = random_.Below(20) == 0 ? 2 : random_.Below(2);
  const Range object = PickRange(TheFacts().vm_pages);
  const Range root = random_.OneIn(20) ? Range{object.pfn, object.first, 1} : PickRange(1);
  Statuses errors = ErrorsOf(object, kDonate) | ErrorsOf(root, kDonate);
  if (kind == 2 || root.pfn - object.pfn < object.count) {
    errors |= Just(RAVELIN_INVALID_ARGUMENT);
  }
  const Answer answer = Call(RAVELIN_HOST_VM_CREATE, kind, kIpaBits, object.pfn, root.pfn);
  if (!Expect(answer, errors)) {
    return;
  }
  Require(answer.value != 0 && answer.value != vms_[vm].old_handle, "a handle is used twice",
          answer.value);
  vms_[vm] = {.phase = Phase::kCreated,
              .kind = kind,
              .handle = answer.value,
              .old_handle = vms_[vm].old_handle,
              .tables = 0,
              .guest_pages = 0,
              .mapped = {},
              .run_page = {},
              .x1 = {}};
  vms_[vm].mapped.fill(kNoPage);
  vms_[vm].run_page.fill(kNoPage);
  TakeMetadata(object, vm);
  TakeMetadata(root, vm);
}

void Shadow::VmTopup() {
  const std::size_t vm = PickVm(Phase::kCreated);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const Range range = PartOf(PickRange(1 + random_.Below(4)));
  Statuses errors = ErrorsOf(range, {0, kState, kState, kState, kOwner, kOwner});
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else if (vms_[vm].phase == Phase::kDying) {
    errors |= kPhaseError;
  }
  if (Expect(Call(RAVELIN_HOST_VM_TOPUP, handle, range.pfn, range.count), errors)) {
    vms_[vm].tables += range.count;
    TakeMetadata(range, vm);
  }
}

void Shadow::VcpuCreate() {
  const std::size_t vm = PickVm(Phase::kCreated);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const std::size_t index = random_.OneIn(30) ? TheFacts().max_vcpus : random_.Below(kVcpus);
  const Range object = PickRange(TheFacts().vcpu_pages);
  Range run = PickRange(1);
  for (std::size_t i = 0; i < 200 && run.first != kNoPage; ++i) {
    if (pages_[run.first].is == PageIs::kShared) {
      break;
    }
    run = {first_pfn_ + i % kPages, i % kPages, 1};
  }
  Statuses errors = ErrorsOf(object, {0, kState, kState, kState, kOwner, kOwner}) |
                    ErrorsOf(run, {kState, 0, Just(RAVELIN_EXISTS), kState, kOwner, kOwner});
  if (index >= kVcpus) {
    errors |= Just(RAVELIN_LIMIT);
  } else if (!wrong && vms_[vm].run_page[index] != kNoPage) {
    errors |= Just(RAVELIN_EXISTS);
  }
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else if (vms_[vm].phase != Phase::kCreated) {
    errors |= kPhaseError;
  }
  if (Expect(Call(RAVELIN_HOST_VCPU_CREATE, handle, index, object.pfn, run.pfn), errors)) {
    TakeMetadata(object, vm);
    pages_[run.first].is = PageIs::kPinned;
    vms_[vm].run_page[index] = run.first;
    vms_[vm].x1[index] = 0;
  }
}

void Shadow::SetReg() {
  const std::size_t vm = PickVm(Phase::kCreated);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const std::size_t index = random_.Below(kVcpus);
  const std::array<std::uint64_t, 5> registers = {1, 1, RAVELIN_REG_PC, 5, RAVELIN_REG_COUNT};
  const std::uint64_t reg = random_.Pick(registers);
  const std::uint64_t value =
      reg == RAVELIN_REG_PC ? GfnOf(random_.Below(kGfns)) * kPageSize : random_.Next();
  Statuses errors = reg == RAVELIN_REG_COUNT ? Just(RAVELIN_INVALID_ARGUMENT) : 0;
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else {
    const ShadowVm& is = vms_[vm];
    const bool is_protected = is.kind == RAVELIN_VM_PROTECTED;
    errors |= is.run_page[index] == kNoPage ? Just(RAVELIN_NO_SUCH_VCPU) : 0;
    errors |= is_protected && is.phase != Phase::kCreated ? kPhaseError : 0;
    errors |= is_protected && reg == 5 ? kKindError : 0;
  }
  if (Expect(Call(RAVELIN_HOST_VCPU_SET_REG, handle, index, reg, value), errors) && reg == 1) {
    vms_[vm].x1[index] = value;
  }
}

void Shadow::GetReg() {
  const std::size_t vm = PickVm(Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const std::size_t index = random_.Below(kVcpus);
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong) {
    errors |= vms_[vm].kind == RAVELIN_VM_PROTECTED ? kKindError : 0;
    errors |= vms_[vm].run_page[index] == kNoPage ? Just(RAVELIN_NO_SUCH_VCPU) : 0;
  }
  const Answer answer = Call(RAVELIN_HOST_VCPU_GET_REG, handle, index, 1);
  if (Expect(answer, errors)) {
    Require(answer.value == vms_[vm].x1[index], "X1 of a guest changed", answer.value);
  }
}

void Shadow::Launch() {
  const std::size_t vm = PickVm(Phase::kCreated);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong) {
    errors |= vms_[vm].phase != Phase::kCreated ? kPhaseError : 0;
    errors |= vms_[vm].run_page[0] == kNoPage ? Just(RAVELIN_NO_SUCH_VCPU) : 0;
  }
  if (Expect(Call(RAVELIN_HOST_VM_LAUNCH, handle), errors)) {
    vms_[vm].phase = Phase::kRunning;
  }
}

// No guest here has code: vCPU 0 takes an exception to its vectors, where there is no memory.
void Shadow::Run() {
  const std::size_t vm = PickVm(Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const std::size_t index = random_.Below(4) % kVcpus;
  Statuses errors = wrong ? Just(RAVELIN_NO_SUCH_VM) : 0;
  if (!wrong) {
    errors |= vms_[vm].run_page[index] == kNoPage ? Just(RAVELIN_NO_SUCH_VCPU) : 0;
    errors |= vms_[vm].phase != Phase::kRunning || index != 0 ? kPhaseError : 0;
  }
  const Answer answer = Call(RAVELIN_HOST_VCPU_RUN, handle, index);
  if (Expect(answer, errors)) {
    const std::size_t page = vms_[vm].run_page[index];
    auto* run = reinterpret_cast<volatile ravelin_run_page*>(AddressOf(page));
    Require(answer.value == RAVELIN_EXIT_MEMORY_FAULT && run->exit.reason == answer.value,
            "a guest without memory does not fault", answer.value);
    run->reply.kind = random_.Below(4);
    run->reply.values[0] = random_.Next();
    CheckKept(page);
  }
}

void Shadow::Donate() {
  const std::size_t vm = PickVm(random_.OneIn(2) ? Phase::kCreated : Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const Range range = PartOf(PickRange(1 + random_.Below(3)));
  const std::size_t gfn = random_.Below(kGfns / 2 - range.count) + random_.Below(2) * kGfns / 2;
  Statuses errors = ErrorsOf(range, {0, kState, kState, kState, kOwner, kOwner});
  Statuses maybe = 0;
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else {
    errors |= vms_[vm].kind != RAVELIN_VM_PROTECTED ? kKindError : 0;
    errors |= vms_[vm].phase == Phase::kDying ? kPhaseError : 0;
    errors |= NoMemory(vms_[vm], maybe) | TakenGfns(vms_[vm], gfn, range.count);
  }
  const Answer answer = Call(RAVELIN_HOST_VM_DONATE, handle, GfnOf(gfn), range.pfn, range.count);
  if (Expect(answer, errors, maybe)) {
    MapPages(range, vm, gfn, PageIs::kGiven);
  }
}

void Shadow::Lend() {
  const std::size_t vm = PickVm(random_.OneIn(2) ? Phase::kCreated : Phase::kRunning);
  bool wrong;
  const std::uint64_t handle = PickHandle(vm, wrong);
  const Range range = PartOf(PickRange(1 + random_.Below(3)));
  const std::size_t gfn = random_.Below(kGfns / 2 - range.count) + random_.Below(2) * kGfns / 2;
  const std::uint64_t permissions = random_.Below(9);
  Statuses errors = ErrorsOf(range, {0, kState, kState, 0, kOwner, kOwner});
  Statuses maybe = 0;
  if (permissions % 2 == 0 || permissions > 7) {
    errors |= Just(RAVELIN_INVALID_ARGUMENT);
  }
  if (wrong) {
    errors |= Just(RAVELIN_NO_SUCH_VM);
  } else {
    errors |= vms_[vm].kind != RAVELIN_VM_NORMAL ? kKindError : 0;
    errors |= vms_[vm].phase == Phase::kDying ? kPhaseError : 0;
    errors |= NoMemory(vms_[vm], maybe) | TakenGfns(vms_[vm], gfn, range.count);
  }
  const Answer answer =
      Call(RAVELIN_HOST_VM_SHARE, handle, GfnOf(gfn), range.pfn, range.count, permissions);
  if (Expect(answer, errors, maybe)) {
    MapPages(range, vm, gfn, PageIs::kLent);
  }
}

}  // namespace ravelin::storm
