// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/testing/world.h"

#include <array>
#include <functional>
#include <sstream>
#include <utility>

#include "hyp/base/invariant.h"
#include "stage2/machine.h"

namespace ravelin::stage2::testing {
namespace {

void Note(std::vector<std::string>& wrong, const char* what, Pfn pfn) {
  std::ostringstream text;
  text << what << " (frame 0x" << std::hex << pfn.raw() << ")";
  wrong.push_back(text.str());
}

using Visit = std::function<void(Gfn gfn, Translation leaf)>;

// Visits all leaves below a table page, whose entry 0 is for `gfn` -> entries that are not 0.
std::uint64_t WalkTable(Pa table, unsigned level, Gfn gfn, std::vector<std::string>& wrong,
                        const Visit& visit) {
  std::uint64_t entries = 0;
  for (std::uint64_t i = 0; i < kEntriesPerTable; ++i, gfn = gfn + PageCount{LevelPages(level)}) {
    const Descriptor entry{fake::Peek(table + i * kEntrySize)};
    entries += entry.IsEmpty() ? 0U : 1U;
    if (entry.IsTable(level)) {
      const std::uint64_t below = WalkTable(entry.output(), level + 1, gfn, wrong, visit);
      if (below != entry.entries() || below == 0) {
        Note(wrong, "a table has another number of entries than its descriptor says",
             ToPfn(entry.output()));
      }
    } else if (entry.IsValid()) {
      visit(gfn, {entry, level});
    }
  }
  return entries;
}

void CheckTree(const PageTable& table, std::vector<std::string>& wrong, const Visit& visit) {
  const Geometry& geometry = table.geometry();
  for (std::uint64_t page = 0; page < geometry.root_pages().raw(); ++page) {
    const Gfn first{page * kEntriesPerTable * LevelPages(geometry.start_level())};
    WalkTable(table.root() + page * kPageSize, geometry.start_level(), first, wrong, visit);
  }
}

bool IsForHost(PageState state) {
  return OwnerOf(state) == Owner::kHost || BorrowersOf(state).host;
}

bool IsGivenAway(PageState state) { return HasPlace(state); }

}  // namespace

World::World(std::uint64_t host_tables, Ownership::SecureSharing sharing) {
  fake::Reset();
  const std::array ram{kSecondRegion, PfnRange{kRamFirst, kRamPages}};
  const std::array monitor{kCarveOut, kMonitorMmio};
  records_.resize(kRamPages.raw() + kSecondRegion.count.raw() + kMmio.count.raw());
  const Result<void> started = ownership_.Start({
      .ram = ram,
      .mmio = {&kMmio, 1},
      .monitor = monitor,
      .secure = {&kSecure, 1},
      .records = records_,
      .host_geometry = *Geometry::ForIpaBits(36),
      .host_root = ToPa(kCarveOut.first),
      .host_tables = {kCarveOut.first + PageCount{8}, PageCount{host_tables}},
      .secure_sharing = sharing,
  });
  Invariant(started.has_value(), "the world of a test starts");
  history_.AddTable(ownership_.host_table());
  for (Pfn pfn = kMmio.first; pfn < kMmio.end(); pfn = pfn + kOne) {
    history_.AddMmio(pfn);
  }
}

Pfn World::TakeHostPages(std::uint64_t count, std::uint64_t alignment) {
  taken_ = AlignUp(taken_, alignment);
  const Pfn pfn = kMetadata + PageCount{taken_};
  taken_ += count;
  Invariant(pfn + PageCount{count} <= kFree, "metadata pages of a test suffice");
  return pfn;
}

void World::AllowSharing(PfnRange range) {
  for (Pfn pfn = range.first; pfn < range.end(); pfn = pfn + kOne) {
    AllowSharing(pfn);
  }
}

World::Root World::DonateRoot(std::uint16_t number, Geometry geometry) {
  const std::uint64_t root_pages = geometry.root_pages().raw();
  const PfnRange root = Pages(TakeHostPages(root_pages, root_pages), root_pages);
  MetadataList list;
  const Result<void> donated = ownership_.HostDonateMonitor({&root, 1}, Vmid{number}, list);
  Invariant(donated.has_value(), "the root of a test's table is donated");
  for (std::uint64_t i = 0; i < root_pages; ++i) {
    machine::ZeroTablePage(ToPa(root.first + PageCount{i}));
  }
  return {ToPa(root.first), list};
}

void World::FillPool(AddressSpace& space, std::uint64_t pool) {
  history_.AddTable(space.table());
  for (std::uint64_t left = pool; left != 0;) {
    const PfnRange pages = Pages(TakeHostPages(left), left);
    const Result<PageCount> done = ownership_.HostTopUp(space, pages);
    Invariant(done.has_value(), "the pool of a test's table is donated");
    taken_ -= left - done->raw();
    left -= done->raw();
  }
}

VmMemory& World::AddVm(std::uint16_t number, std::uint64_t pool, unsigned ipa_bits) {
  const Geometry geometry = *Geometry::ForIpaBits(ipa_bits);
  const Root root = DonateRoot(number, geometry);
  std::unique_ptr<VmMemory>& vm = vms_[number];
  vm = std::make_unique<VmMemory>(Vmid{number}, root.address, geometry, root.list);
  FillPool(*vm, pool);
  return *vm;
}

DeviceDomain& World::AddDomain(std::uint16_t number, std::uint64_t pool) {
  const Geometry geometry = *Geometry::ForIpaBits(32);
  const Root root = DonateRoot(number, geometry);
  std::unique_ptr<DeviceDomain>& domain = domains_[number];
  domain = std::make_unique<DeviceDomain>(Vmid{number}, root.address, geometry, root.list);
  FillPool(*domain, pool);
  return *domain;
}

std::vector<AddressSpace*> World::Spaces() const {
  std::vector<AddressSpace*> spaces;
  spaces.reserve(vms_.size() + domains_.size());
  for (const auto& [number, vm] : vms_) {
    spaces.push_back(vm.get());
  }
  for (const auto& [number, domain] : domains_) {
    spaces.push_back(domain.get());
  }
  return spaces;
}

World::Snapshot World::Take() const {
  Snapshot snapshot{.records = records_, .counters = {}, .events = fake::Log().size()};
  snapshot.counters = {ownership_.donated_pages().raw(), ownership_.host_pool().free_count().raw()};
  for (AddressSpace* const space : Spaces()) {
    snapshot.counters.push_back(space->mapped_pages().raw());
    snapshot.counters.push_back(space->pool().free_count().raw());
    snapshot.counters.push_back(space->pool().reserved_count().raw());
    snapshot.counters.push_back(space->metadata().count().raw());
  }
  return snapshot;
}

std::vector<std::string> World::Inconsistencies() const {
  Wrong wrong;
  Counts counts;
  for (const auto& [number, vm] : vms_) {
    CheckSpace(*vm, false, counts, wrong);
  }
  for (const auto& [number, domain] : domains_) {
    CheckSpace(*domain, true, counts, wrong);
  }
  const std::map<std::uint16_t, std::uint64_t> found = std::exchange(counts.owned, {});
  std::uint64_t donated = 0;
  for (const PfnRange& region : {PfnRange{kRamFirst, kRamPages}, kSecondRegion, kMmio}) {
    for (Pfn pfn = region.first; pfn < region.end(); pfn = pfn + kOne) {
      CheckPage(pfn, counts, wrong);
      donated += IsGivenAway(StateOf(pfn)) ? 1U : 0U;
    }
  }
  if (found != counts.owned) {
    Note(wrong, "what is owned in the tables differs from the records", Pfn{0});
  }
  if (donated != ownership_.donated_pages().raw()) {
    Note(wrong, "donated_pages differs from the records", Pfn{donated});
  }
  CheckTree(ownership_.host_table(), wrong, [](Gfn, Translation) {});
  return wrong;
}

void World::CheckPage(Pfn pfn, Counts& counts, Wrong& wrong) const {
  const PageRecord record = RecordOf(pfn);
  const PageState state = record.state();
  CheckHostEntry(pfn, state, wrong);
  if (HasPlace(state) && state != PageState::kVmMetadata) {
    ++counts.owned[record.holder().raw()];
  }
  Uses mapped = counts.uses[pfn.raw()];
  mapped.pins = state == PageState::kHostLentPinned ? 1 : 0;
  const Borrowers borrowers = BorrowersOf(state);
  if (record.uses() != mapped || (mapped.loans != 0) != borrowers.vms ||
      (mapped.maps != 0) != borrowers.devices) {
    Note(wrong, "the counters of a record differ from the tables", pfn);
  }
  const bool monitors = state == PageState::kVmMetadata || borrowers.monitor;
  if (fake::IsMappedForMonitor(pfn) != monitors) {
    Note(wrong, "the monitor's mapping differs from the record", pfn);
  }
}

void World::CheckHostEntry(Pfn pfn, PageState state, Wrong& wrong) const {
  const PageTable& table = ownership_.host_table();
  const Result<Pfn> mapped = table.Resolve(Gfn{pfn.raw()});
  if (mapped.has_value() != IsForHost(state)) {
    Note(wrong, "the host's table differs from the record", pfn);
    return;
  }
  if (!mapped) {
    return;
  }
  const Descriptor leaf = table.Lookup(Ipa{ToPa(pfn).raw()}).descriptor;
  const bool mmio = kMmio.Contains(pfn);
  const Permissions expected =
      mmio || state == PageState::kVmLentHost ? Permissions::kReadWrite : Permissions::kAll;
  const MemoryType memory = mmio ? MemoryType::kNormalNonCacheable : MemoryType::kNormal;
  if (*mapped != pfn || leaf.permissions() != expected || leaf.memory() != memory) {
    Note(wrong, "the host's entry says something else than the record", pfn);
  }
}

// Every leaf maps a page that is the holder's at this frame, or lent.
void World::CheckSpace(const AddressSpace& space, bool devices, Counts& counts,
                       Wrong& wrong) const {
  std::uint64_t mapped = 0;
  std::uint64_t reserve = 0;
  CheckTree(space.table(), wrong, [&](Gfn gfn, Translation leaf) {
    mapped += LevelPages(leaf.level);
    for (unsigned i = 0, pages = 1; i < leaf.descriptor.reserve(); ++i, pages *= 512) {
      reserve += pages;
    }
    for (std::uint64_t i = 0; i < LevelPages(leaf.level); ++i) {
      const Pfn pfn = ToPfn(leaf.descriptor.output()) + PageCount{i};
      const PageRecord record = RecordOf(pfn);
      if (OwnerOf(record.state()) == Owner::kHost) {
        Uses& uses = counts.uses[pfn.raw()];
        ++(devices ? uses.maps : uses.loans);
        continue;
      }
      ++counts.owned[space.vmid().raw()];
      if (record.holder() != space.vmid() || record.frame() != gfn.raw() + i) {
        Note(wrong, "a table maps what its holder does not have there", pfn);
      }
      if (kMmio.Contains(pfn) != (leaf.descriptor.memory() == MemoryType::kDevice)) {
        Note(wrong, "device memory is mapped as such, and nothing else is", pfn);
      }
    }
  });
  if (mapped != space.mapped_pages().raw()) {
    Note(wrong, "the count of mapped pages differs from the table", Pfn{mapped});
  }
  if (reserve != space.table().pool().reserved_count().raw()) {
    Note(wrong, "the pages in reserve are not those of the blocks", Pfn{reserve});
  }
}

std::vector<std::string> World::Breaches() const {
  History history = history_;
  return history.Replay(fake::Log());
}

}  // namespace ravelin::stage2::testing
