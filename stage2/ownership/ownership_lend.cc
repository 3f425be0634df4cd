// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Pages that stay the host's: lent to normal VMs, devices and the secure world. Their contents are
// the host's affair, cache maintenance included.
#include "hyp/base/invariant.h"
#include "stage2/ownership/ownership.h"
#include "stage2/ownership/visit.h"

namespace ravelin::stage2 {
namespace {

constexpr Attributes LentAttributes(PageKind kind, Permissions permissions) {
  if (kind == PageKind::kMmio) {
    return {permissions.WithoutExecute(), MemoryType::kDevice};
  }
  return {permissions, MemoryType::kNormal};
}

}  // namespace

Result<PageCount> Ownership::Lend(Operation operation, AddressSpace& space, Gfn gfn, PfnRange range,
                                  Permissions permissions) {
  RAVELIN_TRY(visit::CheckCount(range.count));
  const bool aligned = IsAligned(gfn.raw() | range.first.raw(), visit::kBlock);
  const PfnRange part{range.first, visit::Mapped(gfn.raw(), range.count, aligned)};
  RAVELIN_TRY_ASSIGN(checked, Check(operation, part, kHostVmid));
  const Attributes attributes = LentAttributes(checked.kind, permissions);
  const Mapping mapping{gfn, part.first, part.count, attributes, kBlock2MLevel};
  RAVELIN_TRY_ASSIGN(tables, space.table_.CheckMap(mapping));
  if (!space.pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  Commit(operation, checked, kHostVmid, 0);
  space.table_.Map(mapping);
  if (part.count.raw() == visit::kBlock) {
    space.table_.Coalesce(gfn, PageCount{1}, PageTable::OnMerge::kReserve);
  }
  space.mapped_pages_ = PageCount{space.mapped_pages_.raw() + part.count.raw()};
  return part.count;
}

// A block counts as such if all of it is meant.
Result<Ownership::GuestPart> Ownership::CheckGuestRange(Operation operation,
                                                        const AddressSpace& space, Gfn gfn,
                                                        PageCount count) const {
  RAVELIN_TRY(visit::CheckCount(count));
  const PageTable& table = space.table_;
  const bool aligned = IsAligned(gfn.raw(), visit::kBlock) && count.raw() >= visit::kBlock;
  const bool block = aligned && table.geometry().Contains(gfn, PageCount{1}) &&
                     table.Lookup(ToIpa(gfn)).level < kPageLevel;
  const PageCount pages = visit::Mapped(gfn.raw(), count, block);
  RAVELIN_TRY_ASSIGN(run, table.ResolveRun(gfn, pages));
  RAVELIN_TRY_ASSIGN(first, Check(operation, run, kHostVmid));
  for (std::uint64_t done = run.count.raw(); done < pages.raw();) {
    RAVELIN_TRY_ASSIGN(next,
                       table.ResolveRun(gfn + PageCount{done}, PageCount{pages.raw() - done}));
    RAVELIN_TRY(Check(operation, next, kHostVmid));
    done += next.count.raw();
  }
  return GuestPart{pages, first};
}

Result<PageCount> Ownership::TakeBack(Operation operation, AddressSpace& space, Gfn gfn,
                                      PageCount count) {
  RAVELIN_TRY_ASSIGN(part, CheckGuestRange(operation, space, gfn, count));
  RAVELIN_TRY_ASSIGN(tables, space.table_.CheckUnmap(gfn, part.pages));
  if (!space.pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  Commit(operation, part.first, kHostVmid, 0);
  for (std::uint64_t done = part.first.pages.count.raw(); done < part.pages.raw();) {
    const Result<PfnRange> run =
        space.table_.ResolveRun(gfn + PageCount{done}, PageCount{part.pages.raw() - done});
    Invariant(run.has_value(), "CheckGuestRange has found the whole range mapped");
    const Result<Checked> checked = Check(operation, *run, kHostVmid);
    Invariant(checked.has_value(), "and every page of it lent");
    Commit(operation, *checked, kHostVmid, 0);
    done += run->count.raw();
  }
  space.table_.Unmap(gfn, part.pages);
  space.mapped_pages_ = PageCount{space.mapped_pages_.raw() - part.pages.raw()};
  return part.pages;
}

// --- Normal VMs

Result<PageCount> Ownership::HostShareVm(VmMemory& vm, Gfn gfn, PfnRange range,
                                         Permissions permissions) {
  return Lend(Operation::kHostShareVm, vm, gfn, range, permissions);
}

Result<PageCount> Ownership::HostUnshareVm(VmMemory& vm, Gfn gfn, PageCount count) {
  return TakeBack(Operation::kHostUnshareVm, vm, gfn, count);
}

Result<PageCount> Ownership::HostSetVmPermissions(VmMemory& vm, Gfn gfn, PageCount count,
                                                  Permissions permissions) {
  RAVELIN_TRY_ASSIGN(part, CheckGuestRange(Operation::kHostSetVmPermissions, vm, gfn, count));
  RAVELIN_TRY_ASSIGN(tables, vm.table_.CheckPermissions(gfn, part.pages, permissions));
  if (!vm.pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  vm.table_.SetPermissions(gfn, part.pages, permissions);
  return part.pages;
}

Result<Ownership::Aged> Ownership::HostAgeVm(VmMemory& vm, Gfn gfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(part, CheckGuestRange(Operation::kHostAgeVm, vm, gfn, count));
  return Aged{part.pages, vm.table_.Age(gfn, part.pages)};
}

// --- Devices

Result<PageCount> Ownership::HostMapDevice(DeviceDomain& domain, Gfn first, PfnRange range,
                                           Permissions permissions) {
  return Lend(Operation::kHostMapDevice, domain, first, range, permissions);
}

Result<PageCount> Ownership::HostUnmapDevice(DeviceDomain& domain, Gfn first, PageCount count) {
  return TakeBack(Operation::kHostUnmapDevice, domain, first, count);
}

// --- The secure world

// The host keeps its mapping, and the secure world has tables of its own: only the record changes,
// which is what keeps the page from being given to somebody else.
Result<PageCount> Ownership::ChangeSecure(Operation operation, PfnRange range) {
  if (secure_sharing_ == SecureSharing::kRefused) {
    return Failure{Error::kNotSupported};
  }
  RAVELIN_TRY(visit::CheckCount(range.count));
  const bool aligned = IsAligned(range.first.raw(), visit::kBlock);
  const PfnRange part{range.first, visit::Mapped(range.first.raw(), range.count, aligned)};
  RAVELIN_TRY_ASSIGN(checked, Check(operation, part, kHostVmid));
  Commit(operation, checked, kHostVmid, 0);
  return part.count;
}

Result<PageCount> Ownership::HostShareSecure(PfnRange range) {
  return ChangeSecure(Operation::kHostShareSecure, range);
}

Result<PageCount> Ownership::HostUnshareSecure(PfnRange range) {
  return ChangeSecure(Operation::kHostUnshareSecure, range);
}

}  // namespace ravelin::stage2
