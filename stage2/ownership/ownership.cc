// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Start, questions, checks and the pages between host and monitor. Transitions with VMs are in
// ownership_vm.cc.
#include "stage2/ownership/ownership.h"

#include "hyp/base/invariant.h"
#include "stage2/machine.h"
#include "stage2/ownership/host_mapping.h"

namespace ravelin::stage2 {
namespace {

constexpr Vmid kHostVmid{0};

constexpr PfnRange BlockAround(Pfn pfn, unsigned level) {
  return {Pfn{AlignDown(pfn.raw(), LevelPages(level))}, PageCount{LevelPages(level)}};
}

constexpr PfnRange Between(Pfn first, Pfn end) {
  return {first, PageCount{end.raw() - first.raw()}};
}

// The part of [cursor, region.end()) up to the lowest carve-out there.
PfnRange NextCarveOut(Pfn cursor, PfnRange region, std::span<const PfnRange> monitor) {
  PfnRange lowest{region.end(), PageCount{0}};
  for (const PfnRange& carve : monitor) {
    if (cursor <= carve.first && carve.first < lowest.first) {
      lowest = carve;
    }
  }
  return lowest;
}

bool Intersect(PfnRange a, PfnRange b) { return a.first < b.end() && b.first < a.end(); }

constexpr std::uint64_t SpansTouched(PfnRange range, unsigned level) {
  const std::uint64_t pages = LevelPages(level);
  return (range.end().raw() - 1) / pages - range.first.raw() / pages + 1;
}

}  // namespace

// A level-3 table for each 2 MiB with RAM, a level-2 table for each 1 GiB with RAM (what is beside
// RAM in them is MMIO and uses the same tables), and all level-1 tables there can be. Two more,
// because a donation of two ranges in one block counts the tables that split it for each of them.
PageCount Ownership::HostTablesFor(std::span<const PfnRange> ram, Geometry geometry) {
  constexpr std::uint64_t kCountedTwice = kPageLevel - kBlock1GLevel;
  std::uint64_t tables = geometry.start_level() == 0 ? geometry.root_entries() : 0;
  tables += kCountedTwice;
  for (const PfnRange& region : ram) {
    if (region.count.raw() == 0) {
      continue;
    }
    tables += SpansTouched(region, kBlock2MLevel);
    tables += geometry.start_level() < kBlock2MLevel ? SpansTouched(region, kBlock1GLevel) : 0;
  }
  return PageCount{tables};
}

Result<void> Ownership::Start(const Config& config) {
  RAVELIN_TRY(ram_.Init(config.ram));
  if (config.records.size() < ram_.total().raw()) {
    return Failure{Error::kInvalidArgument};
  }
  records_ = config.records;
  for (const PfnRange& carve : config.monitor) {
    RAVELIN_TRY_ASSIGN(index, ram_.IndexOf(carve));
    for (PageRecord& record : records_.subspan(index, carve.count.raw())) {
      if (record != PageRecord{}) {
        return Failure{Error::kInvalidArgument};  // the carve-out overlaps itself
      }
      record = RecordIn(PageState::kMonitorOwned, kNoVm, 0);
    }
  }
  for (std::uint64_t i = 0; i < config.host_tables.count.raw(); ++i) {
    host_pool_.Give(ToPa(config.host_tables.first + PageCount{i}));
  }
  host_table_ = PageTable(config.host_root, config.host_geometry, kHostVmid, host_pool_);
  for (const PfnRange& region : ram_.regions()) {
    RAVELIN_TRY(MapHostRam(region, config.monitor));
  }
  return {};
}

Result<void> Ownership::MapHostRam(PfnRange region, std::span<const PfnRange> monitor) {
  for (Pfn cursor = region.first; cursor < region.end();) {
    const PfnRange carve = NextCarveOut(cursor, region, monitor);
    if (cursor < carve.first) {
      const Mapping mapping = host::RamMapping(Between(cursor, carve.first));
      RAVELIN_TRY(CheckHostMap(mapping));
      host_table_.Map(mapping);
    }
    cursor = carve.end();
  }
  return {};
}

// --- Records

std::span<PageRecord> Ownership::RecordsOf(PfnRange range) const {
  const Result<std::uint64_t> index = ram_.IndexOf(range);
  Invariant(index.has_value(), "a frame that was checked, or stands in a record or table, is RAM");
  return records_.subspan(*index, range.count.raw());
}

PageState Ownership::StateAt(Pfn pfn) const {
  return StateOf(RecordsOf({pfn, PageCount{1}}).front());
}

Result<void> Ownership::Check(Operation operation, PfnRange range, VmHandle vm) const {
  if (range.count.raw() == 0 || range.count.raw() > RAVELIN_MAX_BATCH) {
    return Failure{Error::kInvalidArgument};
  }
  RAVELIN_TRY_ASSIGN(index, ram_.IndexOf(range));
  for (const PageRecord& record : records_.subspan(index, range.count.raw())) {
    const Relation relation = record.vm == vm ? Relation::kSameVm : Relation::kOtherVm;
    RAVELIN_TRY(Decide(operation, StateOf(record), relation));
  }
  return {};
}

// The frame of the first page's record is `frame`, and so on.
void Ownership::Commit(Operation operation, PfnRange range, VmHandle vm, std::uint64_t frame) {
  for (PageRecord& record : RecordsOf(range)) {
    const Outcome next = Decide(operation, StateOf(record), Relation::kSameVm);
    Invariant(next.has_value(), "Check came before Commit");
    record = RecordIn(*next, vm, frame++);
  }
}

PfnRange Ownership::RunOfState(Pfn first, Pfn end) const {
  const std::span<PageRecord> records = RecordsOf(Between(first, end));
  const PageState state = StateOf(records[0]);
  std::size_t pages = 1;
  while (pages < records.size() && StateOf(records[pages]) == state) {
    ++pages;
  }
  return {first, PageCount{pages}};
}

PfnRange Ownership::RunOfFrames(Pfn first, Pfn end) const {
  const std::span<PageRecord> records = RecordsOf(Between(first, end));
  std::size_t pages = 1;
  while (pages < records.size() && records[pages].frame == records[0].frame + pages) {
    ++pages;
  }
  return {first, PageCount{pages}};
}

Result<PageRecord> Ownership::RecordOf(Pfn pfn) const {
  RAVELIN_TRY_ASSIGN(index, ram_.IndexOf({pfn, PageCount{1}}));
  return records_[index];
}

Result<HostAccessKind> Ownership::HostAccess(Pfn pfn) const {
  RAVELIN_TRY_ASSIGN(record, RecordOf(pfn));
  switch (StateOf(record)) {
    case PageState::kHostOwned:
      return HostAccessKind::kOwned;
    case PageState::kHostLentMonitor:
    case PageState::kHostLentPinned:
    case PageState::kHostLentVm:
      return HostAccessKind::kLent;
    case PageState::kVmLentHost:
      return HostAccessKind::kBorrowed;
    case PageState::kMonitorOwned:
    case PageState::kVmMetadata:
    case PageState::kVmOwned:
      break;
  }
  return HostAccessKind::kForeign;
}

// --- The host's table

Result<void> Ownership::MapHostMmio(Ipa ipa) {
  const Geometry& geometry = host_table_.geometry();
  if (!geometry.Contains(ipa)) {
    return Failure{Error::kInvalidArgument};
  }
  const Pfn pfn{ToGfn(ipa).raw()};
  if (ram_.Contains(pfn)) {
    return Failure{Error::kWrongOwner};
  }
  if (host_table_.Lookup(ipa).descriptor.IsValid()) {
    return {};
  }
  const unsigned start = geometry.start_level();
  unsigned level = start < kBlock1GLevel ? kBlock1GLevel : start;
  while (ram_.Overlaps(BlockAround(pfn, level))) {
    ++level;  // ends at kPageLevel: the page itself is not RAM
  }
  const Mapping mapping = host::MmioMapping(BlockAround(pfn, level));
  RAVELIN_TRY(CheckHostMap(mapping));
  host_table_.Map(mapping);
  return {};
}

Result<void> Ownership::CheckHostMap(const Mapping& mapping) const {
  RAVELIN_TRY_ASSIGN(tables, host_table_.CheckMap(mapping));
  if (!host_pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  return {};
}

// Table memory that the host's table needs to lose the range.
Result<PageCount> Ownership::CheckDonation(PfnRange range) const {
  return host_table_.CheckUnmap(host::SameGfn(range.first), range.count);
}

void Ownership::EnterHost(PfnRange range) {
  host_table_.Map(host::RamMapping(range));
  host_table_.Coalesce(host::SameGfn(range.first), range.count);
}

// --- Host <-> monitor

Result<void> Ownership::HostShareMonitor(Pfn pfn) {
  const PfnRange range{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kHostShareMonitor, range, kNoVm));
  RAVELIN_TRY(machine::ReserveMonitorMap(range));
  Commit(Operation::kHostShareMonitor, range, kNoVm, 0);
  machine::MapForMonitor(range);
  return {};
}

Result<void> Ownership::HostUnshareMonitor(Pfn pfn) {
  const PfnRange range{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kHostUnshareMonitor, range, kNoVm));
  machine::UnmapFromMonitor(range);
  Commit(Operation::kHostUnshareMonitor, range, kNoVm, 0);
  return {};
}

