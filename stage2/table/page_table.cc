// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Ranges are worked through in chunks: a chunk is what one descriptor of level 1 or 2 maps, or the
// part of the range that lies in one level-3 table. Chunks are visited in rising order, and so a
// table page is needed "for the first time" exactly at the first frame of the range or at the first
// frame that the table spans.
#include "stage2/table/page_table.h"

#include <algorithm>
#include <array>

#include "stage2/table/live_entry.h"

namespace ravelin::stage2 {
namespace {

// A walk from level `from` over `range` at `gfn` misses the tables of levels from + 1 to `to`: how
// many of them has no earlier chunk of the range counted?
std::uint64_t NewTables(Gfn first, Gfn gfn, unsigned from, unsigned to) {
  std::uint64_t count = 0;
  for (unsigned level = from + 1; level <= to; ++level) {
    if (gfn == first || IsAligned(gfn.raw(), LevelPages(level - 1))) {
      ++count;
    }
  }
  return count;
}

// Pages of the chunk at `gfn` whose leaves are at `level`.
constexpr std::uint64_t ChunkPages(Gfn gfn, std::uint64_t left, unsigned level) {
  if (level < kPageLevel) {
    return LevelPages(level);
  }
  return std::min(left, kEntriesPerTable - gfn.raw() % kEntriesPerTable);
}

constexpr Slot After(Slot slot, std::uint64_t entries) {
  return {slot.entry + entries * kEntrySize, slot.level};
}

bool AllEmpty(Slot first, std::uint64_t entries) {
  for (std::uint64_t i = 0; i < entries; ++i) {
    if (!Read(After(first, i)).IsEmpty()) {
      return false;
    }
  }
  return true;
}

bool AllValid(Slot first, std::uint64_t entries) {
  for (std::uint64_t i = 0; i < entries; ++i) {
    if (!Read(After(first, i)).IsValid()) {
      return false;
    }
  }
  return true;
}

// The table that `slot` points to continues what its entry 0 maps, without a gap and with the same
// attributes: it may be one block. `likely` is the entry at which a difference is to be expected.
bool IsUniform(Slot slot, Descriptor table, std::uint64_t likely) {
  const Slot first{table.output(), slot.level + 1};
  const Descriptor head = Read(first);
  if (!head.IsLeaf(first.level) || !IsAligned(head.output().raw(), LevelSpan(slot.level))) {
    return false;
  }
  const std::uint64_t span = LevelSpan(first.level);
  if (Read(After(first, likely)).word() != head.word() + likely * span) {
    return false;
  }
  for (std::uint64_t i = 1; i < kEntriesPerTable; ++i) {
    if (Read(After(first, i)).word() != head.word() + i * span) {
      return false;
    }
  }
  return true;
}

}  // namespace

// The table descriptors that a walk passes, from the root down.
struct PageTable::Path {
  std::array<Slot, kPageLevel> slots;
  unsigned depth = 0;
};

PageTable::PageTable(Pa root, Geometry geometry, Vmid vmid, PagePool& pool)
    : root_(root), geometry_(geometry), vmid_(vmid), pool_(&pool) {
  Invariant(IsAligned(root.raw(), geometry.root_alignment()),
            "a root table is aligned to its size");
}

bool PageTable::IsRange(Gfn first, PageCount count) const {
  return count.raw() != 0 && geometry_.Contains(first, count);
}

Slot PageTable::RootSlot(Gfn gfn) const {
  const unsigned level = geometry_.start_level();
  return {root_ + geometry_.Index(ToIpa(gfn), level) * kEntrySize, level};
}

// The entry for `gfn` in `table`, which is pointed to from `level`.
Slot PageTable::Below(Descriptor table, unsigned level, Gfn gfn) const {
  const std::uint64_t index = geometry_.Index(ToIpa(gfn), level + 1);
  return {table.output() + index * kEntrySize, level + 1};
}

// Follows tables down to `level`, or to where they end.
Slot PageTable::Descend(Gfn gfn, unsigned level) const {
  Slot slot = RootSlot(gfn);
  while (slot.level < level) {
    const Descriptor descriptor = Read(slot);
    if (!descriptor.IsTable(slot.level)) {
      break;
    }
    slot = Below(descriptor, slot.level, gfn);
  }
  return slot;
}

PageTable::Path PageTable::TablesOn(Gfn gfn) const {
  Path path;
  Slot slot = RootSlot(gfn);
  for (Descriptor next = Read(slot); next.IsTable(slot.level); next = Read(slot)) {
    path.slots[path.depth++] = slot;
    slot = Below(next, slot.level, gfn);
  }
  return path;
}

// The level of the largest leaf that fits: `frames` is what must be aligned, `pages` what is left.
unsigned PageTable::LeafLevel(std::uint64_t frames, std::uint64_t pages, unsigned largest) const {
  const unsigned start = geometry_.start_level();
  unsigned level = std::max(start, kBlock1GLevel);
  level = std::max(level, std::min(largest, kPageLevel));
  while (level < kPageLevel &&
         (!IsAligned(frames, LevelPages(level)) || pages < LevelPages(level))) {
    ++level;
  }
  return level;
}

Translation PageTable::Lookup(Ipa ipa) const {
  const Slot slot = Descend(ToGfn(ipa), kPageLevel);
  return {Read(slot), slot.level};
}

Result<Pfn> PageTable::Resolve(Gfn gfn) const {
  if (!geometry_.Contains(gfn, PageCount{1})) {
    return Failure{Error::kInvalidArgument};
  }
  const Translation found = Lookup(ToIpa(gfn));
  if (!found.descriptor.IsValid()) {
    return Failure{Error::kNotMapped};
  }
  const std::uint64_t offset = gfn.raw() % LevelPages(found.level);
  return ToPfn(found.descriptor.output()) + PageCount{offset};
}

Result<PageCount> PageTable::CheckMap(const Mapping& mapping) const {
  if (!IsRange(mapping.first, mapping.count)) {
    return Failure{Error::kInvalidArgument};
  }
  std::uint64_t tables = 0;
  for (std::uint64_t done = 0; done < mapping.count.raw();) {
    const Gfn gfn = mapping.first + PageCount{done};
    const std::uint64_t left = mapping.count.raw() - done;
    const std::uint64_t frames = gfn.raw() | (mapping.target.raw() + done);
    const unsigned level = LeafLevel(frames, left, mapping.largest);
    const std::uint64_t pages = ChunkPages(gfn, left, level);
    const Slot slot = Descend(gfn, level);
    // A table where a block is to stand is not empty (class invariant), so that is taken, too.
    if (!AllEmpty(slot, slot.level == kPageLevel ? pages : 1)) {
      return Failure{Error::kExists};
    }
    tables += NewTables(mapping.first, gfn, slot.level, level);
    done += pages;
  }
  return PageCount{tables};
}

void PageTable::Map(const Mapping& mapping) {
  for (std::uint64_t done = 0; done < mapping.count.raw();) {
    const Gfn gfn = mapping.first + PageCount{done};
    const Pfn target = mapping.target + PageCount{done};
    const std::uint64_t left = mapping.count.raw() - done;
    const unsigned level = LeafLevel(gfn.raw() | target.raw(), left, mapping.largest);
    const std::uint64_t pages = ChunkPages(gfn, left, level);
    const Slot slot = MakeWay(gfn, level);
    const std::uint64_t entries = level == kPageLevel ? pages : 1;
    std::uint64_t word = Descriptor::Leaf(level, ToPa(target), mapping.attributes).word();
    for (std::uint64_t i = 0; i < entries; ++i, word += kPageSize) {
      Fill(After(slot, i), Descriptor{word});
    }
    done += pages;
  }
  machine::PublishEntries();
}

// The slot of `gfn` at `level`, with the tables above it, which are invalid entries so far.
Slot PageTable::MakeWay(Gfn gfn, unsigned level) {
  Slot slot = RootSlot(gfn);
  while (slot.level < level) {
    Descriptor descriptor = Read(slot);
    if (!descriptor.IsTable(slot.level)) {
      Invariant(descriptor.IsEmpty(), "CheckMap has found nothing where a table is made");
      const Result<Pa> table = pool_->Take();
      Invariant(table.has_value(), "the caller has compared CheckMap with the pool");
      machine::PublishEntries();  // its zeros, before a walk can reach it
      descriptor = Descriptor::Table(*table);
      Fill(slot, descriptor);
    }
    slot = Below(descriptor, slot.level, gfn);
  }
  return slot;
}

Result<PageCount> PageTable::CheckUnmap(Gfn first, PageCount count) const {
  if (!IsRange(first, count)) {
    return Failure{Error::kInvalidArgument};
  }
  std::uint64_t tables = 0;
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t left = count.raw() - done;
    const Slot slot = Descend(gfn, kPageLevel);
    const unsigned fitting = LeafLevel(gfn.raw(), left, kBlock1GLevel);
    const unsigned level = fitting < slot.level ? slot.level : fitting;
    const std::uint64_t pages = ChunkPages(gfn, left, level);
    if (!AllValid(slot, slot.level == kPageLevel ? pages : 1)) {
      return Failure{Error::kNotMapped};
    }
    tables += NewTables(first, gfn, slot.level, level);
    done += pages;
  }
  return PageCount{tables};
}

