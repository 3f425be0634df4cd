// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Pages between the host and the monitor: run pages and metadata.
#include "hyp/base/invariant.h"
#include "stage2/machine.h"
#include "stage2/ownership/host_mapping.h"
#include "stage2/ownership/ownership.h"
#include "stage2/ownership/visit.h"

namespace ravelin::stage2 {
namespace {

bool Intersect(PfnRange a, PfnRange b) { return a.first < b.end() && b.first < a.end(); }

}  // namespace

// --- Run pages

Result<void> Ownership::HostShareMonitor(Pfn pfn) {
  const PfnRange page{pfn, PageCount{1}};
  RAVELIN_TRY_ASSIGN(checked, Check(Operation::kHostShareMonitor, page, kHostVmid));
  RAVELIN_TRY(machine::ReserveMonitorMap(page));
  Commit(Operation::kHostShareMonitor, checked, kHostVmid, 0);
  machine::MapForMonitor(page);
  return {};
}

Result<void> Ownership::HostUnshareMonitor(Pfn pfn) {
  const PfnRange page{pfn, PageCount{1}};
  RAVELIN_TRY_ASSIGN(checked, Check(Operation::kHostUnshareMonitor, page, kHostVmid));
  machine::UnmapFromMonitor(page);
  Commit(Operation::kHostUnshareMonitor, checked, kHostVmid, 0);
  return {};
}

// Only the record changes.
Result<void> Ownership::ChangeMonitor(Operation operation, Pfn pfn) {
  RAVELIN_TRY_ASSIGN(checked, Check(operation, {pfn, PageCount{1}}, kHostVmid));
  Commit(operation, checked, kHostVmid, 0);
  return {};
}

Result<void> Ownership::PinShared(Pfn pfn) { return ChangeMonitor(Operation::kPinShared, pfn); }

Result<void> Ownership::UnpinShared(Pfn pfn) { return ChangeMonitor(Operation::kUnpinShared, pfn); }

// --- Metadata

Result<void> Ownership::HostDonateMonitor(std::span<const PfnRange> ranges, Vmid holder,
                                          MetadataList& list) {
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].count.raw() == 0 || ranges[i].count.raw() > visit::kSingle) {
      return Failure{Error::kInvalidArgument};
    }
    RAVELIN_TRY(Check(Operation::kHostDonateMonitor, ranges[i], holder));
    for (const PfnRange& earlier : ranges.first(i)) {
      if (Intersect(earlier, ranges[i])) {
        return Failure{Error::kInvalidArgument};
      }
    }
    RAVELIN_TRY_ASSIGN(needed,
                       host_table_.CheckUnmap(host::SameGfn(ranges[i].first), ranges[i].count));
    tables += needed.raw();
  }
  if (!host_pool_.Has(PageCount{tables})) {
    return Failure{Error::kNoMemory};
  }
  for (const PfnRange& range : ranges) {
    RAVELIN_TRY(machine::ReserveMonitorMap(range));
  }
  for (const PfnRange& range : ranges) {
    const Result<Checked> checked = Check(Operation::kHostDonateMonitor, range, holder);
    Invariant(checked.has_value(), "the ranges are disjoint and were checked above");
    host_table_.Unmap(host::SameGfn(range.first), range.count);
    PushMetadata(*checked, holder, list);
    machine::MapForMonitor(range);
  }
  return {};
}

void Ownership::PushMetadata(const Checked& pages, Vmid holder, MetadataList& list) {
  Invariant(holder != kHostVmid && (list.count_.raw() == 0 || list.holder_ == holder),
            "a metadata list is of one VM or domain, which its caller names");
  list.holder_ = holder;
  for (std::size_t i = 0; i < pages.records.size(); ++i) {
    pages.records[i] = PageRecord::Placed(PageState::kVmMetadata, holder, list.head_.raw());
    list.head_ = pages.pages.first + PageCount{i};
  }
  list.count_ = PageCount{list.count_.raw() + pages.records.size()};
  donated_ += pages.records.size();
}

Result<PageCount> Ownership::HostTopUp(AddressSpace& space, PfnRange range) {
  RAVELIN_TRY(visit::CheckCount(range.count));
  const PfnRange part{range.first, visit::Mapped(range.first.raw(), range.count, false)};
  RAVELIN_TRY(HostDonateMonitor({&part, 1}, space.vmid(), space.metadata_));
  for (std::uint64_t i = 0; i < part.count.raw(); ++i) {
    space.pool_.Give(ToPa(part.first + PageCount{i}));
  }
  return part.count;
}

Result<PageCount> Ownership::ReturnMetadata(MetadataList& list, PageCount limit) {
  std::uint64_t returned = 0;
  while (list.count_.raw() != 0 && returned < limit.raw() && returned < visit::kPrepared) {
    const PfnRange page{list.head_, PageCount{1}};
    const Result<void> possible = CheckHostMap(host::OwnMapping(page, PageKind::kRam));
    if (!possible && returned == 0) {
      return Failure{possible.error()};
    }
    if (!possible) {
      break;
    }
    ReturnOne(list);
    ++returned;
  }
  return PageCount{returned};
}

// The page's contents are wiped where no table of anybody maps it.
void Ownership::ReturnOne(MetadataList& list) {
  const PfnRange page{list.head_, PageCount{1}};
  const Result<Checked> checked = Check(Operation::kReturnMetadata, page, list.holder_);
  Invariant(checked.has_value(), "what is on a list is metadata of the list's holder");
  const Pfn next{checked->records.front().frame()};
  machine::UnmapFromMonitor(page);
  machine::WipePage(ToPa(page.first));
  Commit(Operation::kReturnMetadata, *checked, list.holder_, 0);
  EnterHost(page, PageKind::kRam);
  list.head_ = next;
  list.count_ = PageCount{list.count_.raw() - 1};
  --donated_;
}

}  // namespace ravelin::stage2
