// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/testing/world.h"

#include <array>
#include <sstream>

#include "hyp/base/invariant.h"
#include "stage2/machine.h"

namespace ravelin::stage2::testing {
namespace {

void Note(std::vector<std::string>& wrong, const char* what, Pfn pfn) {
  std::ostringstream text;
  text << what << " (frame 0x" << std::hex << pfn.raw() << ")";
  wrong.push_back(text.str());
}

bool IsMappedAsVms(PageState state) {
  return state == PageState::kVmOwned || state == PageState::kVmLentHost ||
         state == PageState::kHostLentVm;
}

bool IsForHost(PageState state) {
  return state != PageState::kMonitorOwned && state != PageState::kVmMetadata &&
         state != PageState::kVmOwned;
}

}  // namespace

World::World(std::uint64_t host_tables) {
  fake::Reset();
  const std::array ram{kSecondRegion, PfnRange{kRamFirst, kRamPages}};
  records_.resize(kRamPages.raw() + kSecondRegion.count.raw());
  const Result<void> started = ownership_.Start({
      .ram = ram,
      .monitor = {&kCarveOut, 1},
      .records = records_,
      .host_geometry = *Geometry::ForIpaBits(36),
      .host_root = ToPa(kCarveOut.first),
      .host_tables = {kCarveOut.first + PageCount{8}, PageCount{host_tables}},
  });
  Invariant(started.has_value(), "the world of a test starts");
  history_.AddTable(ownership_.host_table());
}

Pfn World::TakeHostPages(std::uint64_t count, std::uint64_t alignment) {
  taken_ = AlignUp(taken_, alignment);
  const Pfn pfn = kMetadata + PageCount{taken_};
  taken_ += count;
  Invariant(pfn + PageCount{count} <= kFree, "metadata pages of a test suffice");
  return pfn;
}

VmMemory& World::AddVm(std::uint32_t handle, std::uint64_t pool, unsigned ipa_bits) {
  const Geometry geometry = *Geometry::ForIpaBits(ipa_bits);
  const std::uint64_t root_pages = geometry.root_pages().raw();
  const PfnRange root = Pages(TakeHostPages(root_pages, root_pages), root_pages);
  MetadataList list;
  Result<void> donated = ownership_.HostDonateMonitor({&root, 1}, VmHandle{handle}, list);
  Invariant(donated.has_value(), "the root of a test's VM is donated");
  for (std::uint64_t i = 0; i < root_pages; ++i) {
    machine::ZeroTablePage(ToPa(root.first + PageCount{i}));
  }
  std::unique_ptr<VmMemory>& vm = vms_[handle];
  vm = std::make_unique<VmMemory>(VmHandle{handle}, Vmid{static_cast<std::uint16_t>(handle)},
                                  ToPa(root.first), geometry, list);
  history_.AddTable(vm->table());
  if (pool != 0) {
    donated = ownership_.HostTopUp(*vm, Pages(TakeHostPages(pool), pool));
    Invariant(donated.has_value(), "the pool of a test's VM is donated");
  }
  return *vm;
}

World::Snapshot World::Take() const {
  Snapshot snapshot{.records = records_, .counters = {}, .events = fake::Log().size()};
  snapshot.counters = {ownership_.donated_pages().raw(), ownership_.host_pool().free_count().raw()};
  for (const auto& [handle, vm] : vms_) {
    snapshot.counters.push_back(vm->guest_pages().raw());
    snapshot.counters.push_back(vm->pool().free_count().raw());
    snapshot.counters.push_back(vm->metadata().count().raw());
  }
  return snapshot;
}

std::vector<std::string> World::Inconsistencies() const {
  std::vector<std::string> wrong;
  std::map<std::uint32_t, std::uint64_t> guest_pages;
  std::uint64_t donated = 0;
  for (const PfnRange& region : {PfnRange{kRamFirst, kRamPages}, kSecondRegion}) {
    for (Pfn pfn = region.first; pfn < region.end(); pfn = pfn + kOne) {
      CheckPage(pfn, wrong);
      const PageState state = StateOf(pfn);
      guest_pages[RecordOf(pfn).vm.raw()] += IsMappedAsVms(state) ? 1U : 0U;
      donated += !IsForHost(state) || state == PageState::kVmLentHost ? 1U : 0U;
    }
  }
  for (const auto& [handle, vm] : vms_) {
    if (vm->guest_pages().raw() != guest_pages[handle]) {
      Note(wrong, "a VM's page count differs from the records", Pfn{handle});
    }
  }
  if (donated != ownership_.donated_pages().raw() + kCarveOut.count.raw()) {
    Note(wrong, "donated_pages differs from the records", Pfn{donated});
  }
  return wrong;
}

void World::CheckPage(Pfn pfn, std::vector<std::string>& wrong) const {
  const PageRecord record = RecordOf(pfn);
  const PageState state = stage2::StateOf(record);
  CheckHostEntry(pfn, state, wrong);
  if (IsMappedAsVms(state)) {
    CheckVmEntry(pfn, record, wrong);
  }
  const bool monitors = state == PageState::kVmMetadata || state == PageState::kHostLentMonitor ||
                        state == PageState::kHostLentPinned;
  if (fake::IsMappedForMonitor(pfn) != monitors) {
    Note(wrong, "the monitor's mapping differs from the record", pfn);
  }
}

void World::CheckHostEntry(Pfn pfn, PageState state, std::vector<std::string>& wrong) const {
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
  const Permissions expected =
      state == PageState::kVmLentHost ? Permissions::kReadWrite : Permissions::kAll;
  if (*mapped != pfn || leaf.permissions() != expected || leaf.memory() != MemoryType::kNormal) {
    Note(wrong, "the host's entry says something else than the record", pfn);
  }
}

void World::CheckVmEntry(Pfn pfn, const PageRecord& record, std::vector<std::string>& wrong) const {
  const auto vm = vms_.find(record.vm.raw());
  if (vm == vms_.end() || vm->second->table().Resolve(Gfn{record.frame}) != pfn) {
    Note(wrong, "the VM's table differs from the record", pfn);
  }
}

std::vector<std::string> World::Breaches() const {
  History history = history_;
  return history.Replay(fake::Log());
}

}  // namespace ravelin::stage2::testing
