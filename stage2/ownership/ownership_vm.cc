// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Transitions between the host and VMs. The order in each commit: the loser's table and TLBs, then
// contents and caches, then the record, then the winner's table.
#include "hyp/base/invariant.h"
#include "stage2/machine.h"
#include "stage2/ownership/host_mapping.h"
#include "stage2/ownership/ownership.h"

namespace ravelin::stage2 {
namespace {

constexpr Attributes kVmOwnPage{Permissions::kAll, MemoryType::kNormal};

bool IsVms(PageState state) {
  return state == PageState::kVmOwned || state == PageState::kVmLentHost;
}

void PrepareContents(PfnRange range, Content content) {
  for (std::uint64_t i = 0; i < range.count.raw(); ++i) {
    const Pa page = ToPa(range.first + PageCount{i});
    if (content == Content::kZeroed) {
      machine::WipePage(page);
    } else {
      machine::CleanPage(page);
    }
  }
  machine::InvalidateInstructions();
}

Result<void> CheckVmMap(const VmMemory& vm, const Mapping& mapping) {
  RAVELIN_TRY_ASSIGN(tables, vm.table().CheckMap(mapping));
  if (!vm.table().pool().Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  return {};
}

}  // namespace

Result<void> Ownership::HostDonateVm(VmMemory& vm, Gfn gfn, PfnRange range, Content content) {
  RAVELIN_TRY(Check(Operation::kHostDonateVm, range, vm.handle()));
  const Mapping mapping{gfn, range.first, range.count, kVmOwnPage, kPageLevel};
  RAVELIN_TRY(CheckVmMap(vm, mapping));
  RAVELIN_TRY_ASSIGN(tables, CheckDonation(range));
  if (!host_pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  host_table_.Unmap(host::SameGfn(range.first), range.count);
  PrepareContents(range, content);
  Commit(Operation::kHostDonateVm, range, vm.handle(), gfn.raw());
  vm.table_.Map(mapping);
  vm.guest_pages_ = PageCount{vm.guest_pages_.raw() + range.count.raw()};
  donated_ += range.count.raw();
  return {};
}

Result<void> Ownership::HostShareVm(VmMemory& vm, Gfn gfn, PfnRange range,
                                    Permissions permissions) {
  RAVELIN_TRY(Check(Operation::kHostShareVm, range, vm.handle()));
  const Mapping mapping{
      gfn, range.first, range.count, {permissions, MemoryType::kNormal}, kPageLevel};
  RAVELIN_TRY(CheckVmMap(vm, mapping));
  PrepareContents(range, Content::kMeasured);
  Commit(Operation::kHostShareVm, range, vm.handle(), gfn.raw());
  vm.table_.Map(mapping);
  vm.guest_pages_ = PageCount{vm.guest_pages_.raw() + range.count.raw()};
  return {};
}

Result<void> Ownership::CheckGuestRange(Operation operation, const VmMemory& vm, Gfn gfn,
                                        PageCount count) const {
  if (count.raw() == 0 || count.raw() > RAVELIN_MAX_BATCH) {
    return Failure{Error::kInvalidArgument};
  }
  if (!vm.table_.geometry().Contains(gfn, count)) {
    return Failure{Error::kInvalidArgument};
  }
  for (std::uint64_t i = 0; i < count.raw(); ++i) {
    RAVELIN_TRY_ASSIGN(pfn, vm.table_.Resolve(gfn + PageCount{i}));
    RAVELIN_TRY(Check(operation, {pfn, PageCount{1}}, vm.handle()));
  }
  return {};
}

Result<void> Ownership::HostUnshareVm(VmMemory& vm, Gfn gfn, PageCount count) {
  RAVELIN_TRY(CheckGuestRange(Operation::kHostUnshareVm, vm, gfn, count));
  for (std::uint64_t i = 0; i < count.raw(); ++i) {
    const Result<Pfn> pfn = vm.table_.Resolve(gfn + PageCount{i});
    Commit(Operation::kHostUnshareVm, {*pfn, PageCount{1}}, vm.handle(), 0);
  }
  vm.table_.Unmap(gfn, count);
  vm.guest_pages_ = PageCount{vm.guest_pages_.raw() - count.raw()};
  return {};
}

Result<void> Ownership::HostSetVmPermissions(VmMemory& vm, Gfn gfn, Permissions permissions) {
  RAVELIN_TRY(CheckGuestRange(Operation::kHostSetVmPermissions, vm, gfn, PageCount{1}));
  if (permissions.executable()) {
    machine::InvalidateInstructions();
  }
  return vm.table_.SetPermissions(gfn, permissions);
}

// --- Reclaim

Result<void> Ownership::ReclaimFromVm(VmMemory& vm, PfnRange range) {
  RAVELIN_TRY(Check(Operation::kReclaimFromVm, range, vm.handle()));
  RAVELIN_TRY(CheckReclaim(range));
  LeaveVm(vm, range);
  LeaveHostBorrowed(range);
  WipeOwnedByVm(range);
  for (Pfn at = range.first; at < range.end();) {
    const PfnRange run = RunOfState(at, range.end());
    const bool returns = IsVms(StateAt(run.first));
    Commit(Operation::kReclaimFromVm, run, vm.handle(), 0);
    if (returns) {
      EnterHost(run);
      donated_ -= run.count.raw();
    }
    at = run.end();
  }
  vm.guest_pages_ = PageCount{vm.guest_pages_.raw() - range.count.raw()};
  return {};
}

// Table memory for the pages that come back. Pages that the host borrows or has lent are mapped in
// its table: between two runs without such a page no table is counted twice, and a table that
// disappears with the last borrowed page goes to the pool first.
Result<void> Ownership::CheckReclaim(PfnRange range) const {
  std::uint64_t tables = 0;
  for (Pfn at = range.first; at < range.end();) {
    const PfnRange run = RunOfState(at, range.end());
    if (StateAt(run.first) == PageState::kVmOwned) {
      RAVELIN_TRY_ASSIGN(needed, host_table_.CheckMap(host::RamMapping(run)));
      tables += needed.raw();
    }
    at = run.end();
  }
  return host_pool_.Has(PageCount{tables}) ? Result<void>{} : Failure{Error::kNoMemory};
}

// Pages with consecutive guest frames share one TLB invalidation. A VM's table has no blocks, and
// so needs no memory here.
void Ownership::LeaveVm(VmMemory& vm, PfnRange range) {
  for (Pfn at = range.first; at < range.end();) {
    const PfnRange run = RunOfFrames(at, range.end());
    vm.table_.Unmap(Gfn{RecordsOf(run).front().frame}, run.count);
    at = run.end();
  }
}

// What the VM shares with the host is mapped there without execute permission, and is about to be
// wiped.
void Ownership::LeaveHostBorrowed(PfnRange range) {
  for (Pfn at = range.first; at < range.end();) {
    const PfnRange run = RunOfState(at, range.end());
    if (StateAt(run.first) == PageState::kVmLentHost) {
      host_table_.Unmap(host::SameGfn(run.first), run.count);
    }
    at = run.end();
  }
}

void Ownership::WipeOwnedByVm(PfnRange range) {
  for (Pfn at = range.first; at < range.end(); at = at + PageCount{1}) {
    if (IsVms(StateAt(at))) {
      machine::WipePage(ToPa(at));
    }
  }
  machine::InvalidateInstructions();
}

// --- VM -> host

Result<void> Ownership::VmShareHost(VmMemory& vm, Gfn gfn) {
  RAVELIN_TRY_ASSIGN(pfn, vm.table_.Resolve(gfn));
  const PfnRange page{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kVmShareHost, page, vm.handle()));
  const Mapping mapping = host::BorrowedMapping(page);
  RAVELIN_TRY(CheckHostMap(mapping));
  Commit(Operation::kVmShareHost, page, vm.handle(), gfn.raw());
  host_table_.Map(mapping);
  return {};
}

Result<void> Ownership::VmUnshareHost(VmMemory& vm, Gfn gfn) {
  RAVELIN_TRY_ASSIGN(pfn, vm.table_.Resolve(gfn));
  const PfnRange page{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kVmUnshareHost, page, vm.handle()));
  host_table_.Unmap(host::SameGfn(pfn), PageCount{1});
  Commit(Operation::kVmUnshareHost, page, vm.handle(), gfn.raw());
  return {};
}

Result<void> Ownership::VmGuardMmio(VmMemory& vm, Gfn gfn) {
  return vm.table_.Annotate(gfn, Annotation::kMmioGuard);
}

Result<void> Ownership::VmUnguardMmio(VmMemory& vm, Gfn gfn) {
  return vm.table_.ClearAnnotation(gfn, Annotation::kMmioGuard);
}

}  // namespace ravelin::stage2
