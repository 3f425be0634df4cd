// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Changes, after the checks of page_table.cc: nothing here fails.
#include <algorithm>
#include <array>

#include "hyp/base/invariant.h"
#include "stage2/table/live_entry.h"
#include "stage2/table/page_table.h"
#include "stage2/table/path.h"

namespace ravelin::stage2 {

// Tables that nothing leads to any more, but in TLBs.
struct PageTable::Emptied {
  std::array<Pa, kPageLevel> tables{};
  unsigned count = 0;
};

// --- Map

void PageTable::Map(const Mapping& mapping) {
  for (std::uint64_t done = 0; done < mapping.count.raw();) {
    const Gfn gfn = mapping.first + PageCount{done};
    const Pfn target = mapping.target + PageCount{done};
    const std::uint64_t left = mapping.count.raw() - done;
    const unsigned level = LeafLevel(gfn.raw() | target.raw(), left, mapping.largest);
    const std::uint64_t pages = ChunkPages(gfn, left, level);
    const Path path = MakeWay(gfn, level);
    const std::uint64_t entries = level == kPageLevel ? pages : 1;
    std::uint64_t word = Descriptor::Leaf(level, ToPa(target), mapping.attributes).word();
    for (std::uint64_t i = 0; i < entries; ++i, word += kPageSize) {
      Fill(After(path.end(), i), Descriptor{word});
    }
    AddEntries(path, path.depth, entries);
    done += pages;
  }
  machine::PublishEntries();
}

// The way to the slot of `gfn` at `level`, with the tables above it, which are invalid entries so
// far.
PageTable::Path PageTable::MakeWay(Gfn gfn, unsigned level) {
  Path path(RootSlot(gfn));
  while (path.end().level < level) {
    const Slot slot = path.end();
    Descriptor descriptor = Read(slot);
    if (!descriptor.IsTable(slot.level)) {
      Invariant(descriptor.IsEmpty(), "CheckMap has found nothing where a table is made");
      const Result<Pa> table = pool_->Take();
      Invariant(table.has_value(), "the caller has compared CheckMap with the pool");
      machine::PublishEntries();  // its zeros, before a walk can reach it
      descriptor = Descriptor::Table(*table);
      Fill(slot, descriptor);
      AddEntries(path, path.depth, 1);
    }
    path.Append(Below(descriptor, slot.level, gfn));
  }
  return path;
}

// The table that holds the slot at `depth` has so many entries more. Nobody counts those of the
// root, which is never given back.
void PageTable::AddEntries(const Path& path, unsigned depth, std::uint64_t entries) {
  if (depth == 0) {
    return;
  }
  const Slot parent = path.slots[depth - 1];
  const Descriptor table = Read(parent);
  LiveEntry(walker_, parent).Recount(table.WithEntries(table.entries() + entries));
}

// --- Unmap

void PageTable::Unmap(Gfn first, PageCount count) {
  Break(first, count, kBlock1GLevel, Descriptor{});
}

void PageTable::Poison(Gfn first, PageCount count) {
  Break(first, count, kPageLevel, Descriptor::Annotated(Annotation::kPoison));
}

void PageTable::Break(Gfn first, PageCount count, unsigned largest, Descriptor left) {
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const Path path = IsolateLeaf(gfn, count.raw() - done, largest);
    const std::uint64_t pages = ChunkPages(gfn, count.raw() - done, path.end().level);
    BreakChunk(gfn, path, pages, left);
    done += pages;
  }
}

// The leaves of one block or one table, and the tables that become empty with them.
void PageTable::BreakChunk(Gfn gfn, const Path& path, std::uint64_t pages, Descriptor left) {
  const Slot slot = path.end();
  const std::uint64_t entries = slot.level == kPageLevel ? pages : 1;
  if (slot.level < kPageLevel) {
    ReleaseReserve(slot);
  }
  TlbBatch batch(walker_, gfn);
  for (std::uint64_t i = 0; i < entries; ++i) {
    batch.Break(After(slot, i), pages / entries, left);
  }
  const Emptied emptied = left.IsEmpty() ? RemoveEntries(path, entries, batch) : Emptied{};
  batch.Invalidate();
  for (unsigned i = 0; i < emptied.count; ++i) {
    pool_->Give(emptied.tables[i]);
  }
}

// The table at the end of `path` has so many entries fewer. Breaks the tables that are empty now,
// which may not be reused before the invalidation.
PageTable::Emptied PageTable::RemoveEntries(const Path& path, std::uint64_t entries,
                                            TlbBatch& batch) {
  Emptied emptied;
  for (unsigned depth = path.depth; depth > 0; --depth) {
    const Slot parent = path.slots[depth - 1];
    const Descriptor table = Read(parent);
    if (table.entries() != entries) {
      LiveEntry(walker_, parent).Recount(table.WithEntries(table.entries() - entries));
      break;
    }
    batch.BreakTable(parent);
    emptied.tables[emptied.count++] = table.output();
    entries = 1;
  }
  return emptied;
}

// A block goes as a whole: nobody will split it.
void PageTable::ReleaseReserve(Slot slot) {
  const unsigned levels = Read(slot).reserve();
  std::uint64_t pages = 0;
  for (unsigned i = 0; i < levels; ++i) {
    pages = pages * kEntriesPerTable + 1;
  }
  pool_->Release(pages);
}

