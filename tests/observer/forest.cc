// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/forest.h"

#include <algorithm>
#include <ranges>
#include <sstream>
#include <utility>
#include <vector>

namespace ravelin::observer {
namespace {

std::string InTree(const Tree& tree, Ipa ipa, const char* text) {
  std::ostringstream out;
  out << text << ": vmid " << tree.vmid.raw() << " ipa 0x" << std::hex << ipa.raw();
  return out.str();
}

// Where `leaf` maps `page`.
Ipa IpaOf(const Leaf& leaf, Pfn page) {
  return leaf.ipa + ((page.raw() - leaf.pages.first.raw()) << kPageShift);
}

}  // namespace

void Forest::Complain(Rule rule, Place place, Pa address, const std::string& text) {
  parts_.report.Add(rule, place, address.raw(), text);
}

Tree& Forest::Enter(Place place, std::uint64_t vttbr, std::uint64_t vtcr) {
  const Pa root = RootOf(vttbr);
  const auto found = trees_.find(root.raw());
  if (found != trees_.end() && found->second.vmid == VmidOf(vttbr)) {
    return found->second;
  }
  if (found != trees_.end()) {
    Retire(place, found->second);
  }
  Tree& tree = trees_[root.raw()];
  tree = {.root = root, .vmid = VmidOf(vttbr), .geometry = Geometry::FromVtcr(vtcr)};
  tree.host = host_ == nullptr;
  tree.normal = normal_[root.raw()];
  host_ = tree.host ? &tree : host_;
  Plant(place, tree);
  return tree;
}

void Forest::Create(Place place, Pa root, bool normal) {
  normal_[root.raw()] = normal;
  const auto found = trees_.find(root.raw());
  if (found != trees_.end()) {
    Retire(place, found->second);
  }
}

void Forest::Plant(Place place, Tree& tree) {
  const std::uint64_t reach = kEntries * Span(tree.geometry.start_level);
  for (std::uint64_t i = 0; i < tree.geometry.root_pages; ++i) {
    const Pfn page = ToPfn(tree.root) + PageCount{i};
    Link(place, tree, page, tree.geometry.start_level, Ipa{i * reach});
  }
}

// Nothing is mapped below the root.
bool Forest::IsBare(const Tree& tree) const {
  for (std::uint64_t i = 0; i < tree.geometry.root_pages; ++i) {
    const auto found = tables_.find(ToPfn(tree.root).raw() + i);
    if (found != tables_.end() &&
        std::ranges::any_of(found->second.words, [](std::uint64_t word) { return word & 1; })) {
      return false;
    }
  }
  return true;
}

void Forest::Retire(Place place, Tree& tree) {
  if (tree.running != 0 || !IsBare(tree)) {
    Complain(Rule::kTable, place, tree.root, InTree(tree, Ipa{}, "root of a live tree reused"));
  }
  Removed ignored;
  for (std::uint64_t i = 0; i < tree.geometry.root_pages; ++i) {
    Unlink(ToPfn(tree.root) + PageCount{i}, ignored);
  }
  trees_.erase(tree.root.raw());
}

Forest::Slot Forest::SlotOf(Pfn page, const Table& table, std::uint64_t index) {
  return {table.tree, ToPa(page) + index * kEntryBytes, table.level,
          table.first + index * Span(table.level)};
}

void Forest::Store(Place place, Pa entry, std::uint64_t value) {
  const auto found = tables_.find(ToPfn(entry).raw());
  if (found == tables_.end()) {
    return;
  }
  ++stores_;
  Table& table = found->second;
  const std::uint64_t index = entry.raw() % kPageSize / kEntryBytes;
  const Descriptor before{std::exchange(table.words[index], value)};
  Change(place, SlotOf(ToPfn(entry), table, index), before, Descriptor{value});
}

void Forest::Rescan(Place place, Pfn page) {
  for (std::uint64_t at = 0; at < kPageSize && tables_.contains(page.raw()); at += kEntryBytes) {
    const Pa entry = ToPa(page) + at;
    const std::uint64_t value = parts_.memory.Word(entry);
    if (tables_[page.raw()].words[at / kEntryBytes] != value) {
      Store(place, entry, value);
    }
  }
}

void Forest::Change(Place place, const Slot& slot, Descriptor before, Descriptor after) {
  if (before.word() == after.word() || (!before.valid() && !after.valid())) {
    return;
  }
  if (before.SameTranslation(after, slot.level)) {
    if (before.leaf(slot.level) && before.cached(slot.level) && before.Allows(after)) {
      Restrict(place, slot);
    }
    return;
  }
  const bool replaced = before.cached(slot.level) && after.valid();
  if (replaced || (after.valid() && parts_.invalidations.IsPending(slot.entry))) {
    Complain(Rule::kBreakBeforeMake, place, slot.entry,
             InTree(*slot.tree, slot.ipa, replaced ? "replaced" : "made before invalidated"));
  }
  if (before.valid()) {
    Break(place, slot, before);
  }
  if (after.valid()) {
    Make(place, slot, after);
  }
}

void Forest::Make(Place place, const Slot& slot, Descriptor descriptor) {
  const Pa output = descriptor.output(slot.level);
  if (descriptor.table(slot.level)) {
    Link(place, *slot.tree, ToPfn(output), slot.level + 1, slot.ipa);
    return;
  }
  Map(place, {slot.tree, slot.ipa, PagesOf(output, Span(slot.level))});
}

void Forest::Break(Place place, const Slot& slot, Descriptor descriptor) {
  ++breaks_;
  Removed removed{.place = place,
                  .entry = slot.entry,
                  .vmid = slot.tree->vmid,
                  .ipa = slot.ipa,
                  .span = Span(slot.level),
                  .level = slot.level,
                  .table = descriptor.table(slot.level)};
  const Pa output = descriptor.output(slot.level);
  if (removed.table) {
    Unlink(ToPfn(output), removed);
  } else {
    removed.pages.push_back(PagesOf(output, removed.span));
    leaves_.Remove({slot.tree, slot.ipa, removed.pages.back()});
  }
  if (descriptor.cached(slot.level)) {
    parts_.invalidations.Add(std::move(removed));
  }
}

void Forest::Restrict(Place place, const Slot& slot) {
  ++breaks_;
  parts_.invalidations.Add({.place = place,
                            .entry = slot.entry,
                            .vmid = slot.tree->vmid,
                            .ipa = slot.ipa,
                            .span = Span(slot.level),
                            .level = slot.level,
                            .restricted = true});
}

void Forest::Link(Place place, Tree& tree, Pfn page, unsigned level, Ipa first) {
  if (tables_.contains(page.raw())) {
    Complain(Rule::kTable, place, ToPa(page), InTree(tree, first, "linked twice"));
    return;
  }
  if (leaves_.IsMapped(page)) {
    Complain(Rule::kTable, place, ToPa(page), InTree(tree, first, "mapped as well"));
  }
  parts_.watched.Add({page, PageCount{1}});
  Table& table = tables_[page.raw()];
  table = {.tree = &tree, .level = level, .first = first};
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    table.words[i] = parts_.memory.Word(ToPa(page) + i * kEntryBytes);
    if (Descriptor{table.words[i]}.valid()) {
      Make(place, SlotOf(page, table, i), Descriptor{table.words[i]});
    }
  }
}

