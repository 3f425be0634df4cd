// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/testing/history.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace ravelin::stage2::testing {
namespace {

using Kind = fake::Event::Kind;

bool Overlap(std::uint64_t a, std::uint64_t a_count, std::uint64_t b, std::uint64_t b_count) {
  return a < b + b_count && b < a + a_count;
}

}  // namespace

void History::AddTable(const PageTable& table) {
  trees_.push_back({table.root(), table.geometry(), table.vmid()});
}

std::vector<std::string> History::Replay(const std::vector<fake::Event>& log) {
  for (std::size_t tree = 0; tree < trees_.size(); ++tree) {
    const Geometry& geometry = trees_[tree].geometry;
    const unsigned level = geometry.start_level();
    for (std::uint64_t page = 0; page < geometry.root_pages().raw(); ++page) {
      const std::uint64_t base = page * kEntriesPerTable * LevelSpan(level);
      links_[trees_[tree].root.raw() + page * kPageSize] = {tree, level, base};
    }
  }
  for (const fake::Event& event : log) {
    Step(event);
    ++step_;
  }
  for (const Pending& pending : pending_) {
    Report("a changed entry is never invalidated", pending.entry);
  }
  return std::exchange(breaches_, {});
}

void History::Step(const fake::Event& event) {
  switch (event.kind) {
    case Kind::kStore:
      Write(event.address, event.value);
      break;
    case Kind::kZeroTable:
      for (std::uint64_t i = 0; i < kPageSize; i += kEntrySize) {
        Write(event.address + i, 0);
      }
      break;
    case Kind::kPublish:
      unpublished_.clear();
      break;
    case Kind::kInvalidatePages:
    case Kind::kInvalidateVm:
      unpublished_.clear();
      Invalidate(event);
      break;
    case Kind::kWipe:
    case Kind::kClean:
      CheckUnused(event, "contents are changed while somebody can use the page");
      prepared_.insert(event.address >> kPageShift);
      break;
    case Kind::kMapMonitor:
      MapMonitor(event);
      break;
    case Kind::kUnmapMonitor:
      for (std::uint64_t i = 0; i < event.value; ++i) {
        monitor_.erase((event.address >> kPageShift) + i);
      }
      break;
    case Kind::kInvalidateInstructions:
      break;
  }
}

void History::Write(std::uint64_t address, std::uint64_t value) {
  const std::uint64_t page = AlignDown(address, kPageSize);
  const Descriptor from{ValueAt(address)};
  memory_[address] = value;
  unpublished_.insert(page);
  for (const Pending& pending : pending_) {
    for (const std::uint64_t table : pending.tables) {
      if (table == page) {
        Report("a table is reused before its invalidation", address);
      }
    }
  }
  const auto link = links_.find(page);
  if (link != links_.end() && from.word() != value) {
    Change(address, Link{link->second}, from, Descriptor{value});
  }
}

void History::Change(std::uint64_t address, Link link, Descriptor from, Descriptor to) {
  if (from.IsTable(link.level) && to.IsTable(link.level) && from.output() == to.output()) {
    return;  // bits that hardware ignores
  }
  if (from.IsLeaf(link.level) && to.IsLeaf(link.level) && from.DiffersOnlyInUse(to)) {
    ChangeUse(address, link, from, to);
    return;
  }
  if (from.IsValid() && to.IsValid()) {
    Report("a valid entry becomes another valid one", address);
  }
  if (!to.IsValid() && to != Descriptor::Annotated(to.annotation())) {
    Report("a linked table gets a word that is no descriptor", address);
  }
  if (from.IsValid()) {
    Vanish(address, link, from);
  }
  if (to.IsValid()) {
    Appear(address, link, to);
  }
}

// An entry without access flag is in no TLB (Arm ARM D8, "The Access flag").
void History::ChangeUse(std::uint64_t address, Link link, Descriptor from, Descriptor to) {
  if (!from.young() && from.WithAge(true) == to) {
    return;
  }
  const std::uint64_t index = address % kPageSize / kEntrySize;
  pending_.push_back({.tree = link.tree,
                      .entry = address,
                      .is_table = false,
                      .ipa = link.base + index * LevelSpan(link.level),
                      .pages = LevelPages(link.level),
                      .leaves = {},
                      .tables = {}});
}

void History::Appear(std::uint64_t address, Link link, Descriptor descriptor) {
  for (const Pending& pending : pending_) {
    if (pending.entry == address) {
      Report("an entry is made before its old value is invalidated", address);
    }
  }
  const std::uint64_t index = address % kPageSize / kEntrySize;
  const std::uint64_t ipa = link.base + index * LevelSpan(link.level);
  if (descriptor.IsLeaf(link.level)) {
    const Leaf leaf{link.tree, ipa, ToPfn(descriptor.output()).raw(), LevelPages(link.level)};
    CheckLeaf(leaf);
    leaves_[address] = leaf;
    CheckOrigin(leaf);
    return;
  }
  const std::uint64_t table = descriptor.output().raw();
  if (unpublished_.contains(table)) {
    Report("a table is linked before its contents are published", address);
  }
  const Link below{link.tree, link.level + 1, ipa};
  links_[table] = below;
  for (std::uint64_t i = 0; i < kPageSize; i += kEntrySize) {
    if (Descriptor{ValueAt(table + i)}.IsValid()) {
      Appear(table + i, below, Descriptor{ValueAt(table + i)});
    }
  }
}