// The way to the leaf that maps `gfn` and at most the `pages` pages from there, at level `largest`
// or below; a block that is larger is split.
PageTable::Path PageTable::IsolateLeaf(Gfn gfn, std::uint64_t pages, unsigned largest) {
  Path path = Walk(gfn);
  const unsigned level = LeafLevel(gfn.raw(), pages, largest);
  while (path.end().level < level) {
    const Slot slot = path.end();
    Split(slot, gfn);
    path.Append(Below(Read(slot), slot.level, gfn));
  }
  return path;
}

// Replaces a block by a table of 512 leaves that map the same: a change of size (Arm ARM D8).
void PageTable::Split(Slot slot, Gfn gfn) {
  const Descriptor block = Read(slot);
  Invariant(block.IsLeaf(slot.level), "CheckUnmap has found a block where one is split");
  const bool reserved = block.reserve() != 0;
  const Result<Pa> table = reserved ? pool_->TakeReserved() : pool_->TakeUnwritten();
  Invariant(table.has_value(), "the caller has compared CheckUnmap with the pool");
  const unsigned level = slot.level + 1;
  const Descriptor head = block.AtLevel(level, reserved ? block.reserve() - 1 : 0);
  machine::FillTablePage(*table, head.word(), LevelSpan(level));
  LiveEntry(walker_, slot).BreakLeaf(gfn).Make(Descriptor::Table(*table, kEntriesPerTable));
}

// --- Permissions and age

void PageTable::SetPermissions(Gfn first, PageCount count, Permissions permissions) {
  const Translation found = Lookup(ToIpa(first));
  if (found.level < kPageLevel && found.descriptor.permissions() == permissions) {
    return;
  }
  const Slot slot = IsolateLeaf(first, count.raw(), kBlock1GLevel).end();
  const std::uint64_t entries = slot.level == kPageLevel ? count.raw() : 1;
  TlbBatch batch(walker_, first);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const Slot leaf = After(slot, i);
    const Descriptor old = Read(leaf);
    const bool device = old.memory() == MemoryType::kDevice;
    const Descriptor wanted =
        old.WithPermissions(device ? permissions.WithoutExecute() : permissions);
    if (wanted == old) {
      batch.Pass(count.raw() / entries);
    } else {
      batch.Change(leaf, count.raw() / entries, old, wanted);
    }
  }
  batch.Invalidate();
}

std::uint64_t PageTable::Age(Gfn first, PageCount count) {
  const Slot slot = Descend(first, kPageLevel);
  const std::uint64_t entries = slot.level == kPageLevel ? count.raw() : 1;
  TlbBatch batch(walker_, first);
  std::uint64_t young = 0;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const Slot leaf = After(slot, i);
    const Descriptor old = Read(leaf);
    if (old.young()) {
      batch.Change(leaf, count.raw() / entries, old, old.WithAge(false));
      ++young;
    } else {
      batch.Pass(count.raw() / entries);
    }
  }
  batch.Invalidate();
  return young;
}

void PageTable::SetYoung(Ipa ipa) {
  const Slot slot = Descend(ToGfn(ipa), kPageLevel);
  const Descriptor leaf = Read(slot);
  if (leaf.IsValid() && !leaf.young()) {
    LiveEntry(walker_, slot).SetYoung(leaf);
  }
}

// --- Annotations

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
  const Path path = MakeWay(gfn, kPageLevel);
  Fill(path.end(), wanted);
  AddEntries(path, path.depth, 1);
  machine::PublishEntries();
  return {};
}

Result<void> PageTable::ClearAnnotation(Gfn gfn, Annotation annotation) {
  if (!geometry_.Contains(gfn, PageCount{1})) {
    return Failure{Error::kInvalidArgument};
  }
  const Path path = Walk(gfn);
  if (Read(path.end()) != Descriptor::Annotated(annotation)) {
    return Failure{Error::kNotMapped};
  }
  BreakChunk(gfn, path, 1, Descriptor{});
  return {};
}

// --- Blocks

void PageTable::Coalesce(Gfn first, PageCount count, OnMerge on_merge) {
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t pages = ChunkPages(gfn, count.raw() - done, kPageLevel);
    const Path path = Walk(gfn);
    for (unsigned depth = path.depth; depth > 0 && Merge(path.slots[depth - 1], on_merge);
         --depth) {
    }
    done += pages;
  }
}

// Replaces the table at `slot` by a block if its 512 entries amount to one.
bool PageTable::Merge(Slot slot, OnMerge on_merge) {
  const Descriptor table = Read(slot);
  if (slot.level < kBlock1GLevel || table.entries() != kEntriesPerTable) {
    return false;
  }
  const Slot first{table.output(), slot.level + 1};
  const Descriptor head = Read(first);
  if (!head.IsLeaf(first.level) || !IsAligned(head.output().raw(), LevelSpan(slot.level)) ||
      !machine::HoldsSequence(table.output(), head.word(), LevelSpan(first.level))) {
    return false;
  }
  const bool reserve = on_merge == OnMerge::kReserve;
  const Descriptor block = head.AtLevel(slot.level, reserve ? head.reserve() + 1 : 0);
  LiveEntry(walker_, slot).BreakTable().Make(block);
  if (reserve) {
    pool_->GiveReserved(table.output());
  } else {
    pool_->Give(table.output());
  }
  return true;
}

void PageTable::Disconnect() {
  for (std::uint64_t page = 0; page < geometry_.root_pages().raw(); ++page) {
    machine::ZeroTablePage(root_ + page * kPageSize);
  }
  walker_.ForgetAll();
}

}  // namespace ravelin::stage2