void Forest::Unlink(Pfn page, Removed& removed) {
  removed.pages.push_back({page, PageCount{1}});
  const auto found = tables_.find(page.raw());
  if (found == tables_.end()) {
    return;
  }
  const Table table = found->second;
  parts_.watched.Remove({page, PageCount{1}});
  tables_.erase(found);
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const Descriptor descriptor{table.words[i]};
    if (!descriptor.valid()) {
      continue;
    }
    removed.populated = true;
    const Slot slot = SlotOf(page, table, i);
    const Pa output = descriptor.output(slot.level);
    if (descriptor.table(slot.level)) {
      Unlink(ToPfn(output), removed);
      continue;
    }
    const PfnRange pages = PagesOf(output, Span(slot.level));
    leaves_.Remove({slot.tree, slot.ipa, pages});
    if (descriptor.cached(slot.level)) {
      removed.pages.push_back(pages);
    }
  }
}

void Forest::Map(Place place, const Leaf& leaf) {
  const Pfn bad = parts_.monitor.FindMonitors(leaf.pages);
  if (bad < leaf.pages.end()) {
    Complain(Rule::kMonitorMapped, place, ToPa(bad),
             InTree(*leaf.tree, IpaOf(leaf, bad), "page of the monitor mapped"));
  }
  if (parts_.invalidations.MayReachBeside(leaf.pages, leaf.tree->vmid)) {
    Complain(Rule::kReuse, place, ToPa(leaf.pages.first),
             InTree(*leaf.tree, leaf.ipa, "mapped while another VMID may reach it"));
  }
  CheckTables(place, leaf);
  leaves_.ForEachOverlap(leaf.pages, [&](const Leaf& other) {
    if (other.tree != leaf.tree) {
      CheckOwner(place, leaf, other);
    }
  });
  leaves_.Add(leaf);
}

