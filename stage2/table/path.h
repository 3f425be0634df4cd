// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// PageTable::Path: the slots that a walk passes, from the root down to where it ends. Private to
// stage2/table; a value that is out of date as soon as the table changes.
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
