// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Questions and checks: nothing here writes. Ranges are worked through in chunks: a chunk is what
// one descriptor of level 1 or 2 maps, or the part of the range that lies in one level-3 table.
// Chunks are visited in rising order, and so a table page is needed "for the first time" exactly at
// the first frame of the range or at the first frame that the table spans.
#include "stage2/table/page_table.h"

#include <algorithm>

#include "stage2/table/live_entry.h"
#include "stage2/table/path.h"

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

// How many of the pages from `slot` on, of which the first maps `pfn`, map neighbours.
std::uint64_t ConsecutivePages(Slot slot, Pfn pfn, std::uint64_t pages) {
  std::uint64_t run = 1;
  for (; run < pages; ++run) {
    const Descriptor next = Read(After(slot, run));
    if (!next.IsValid() || ToPfn(next.output()) != pfn + PageCount{run}) {
      break;
    }
  }
  return run;
}

}  // namespace

PageTable::PageTable(Pa root, Geometry geometry, Walker walker, PagePool& pool)
    : root_(root), geometry_(geometry), walker_(walker), pool_(&pool) {
  Invariant(IsAligned(root.raw(), geometry.root_alignment()),
            "a root table is aligned to its size");
}

bool PageTable::IsRange(Gfn first, PageCount count) const {
  return count.raw() != 0 && geometry_.Contains(first, count);
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
  RAVELIN_TRY_ASSIGN(run, ResolveRun(gfn, PageCount{1}));
  return run.first;
}

Result<PfnRange> PageTable::ResolveRun(Gfn first, PageCount count) const {
  if (!geometry_.Contains(first, PageCount{1})) {
    return Failure{Error::kInvalidArgument};
  }
  const Slot slot = Descend(first, kPageLevel);
  const Descriptor leaf = Read(slot);
  if (!leaf.IsValid()) {
    return Failure{Error::kNotMapped};
  }
  const std::uint64_t offset = first.raw() % LevelPages(slot.level);
  const Pfn pfn = ToPfn(leaf.output()) + PageCount{offset};
  if (slot.level < kPageLevel) {
    return PfnRange{pfn, std::min(count, PageCount{LevelPages(slot.level) - offset})};
  }
  const std::uint64_t pages = ChunkPages(first, count.raw(), kPageLevel);
  return PfnRange{pfn, PageCount{ConsecutivePages(slot, pfn, pages)}};
}

Annotation PageTable::AnnotationAt(Ipa ipa) const {
  const Descriptor found = Lookup(ipa).descriptor;
  return found.IsValid() ? Annotation::kNone : found.annotation();
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

Result<PageCount> PageTable::CheckUnmap(Gfn first, PageCount count) const {
  return CheckSplits(first, count, kBlock1GLevel);
}

Result<PageCount> PageTable::CheckPoison(Gfn first, PageCount count) const {
  return CheckSplits(first, count, kPageLevel);
}

// -> table pages from the pool after which leaves of the range reach no further than the range and
// are of level `largest` or smaller. Blocks bring those that they have in reserve.
Result<PageCount> PageTable::CheckSplits(Gfn first, PageCount count, unsigned largest) const {
  if (!IsRange(first, count)) {
    return Failure{Error::kInvalidArgument};
  }
  std::uint64_t tables = 0;
  for (std::uint64_t done = 0; done < count.raw();) {
    const Gfn gfn = first + PageCount{done};
    const std::uint64_t left = count.raw() - done;
    const Slot slot = Descend(gfn, kPageLevel);
    const unsigned level = std::max(LeafLevel(gfn.raw(), left, largest), slot.level);
    const std::uint64_t pages = ChunkPages(gfn, left, level);
    if (!AllValid(slot, slot.level == kPageLevel ? pages : 1)) {
      return Failure{Error::kNotMapped};
    }
    if (slot.level < level) {
      tables += NewTables(first, gfn, std::min(slot.level + Read(slot).reserve(), level), level);
    }
    done += pages;
  }
  return PageCount{tables};
}

Result<PageCount> PageTable::CheckPermissions(Gfn first, PageCount count,
                                              Permissions permissions) const {
  RAVELIN_TRY_ASSIGN(tables, CheckUnmap(first, count));
  const Translation found = Lookup(ToIpa(first));
  const bool stays = found.level < kPageLevel && found.descriptor.permissions() == permissions;
  return stays ? PageCount{0} : tables;
}

}  // namespace ravelin::stage2
