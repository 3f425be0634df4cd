// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Start, questions, and what all operations have in common: records and the host's table.
#include "stage2/ownership/ownership.h"

#include "hyp/base/invariant.h"
#include "stage2/machine.h"
#include "stage2/ownership/host_mapping.h"
#include "stage2/ownership/run.h"

namespace ravelin::stage2 {
namespace {

constexpr PfnRange BlockAround(Pfn pfn, unsigned level) {
  return {Pfn{AlignDown(pfn.raw(), LevelPages(level))}, PageCount{LevelPages(level)}};
}

constexpr std::uint64_t SpansTouched(PfnRange range, unsigned level) {
  const std::uint64_t pages = LevelPages(level);
  return (range.end().raw() - 1) / pages - range.first.raw() / pages + 1;
}

}  // namespace

// A level-3 table for each 2 MiB with records, a level-2 table for each 1 GiB with records (what is
// beside them uses the same tables), and all level-1 tables there can be. Two more, because a
// donation of two ranges in one block counts the tables that split it for each of them.
PageCount Ownership::HostTablesFor(std::span<const PfnRange> pages, Geometry geometry) {
  constexpr std::uint64_t kCountedTwice = kPageLevel - kBlock1GLevel;
  std::uint64_t tables = geometry.start_level() == 0 ? geometry.root_entries() : 0;
  tables += kCountedTwice;
  for (const PfnRange& region : pages) {
    if (region.count.raw() == 0) {
      continue;
    }
    tables += SpansTouched(region, kBlock2MLevel);
    tables += geometry.start_level() < kBlock2MLevel ? SpansTouched(region, kBlock1GLevel) : 0;
  }
  return PageCount{tables};
}

Result<void> Ownership::Start(const Config& config) {
  RAVELIN_TRY(map_.Init(config.ram, config.mmio));
  if (config.records.size() < map_.total().raw()) {
    return Failure{Error::kInvalidArgument};
  }
  records_ = config.records;
  secure_sharing_ = config.secure_sharing;
  RAVELIN_TRY(MarkForEver(config.monitor, PageState::kMonitorOwned));
  RAVELIN_TRY(MarkForEver(config.secure, PageState::kSecureOwned));
  for (std::uint64_t i = 0; i < config.host_tables.count.raw(); ++i) {
    host_pool_.Give(ToPa(config.host_tables.first + PageCount{i}));
  }
  host_table_ = PageTable(config.host_root, config.host_geometry, {.vmid = kHostVmid}, host_pool_);
  for (const RecordMap::Region& region : map_.regions()) {
    RAVELIN_TRY(MapForHost(region));
  }
  return {};
}

Result<void> Ownership::MarkForEver(std::span<const PfnRange> ranges, PageState state) {
  for (const PfnRange& range : ranges) {
    RAVELIN_TRY_ASSIGN(place, map_.Find(range));
    for (PageRecord& record : records_.subspan(place.index, range.count.raw())) {
      if (record != PageRecord{}) {
        return Failure{Error::kInvalidArgument};  // two ranges overlap
      }
      record = PageRecord::Counting(state, {});
    }
  }
  return {};
}

Result<void> Ownership::MapForHost(const RecordMap::Region& region) {
  const auto records = records_.subspan(region.first_index, region.range.count.raw());
  for (std::size_t at = 0; at < records.size();) {
    const std::size_t end = EndOfRun(records, at);
    if (records[at].state() == PageState::kHostOwned) {
      const PfnRange run{region.range.first + PageCount{at}, PageCount{end - at}};
      const Mapping mapping = host::OwnMapping(run, region.kind);
      RAVELIN_TRY(CheckHostMap(mapping));
      host_table_.Map(mapping);
    }
    at = end;
  }
  return {};
}

// --- Records

Result<Ownership::Checked> Ownership::Check(Operation operation, PfnRange range,
                                            Vmid holder) const {
  RAVELIN_TRY_ASSIGN(place, map_.Find(range));
  if (place.kind == PageKind::kMmio && !EffectOf(operation).takes_mmio) {
    return Failure{Error::kNotRam};
  }
  const std::span<PageRecord> records = records_.subspan(place.index, range.count.raw());
  RAVELIN_TRY_ASSIGN(next, Next(operation, records[0], holder, 0));
  bool same = true;
  for (std::size_t at = EndOfRun(records, 0); at < records.size(); at = EndOfRun(records, at)) {
    RAVELIN_TRY_ASSIGN(another, Next(operation, records[at], holder, 0));
    same = same && another == next;
  }
  const bool arrives = HasPlace(next.state()) && !HasPlace(records[0].state());
  const auto become = !same     ? Checked::Become::kTheirOwn
                      : arrives ? Checked::Become::kNumbered
                                : Checked::Become::kSame;
  return Checked{range, records, place.kind, become, next};
}

// The frame of the first page's record is `frame`, and so on, where the page becomes the holder's.
void Ownership::Commit(Operation operation, const Checked& pages, Vmid holder,
                       std::uint64_t frame) {
  switch (pages.become) {
    case Checked::Become::kSame:
      FillRun(pages.records, pages.next);
      break;
    case Checked::Become::kNumbered:
      for (PageRecord& record : pages.records) {
        record = pages.next.AtFrame(frame++);
      }
      break;
    case Checked::Become::kTheirOwn:
      for (PageRecord& record : pages.records) {
        const Result<PageRecord> next = Next(operation, record, holder, frame++);
        Invariant(next.has_value(), "Check came before Commit");
        record = *next;
      }
      break;
  }
}

Result<PageRecord> Ownership::RecordOf(Pfn pfn) const {
  RAVELIN_TRY_ASSIGN(place, map_.Find({pfn, PageCount{1}}));
  return records_[place.index];
}

Result<HostAccessKind> Ownership::HostAccess(Pfn pfn) const {
  RAVELIN_TRY_ASSIGN(record, RecordOf(pfn));
  const PageState state = record.state();
  if (state == PageState::kVmLentHost) {
    return HostAccessKind::kBorrowed;
  }
  if (OwnerOf(state) != Owner::kHost) {
    return HostAccessKind::kForeign;
  }
  return state == PageState::kHostOwned ? HostAccessKind::kOwned : HostAccessKind::kLent;
}

void Ownership::ScrubForeign() {
  for (const RecordMap::Region& region : map_.regions()) {
    for (std::uint64_t i = 0; i < region.range.count.raw(); ++i) {
      const Pa page = ToPa(region.range.first + PageCount{i});
      const PageState state = records_[region.first_index + i].state();
      const Owner owner = OwnerOf(state);
      if (state == PageState::kVmMetadata) {
        machine::WipeMonitorPage(page);
      } else if (region.kind == PageKind::kRam &&
                 (owner == Owner::kVm || owner == Owner::kDevice)) {
        machine::WipePage(page);
      }
    }
  }
}

// --- The host's table

Result<void> Ownership::MapHostMmio(Ipa ipa) {
  const Geometry& geometry = host_table_.geometry();
  if (!geometry.Contains(ipa)) {
    return Failure{Error::kInvalidArgument};
  }
  const Pfn pfn{ToGfn(ipa).raw()};
  if (map_.Contains(pfn)) {
    return Failure{Error::kWrongOwner};
  }
  if (host_table_.Lookup(ipa).descriptor.IsValid()) {
    return {};
  }
  const unsigned start = geometry.start_level();
  unsigned level = start < kBlock1GLevel ? kBlock1GLevel : start;
  while (map_.Overlaps(BlockAround(pfn, level))) {
    ++level;  // ends at kPageLevel: the page itself has no record
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

Result<void> Ownership::CheckHostLoses(PfnRange range) const {
  RAVELIN_TRY_ASSIGN(tables, host_table_.CheckUnmap(host::SameGfn(range.first), range.count));
  if (!host_pool_.Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  return {};
}

// Pages that the host borrows are mapped in its table: between two runs without such a page no
// table is counted twice, and a table that disappears with the last borrowed page goes to the pool
// first.
Result<void> Ownership::CheckHostRegains(const Checked& pages) const {
  std::uint64_t tables = 0;
  for (std::size_t at = 0; at < pages.records.size();) {
    const std::size_t end = EndOfState(pages.records, at);
    if (pages.records[at].state() != PageState::kVmLentHost) {
      const PfnRange run{pages.pages.first + PageCount{at}, PageCount{end - at}};
      RAVELIN_TRY_ASSIGN(needed, host_table_.CheckMap(host::OwnMapping(run, pages.kind)));
      tables += needed.raw();
    }
    at = end;
  }
  return host_pool_.Has(PageCount{tables}) ? Result<void>{} : Failure{Error::kNoMemory};
}

// What the VM shares with the host is mapped there without execute permission, and is about to be
// wiped.
void Ownership::LeaveHostBorrowed(const Checked& pages) {
  for (std::size_t at = 0; at < pages.records.size();) {
    const std::size_t end = EndOfState(pages.records, at);
    if (pages.records[at].state() == PageState::kVmLentHost) {
      host_table_.Unmap(host::SameGfn(pages.pages.first + PageCount{at}), PageCount{end - at});
    }
    at = end;
  }
}

void Ownership::EnterHost(PfnRange range, PageKind kind) {
  host_table_.Map(host::OwnMapping(range, kind));
  host_table_.Coalesce(host::SameGfn(range.first), range.count, PageTable::OnMerge::kFree);
}

}  // namespace ravelin::stage2