Result<void> Ownership::PinShared(Pfn pfn) {
  const PfnRange range{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kPinShared, range, kNoVm));
  Commit(Operation::kPinShared, range, kNoVm, 0);
  return {};
}

Result<void> Ownership::UnpinShared(Pfn pfn) {
  const PfnRange range{pfn, PageCount{1}};
  RAVELIN_TRY(Check(Operation::kUnpinShared, range, kNoVm));
  Commit(Operation::kUnpinShared, range, kNoVm, 0);
  return {};
}

Result<void> Ownership::HostDonateMonitor(std::span<const PfnRange> ranges, VmHandle handle,
                                          MetadataList& list) {
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    RAVELIN_TRY(Check(Operation::kHostDonateMonitor, ranges[i], handle));
    for (const PfnRange& earlier : ranges.first(i)) {
      if (Intersect(earlier, ranges[i])) {
        return Failure{Error::kInvalidArgument};
      }
    }
    RAVELIN_TRY_ASSIGN(needed, CheckDonation(ranges[i]));
    tables += needed.raw();
  }
  if (!host_pool_.Has(PageCount{tables})) {
    return Failure{Error::kNoMemory};
  }
  for (const PfnRange& range : ranges) {
    RAVELIN_TRY(machine::ReserveMonitorMap(range));
  }
  for (const PfnRange& range : ranges) {
    host_table_.Unmap(host::SameGfn(range.first), range.count);
    PushMetadata(range, handle, list);
    machine::MapForMonitor(range);
  }
  return {};
}

