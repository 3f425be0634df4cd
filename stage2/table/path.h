// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Walks of PageTable, and PageTable::Path: the slots that a walk passes, from the root down to
// where it ends; a value that is out of date as soon as the table changes. Private to stage2/table.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "stage2/table/live_entry.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2 {

struct PageTable::Path {
  explicit Path(Slot root) { slots[0] = root; }

  [[nodiscard]] Slot end() const { return slots[depth]; }
  void Append(Slot slot) { slots[++depth] = slot; }

  std::array<Slot, kPageLevel + 1> slots{};
  unsigned depth = 0;  // all slots before this one hold tables
};

inline Slot PageTable::RootSlot(Gfn gfn) const {
  return {root_ + geometry_.RootIndex(ToIpa(gfn)) * kEntrySize, geometry_.start_level()};
}

// The entry for `gfn` in `table`, which is pointed to from `level`.
inline Slot PageTable::Below(Descriptor table, unsigned level, Gfn gfn) {
  const std::uint64_t index = Geometry::IndexBelow(ToIpa(gfn), level + 1);
  return {table.output() + index * kEntrySize, level + 1};
}

// Follows tables down to `level`, or to where they end.
inline Slot PageTable::Descend(Gfn gfn, unsigned level) const {
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

inline PageTable::Path PageTable::Walk(Gfn gfn) const {
  Path path(RootSlot(gfn));
  for (Descriptor next = Read(path.end()); next.IsTable(path.end().level);
       next = Read(path.end())) {
    path.Append(Below(next, path.end().level, gfn));
  }
  return path;
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

}  // namespace ravelin::stage2