void PageTable::Unmap(Gfn first, PageCount count) {
  TlbBatch batch(vmid_, first);
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t left = count.raw() - done;
    const Slot slot = IsolateLeaf(gfn, left);
    const std::uint64_t pages = ChunkPages(gfn, left, slot.level);
    if (slot.level < kPageLevel) {
      batch.Break(slot, pages);
    }
    for (std::uint64_t i = 0; slot.level == kPageLevel && i < pages; ++i) {
      batch.Break(After(slot, i), 1);
    }
    done += pages;
  }
  batch.Invalidate();
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t pages = ChunkPages(gfn, count.raw() - done, kPageLevel);
    done += pages;
    PruneEmpty(gfn + PageCount{pages - 1});
  }
}

// The slot of the leaf that maps `gfn` and at most the `pages` pages from there; a block that maps
// more is split.
Slot PageTable::IsolateLeaf(Gfn gfn, std::uint64_t pages) {
  Slot slot = Descend(gfn, kPageLevel);
  const unsigned level = LeafLevel(gfn.raw(), pages, kBlock1GLevel);
  while (slot.level < level) {
    Split(slot, gfn);
    slot = Below(Read(slot), slot.level, gfn);
  }
  return slot;
}

// Replaces a block by a table of 512 leaves that map the same: a change of size (Arm ARM D8).
void PageTable::Split(Slot slot, Gfn gfn) {
  const Descriptor block = Read(slot);
  Invariant(block.IsLeaf(slot.level), "CheckUnmap has found a block where one is split");
  const Result<Pa> table = pool_->Take();
  Invariant(table.has_value(), "the caller has compared CheckUnmap with the pool");
  const unsigned level = slot.level + 1;
  std::uint64_t word = Descriptor::Leaf(level, block.output(), block.attributes()).word();
  for (std::uint64_t i = 0; i < kEntriesPerTable; ++i, word += LevelSpan(level)) {
    Fill({*table + i * kEntrySize, level}, Descriptor{word});
  }
  LiveEntry(vmid_, slot).BreakLeaf(gfn).Make(Descriptor::Table(*table));
}