void Ownership::PushMetadata(PfnRange range, VmHandle handle, MetadataList& list) {
  Invariant(handle != kNoVm && (list.count_.raw() == 0 || list.vm_ == handle),
            "a metadata list is of one VM, which its caller names");
  list.vm_ = handle;
  for (std::uint64_t i = 0; i < range.count.raw(); ++i) {
    const PfnRange page{range.first + PageCount{i}, PageCount{1}};
    Commit(Operation::kHostDonateMonitor, page, handle, list.head_.raw());
    list.head_ = page.first;
    list.count_ = PageCount{list.count_.raw() + 1};
  }
  donated_ += range.count.raw();
}

Result<void> Ownership::HostTopUp(VmMemory& vm, PfnRange range) {
  RAVELIN_TRY(HostDonateMonitor({&range, 1}, vm.handle(), vm.metadata_));
  for (std::uint64_t i = 0; i < range.count.raw(); ++i) {
    vm.pool_.Give(ToPa(range.first + PageCount{i}));
  }
  return {};
}

Result<PageCount> Ownership::ReturnMetadata(MetadataList& list, PageCount limit) {
  std::uint64_t returned = 0;
  while (list.count_.raw() != 0 && returned < limit.raw() && returned < RAVELIN_MAX_BATCH) {
    const Result<void> possible = CheckHostMap(host::RamMapping({list.head_, PageCount{1}}));
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

// The link is read before the record changes; the page's contents are wiped where no table of
// anybody maps it.
void Ownership::ReturnOne(MetadataList& list) {
  const PfnRange page{list.head_, PageCount{1}};
  const Pfn next{RecordsOf(page).front().frame};
  machine::UnmapFromMonitor(page);
  machine::WipePage(ToPa(page.first));
  Commit(Operation::kReturnMetadata, page, list.vm_, 0);
  EnterHost(page);
  list.head_ = next;
  list.count_ = PageCount{list.count_.raw() - 1};
  --donated_;
}

void Ownership::ScrubForeign() {
  std::uint64_t index = 0;
  for (const PfnRange& region : ram_.regions()) {
    for (Pfn at = region.first; at < region.end(); at = at + PageCount{1}) {
      const PageRecord& record = records_[index++];
      if (record.owner == Owner::kVm) {
        machine::WipePage(ToPa(at));
      } else if (record.owner == Owner::kMonitor && record.vm != kNoVm) {
        machine::WipeMonitorPage(ToPa(at));
      }
    }
  }
}

}  // namespace ravelin::stage2
