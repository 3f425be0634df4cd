// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Pages that change their owner, between the host and protected VMs or devices, and what a VM lends
// to the host. The order in each commit: the loser's table and TLBs, then contents and caches, then
// the record, then the winner's table.
#include "hyp/base/invariant.h"
#include "stage2/machine.h"
#include "stage2/ownership/host_mapping.h"
#include "stage2/ownership/ownership.h"
#include "stage2/ownership/run.h"
#include "stage2/ownership/visit.h"

namespace ravelin::stage2 {
namespace {

constexpr Attributes OwnAttributes(PageKind kind) {
  if (kind == PageKind::kMmio) {
    return {Permissions::kReadWrite, MemoryType::kDevice};
  }
  return {Permissions::kAll, MemoryType::kNormal};
}

void PrepareContents(PfnRange range, PageKind kind, Content content) {
  if (kind == PageKind::kMmio) {
    return;
  }
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

}  // namespace

// --- To a VM or a device

// Pages come in slices. When the last one of a block has come, the block is made whole, and its
// table stays in reserve: the guest may want to give one of the pages back.
Result<PageCount> Ownership::Donate(Operation operation, AddressSpace& space, Gfn gfn,
                                    PfnRange range, Content content) {
  RAVELIN_TRY(visit::CheckCount(range.count));
  const PageCount fits = visit::Prepared(gfn.raw(), range.count);
  const PfnRange part{range.first, visit::Prepared(range.first.raw(), fits)};
  RAVELIN_TRY_ASSIGN(checked, Check(operation, part, space.vmid()));
  const Mapping mapping{gfn, part.first, part.count, OwnAttributes(checked.kind), kPageLevel};
  RAVELIN_TRY_ASSIGN(tables, space.table_.CheckMap(mapping));
  if (!space.pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  RAVELIN_TRY(CheckHostLoses(part));
  host_table_.Unmap(host::SameGfn(part.first), part.count);
  PrepareContents(part, checked.kind, content);
  Commit(operation, checked, space.vmid(), gfn.raw());
  space.table_.Map(mapping);
  space.table_.Coalesce(gfn, part.count, PageTable::OnMerge::kReserve);
  space.mapped_pages_ = PageCount{space.mapped_pages_.raw() + part.count.raw()};
  donated_ += part.count.raw();
  return part.count;
}

Result<PageCount> Ownership::HostDonateVm(VmMemory& vm, Gfn gfn, PfnRange range, Content content) {
  return Donate(Operation::kHostDonateVm, vm, gfn, range, content);
}

Result<PageCount> Ownership::HostDonateDevice(DeviceDomain& domain, Gfn first, PfnRange range,
                                              Content content) {
  return Donate(Operation::kHostDonateDevice, domain, first, range, content);
}

// --- Back to the host

// The pages are in no table of a VM or device any more.
void Ownership::ReturnToHost(Operation operation, AddressSpace& space, const Checked& pages) {
  LeaveHostBorrowed(pages);
  PrepareContents(pages.pages, pages.kind, Content::kZeroed);
  Commit(operation, pages, space.vmid(), 0);
  EnterHost(pages.pages, pages.kind);
  const std::uint64_t count = pages.pages.count.raw();
  space.mapped_pages_ = PageCount{space.mapped_pages_.raw() - count};
  donated_ -= count;
}

// Pages with consecutive frames share one TLB invalidation. A block is split with the table that it
// has in reserve.
Result<PageCount> Ownership::Reclaim(Operation operation, AddressSpace& space, PfnRange range) {
  RAVELIN_TRY(visit::CheckCount(range.count));
  const PfnRange part{range.first, visit::Prepared(range.first.raw(), range.count)};
  RAVELIN_TRY_ASSIGN(checked, Check(operation, part, space.vmid()));
  RAVELIN_TRY(CheckHostRegains(checked));
  for (std::size_t at = 0; at < checked.records.size();) {
    const std::size_t end = EndOfFrames(checked.records, at);
    space.table_.Unmap(Gfn{checked.records[at].frame()}, PageCount{end - at});
    at = end;
  }
  ReturnToHost(operation, space, checked);
  return part.count;
}

Result<PageCount> Ownership::ReclaimFromVm(VmMemory& vm, PfnRange range) {
  return Reclaim(Operation::kReclaimFromVm, vm, range);
}

Result<PageCount> Ownership::ReclaimFromDevice(DeviceDomain& domain, PfnRange range) {
  return Reclaim(Operation::kReclaimFromDevice, domain, range);
}

Result<PageCount> Ownership::ForceReclaim(VmMemory& vm, Gfn gfn, PageCount count) {
  RAVELIN_TRY(visit::CheckCount(count));
  RAVELIN_TRY_ASSIGN(run, vm.table_.ResolveRun(gfn, visit::Prepared(gfn.raw(), count)));
  run.count = visit::Prepared(run.first.raw(), run.count);
  RAVELIN_TRY_ASSIGN(checked, Check(Operation::kForceReclaim, run, vm.vmid()));
  RAVELIN_TRY(CheckHostRegains(checked));
  RAVELIN_TRY_ASSIGN(tables, vm.table_.CheckPoison(gfn, run.count));
  Invariant(tables.raw() == 0, "a block of a VM's own pages has its tables in reserve");
  vm.table_.Poison(gfn, run.count);
  ReturnToHost(Operation::kForceReclaim, vm, checked);
  return run.count;
}

// --- VM -> host

Result<Ownership::Checked> Ownership::CheckGuestPage(Operation operation, const VmMemory& vm,
                                                     Gfn gfn) const {
  RAVELIN_TRY_ASSIGN(pfn, vm.table_.Resolve(gfn));
  return Check(operation, {pfn, PageCount{1}}, vm.vmid());
}

Result<void> Ownership::VmShareHost(VmMemory& vm, Gfn gfn, Content content) {
  RAVELIN_TRY_ASSIGN(page, CheckGuestPage(Operation::kVmShareHost, vm, gfn));
  const Mapping mapping = host::BorrowedMapping(page.pages);
  RAVELIN_TRY(CheckHostMap(mapping));
  if (content == Content::kZeroed) {
    PrepareContents(page.pages, page.kind, content);
  }
  Commit(Operation::kVmShareHost, page, vm.vmid(), gfn.raw());
  host_table_.Map(mapping);
  return {};
}

Result<void> Ownership::VmUnshareHost(VmMemory& vm, Gfn gfn, Content content) {
  RAVELIN_TRY_ASSIGN(page, CheckGuestPage(Operation::kVmUnshareHost, vm, gfn));
  host_table_.Unmap(host::SameGfn(page.pages.first), PageCount{1});
  if (content == Content::kZeroed) {
    PrepareContents(page.pages, page.kind, content);
  }
  Commit(Operation::kVmUnshareHost, page, vm.vmid(), gfn.raw());
  return {};
}

Result<void> Ownership::VmRelinquish(VmMemory& vm, Gfn gfn) {
  RAVELIN_TRY_ASSIGN(page, CheckGuestPage(Operation::kVmRelinquish, vm, gfn));
  RAVELIN_TRY(CheckHostRegains(page));
  vm.table_.Unmap(gfn, PageCount{1});
  ReturnToHost(Operation::kVmRelinquish, vm, page);
  return {};
}

Result<void> Ownership::VmGuardMmio(VmMemory& vm, Gfn gfn) {
  return vm.table_.Annotate(gfn, Annotation::kMmioGuard);
}

Result<void> Ownership::VmUnguardMmio(VmMemory& vm, Gfn gfn) {
  return vm.table_.ClearAnnotation(gfn, Annotation::kMmioGuard);
}

}  // namespace ravelin::stage2