// Gives tables on the way to `gfn` that have become empty back to the pool. In rising order of work
// the entry after `gfn` is the one that is still in use, and so it is asked first.
void PageTable::PruneEmpty(Gfn gfn) {
  const Path path = TablesOn(gfn);
  for (unsigned depth = path.depth; depth > 0; --depth) {
    const Slot slot = path.slots[depth - 1];
    const Descriptor table = Read(slot);
    const std::uint64_t next = geometry_.Index(ToIpa(gfn), slot.level + 1) + 1;
    const Slot first{table.output(), slot.level + 1};
    if (!AllEmpty(After(first, next % kEntriesPerTable), 1) || !AllEmpty(first, kEntriesPerTable)) {
      return;
    }
    LiveEntry(vmid_, slot).BreakTable().Leave();
    pool_->Give(table.output());
  }
}

Result<void> PageTable::SetPermissions(Gfn gfn, Permissions permissions) {
  RAVELIN_TRY_ASSIGN(tables, CheckUnmap(gfn, PageCount{1}));
  const Translation found = Lookup(ToIpa(gfn));
  if (found.descriptor.permissions() == permissions) {
    return {};
  }
  if (!pool_->Has(tables)) {
    return Failure{Error::kNoMemory};
  }
  const Slot slot = IsolateLeaf(gfn, 1);
  const Descriptor old = Read(slot);
  const Attributes attributes{permissions, old.memory()};
  LiveEntry(vmid_, slot)
      .BreakLeaf(gfn)
      .Make(Descriptor::Leaf(slot.level, old.output(), attributes));
  return {};
}