// A page of a live tree is mapped. A root that has nothing below it may be the end of its tree.
void Forest::CheckTables(Place place, const Leaf& leaf) {
  while (true) {
    const auto found = tables_.lower_bound(leaf.pages.first.raw());
    if (found == tables_.end() || found->first >= leaf.pages.end().raw()) {
      return;
    }
    Tree& tree = *found->second.tree;
    const bool root = tree.geometry.start_level == found->second.level;
    if (!root || tree.running != 0 || !IsBare(tree)) {
      Complain(Rule::kTable, place, ToPa(Pfn{found->first}),
               InTree(*leaf.tree, leaf.ipa, "page of a live tree mapped"));
      return;
    }
    Retire(place, tree);
  }
}

// The leaf that maps `ipa`, cut to the page.
std::optional<Leaf> Forest::Lookup(Tree& tree, Ipa ipa) const {
  unsigned level = tree.geometry.start_level;
  const std::uint64_t index = ipa.raw() / Span(level);
  Pa entry = tree.root + index * kEntryBytes;
  Descriptor descriptor{parts_.memory.Word(entry)};
  while (descriptor.table(level)) {
    entry = descriptor.output(level) + ipa.raw() / Span(level + 1) % kEntries * kEntryBytes;
    descriptor = Descriptor{parts_.memory.Word(entry)};
    ++level;
  }
  if (!descriptor.valid()) {
    return std::nullopt;
  }
  const Pa page = descriptor.output(level) + ipa.raw() % Span(level);
  return Leaf{&tree, ipa, PagesOf(page, kPageSize)};
}

void Forest::CheckWithdrawn(Place place, Tree& tree, Gfn frame) {
  const std::uint64_t alias = std::uint64_t{1} << (tree.geometry.ipa_bits - 1);
  for (const Ipa ipa : {ToIpa(frame), ToIpa(frame) + alias}) {
    const std::optional<Leaf> leaf = Lookup(tree, ipa);
    if (!leaf) {
      continue;
    }
    leaves_.ForEachOverlap(leaf->pages, [&](const Leaf& other) {
      if (other.tree != &tree) {
        CheckOwner(place, *leaf, other);
      }
    });
  }
}

void Forest::CheckOwner(Place place, const Leaf& leaf, const Leaf& other) {
  const bool with_host = leaf.tree->host || other.tree->host;
  const Leaf& vm = leaf.tree->host ? other : leaf;
  if (with_host ? vm.tree->normal : leaf.tree->normal && other.tree->normal) {
    return;  // the host lends to as many normal VMs as it likes
  }
  const Pfn first = std::max(leaf.pages.first, other.pages.first);
  const Pfn end = std::min(leaf.pages.end(), other.pages.end());
  for (Pfn page = first; page < end; page = page + PageCount{1}) {
    if (!with_host || !vm.tree->Declares(IpaOf(vm, page))) {
      const char* text =
          with_host ? "of the host and a protected VM" : "of two VMs, not both normal";
      Complain(Rule::kOwner, place, ToPa(page), InTree(*vm.tree, IpaOf(vm, page), text));
      return;
    }
  }
}

}  // namespace ravelin::observer