void History::Vanish(std::uint64_t address, Link link, Descriptor descriptor) {
  const std::uint64_t index = address % kPageSize / kEntrySize;
  Pending pending{.tree = link.tree,
                  .entry = address,
                  .is_table = descriptor.IsTable(link.level),
                  .ipa = link.base + index * LevelSpan(link.level),
                  .pages = LevelPages(link.level),
                  .leaves = {},
                  .tables = {}};
  if (pending.is_table) {
    Collect(descriptor.output().raw(), pending);
  } else {
    pending.leaves.push_back(leaves_[address]);
    leaves_.erase(address);
  }
  pending_.push_back(std::move(pending));
}

// Unlinks a table and all below it.
void History::Collect(std::uint64_t table, Pending& pending) {
  const Link link = links_[table];
  links_.erase(table);
  pending.tables.push_back(table);
  for (std::uint64_t entry = table; entry < table + kPageSize; entry += kEntrySize) {
    const Descriptor descriptor{ValueAt(entry)};
    if (descriptor.IsTable(link.level)) {
      Collect(descriptor.output().raw(), pending);
    } else if (descriptor.IsValid()) {
      pending.leaves.push_back(leaves_[entry]);
      leaves_.erase(entry);
    }
  }
}

void History::CheckLeaf(const Leaf& leaf) {
  const auto check = [&](const Leaf& other) {
    const std::uint64_t first = std::max(leaf.pfn, other.pfn);
    const std::uint64_t end = std::min(leaf.pfn + leaf.pages, other.pfn + other.pages);
    for (std::uint64_t pfn = first; pfn < end; ++pfn) {
      if (!shared_.contains(pfn)) {
        Report("a page is usable at two places", pfn);
        break;
      }
    }
  };
  for (const auto& [entry, other] : leaves_) {
    check(other);
  }
  for (const Pending& pending : pending_) {
    for (const Leaf& other : pending.leaves) {
      check(other);
    }
  }
  for (const std::uint64_t pfn : monitor_) {
    if (Overlap(leaf.pfn, leaf.pages, pfn, 1) && !shared_.contains(pfn)) {
      Report("a page of the monitor becomes usable by another", pfn);
    }
  }
}

void History::CheckOrigin(const Leaf& leaf) {
  if (leaf.tree == 0 && leaf.pages > kEntriesPerTable) {
    return;
  }
  for (std::uint64_t pfn = leaf.pfn; pfn < leaf.pfn + leaf.pages; ++pfn) {
    const auto last = last_.find(pfn);
    const std::size_t owner = last == last_.end() ? 0 : last->second;
    if (owner != leaf.tree && !prepared_.contains(pfn) && !shared_.contains(pfn) &&
        !mmio_.contains(pfn)) {
      Report("a page arrives with what its last owner left in it", pfn);
    }
    if (owner != leaf.tree) {
      last_[pfn] = leaf.tree;
    }
    prepared_.erase(pfn);
  }
}

void History::Invalidate(const fake::Event& event) {
  std::erase_if(pending_, [&](const Pending& pending) {
    if (trees_[pending.tree].vmid != event.vmid) {
      return false;
    }
    const bool everything = event.kind == Kind::kInvalidateVm;
    return everything || (!pending.is_table && Overlap(pending.ipa >> kPageShift, pending.pages,
                                                       event.address >> kPageShift, event.value));
  });
}

void History::CheckUnused(const fake::Event& event, const char* what) {
  const std::uint64_t pfn = event.address >> kPageShift;
  if (IsUsable(pfn) && !shared_.contains(pfn)) {
    Report(what, pfn);
  }
}

void History::MapMonitor(const fake::Event& event) {
  for (std::uint64_t i = 0; i < event.value; ++i) {
    const std::uint64_t pfn = (event.address >> kPageShift) + i;
    if (IsUsable(pfn) && !shared_.contains(pfn)) {
      Report("the monitor maps a page that another can use", pfn);
    }
    monitor_.insert(pfn);
  }
}

bool History::IsUsable(std::uint64_t pfn) const {
  for (const auto& [entry, leaf] : leaves_) {
    if (Overlap(leaf.pfn, leaf.pages, pfn, 1)) {
      return true;
    }
  }
  for (const Pending& pending : pending_) {
    for (const Leaf& leaf : pending.leaves) {
      if (Overlap(leaf.pfn, leaf.pages, pfn, 1)) {
        return true;
      }
    }
  }
  return false;
}

std::uint64_t History::ValueAt(std::uint64_t address) const {
  const auto found = memory_.find(address);
  return found == memory_.end() ? 0 : found->second;
}

void History::Report(const std::string& what, std::uint64_t where) {
  std::ostringstream text;
  text << "event " << step_ << ": " << what << " (0x" << std::hex << where << ")";
  breaches_.push_back(text.str());
}

}  // namespace ravelin::stage2::testing