Result<void> PageTable::Annotate(Gfn gfn, Annotation annotation) {
  if (!geometry_.Contains(gfn, PageCount{1})) {
    return Failure{Error::kInvalidArgument};
  }
  const Slot end = Descend(gfn, kPageLevel);
  const Descriptor wanted = Descriptor::Annotated(annotation);
  const Descriptor found = Read(end);
  if (found == wanted) {
    return {};
  }
  if (!found.IsEmpty()) {
    return Failure{Error::kExists};
  }
  if (!pool_->Has(PageCount{kPageLevel - end.level})) {
    return Failure{Error::kNoMemory};
  }
  Fill(MakeWay(gfn, kPageLevel), wanted);
  machine::PublishEntries();
  return {};
}

Result<void> PageTable::ClearAnnotation(Gfn gfn, Annotation annotation) {
  if (!geometry_.Contains(gfn, PageCount{1})) {
    return Failure{Error::kInvalidArgument};
  }
  const Slot slot = Descend(gfn, kPageLevel);
  if (Read(slot) != Descriptor::Annotated(annotation)) {
    return Failure{Error::kNotMapped};
  }
  Fill(slot, Descriptor{});
  machine::PublishEntries();
  PruneEmpty(gfn);
  return {};
}

Annotation PageTable::AnnotationAt(Ipa ipa) const {
  const Descriptor found = Lookup(ipa).descriptor;
  return found.IsValid() ? Annotation::kNone : found.annotation();
}

void PageTable::Coalesce(Gfn first, PageCount count) {
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t pages = ChunkPages(gfn, count.raw() - done, kPageLevel);
    const Gfn last = gfn + PageCount{pages - 1};
    const Path path = TablesOn(gfn);
    for (unsigned depth = path.depth; depth > 0 && Merge(path.slots[depth - 1], last); --depth) {
    }
    done += pages;
  }
}

// Replaces the table at `slot` by a block if its 512 entries amount to one.
bool PageTable::Merge(Slot slot, Gfn gfn) {
  if (slot.level < kBlock1GLevel) {
    return false;
  }
  const Descriptor table = Read(slot);
  const std::uint64_t next = geometry_.Index(ToIpa(gfn), slot.level + 1) + 1;
  if (!IsUniform(slot, table, next % kEntriesPerTable)) {
    return false;
  }
  const Descriptor head = Read(Slot{table.output(), slot.level + 1});
  const Descriptor block = Descriptor::Leaf(slot.level, head.output(), head.attributes());
  LiveEntry(vmid_, slot).BreakTable().Make(block);
  pool_->Give(table.output());
  return true;
}

void PageTable::Disconnect() {
  for (std::uint64_t page = 0; page < geometry_.root_pages().raw(); ++page) {
    machine::ZeroTablePage(root_ + page * kPageSize);
  }
  machine::InvalidateVm(vmid_);
}

}  // namespace ravelin::stage2
