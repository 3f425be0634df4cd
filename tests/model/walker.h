// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads translation tables as the hardware would: written from the Arm ARM (D8, VMSAv8-64 stage 2,
// 4 KiB granule), without stage2/format and stage2/table. Freestanding: words come through
// machine::LoadEntry.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "stage2/machine.h"

namespace ravelin::model {

// A tree and the width of its input addresses.
struct Tree {
  std::uint64_t root = 0;  // physical address
  unsigned ipa_bits = 0;
};

enum class Memory : std::uint8_t { kWriteBack, kNonCacheable, kDeviceNGnRE, kOther };

// What one frame of the space is.
struct View {
  bool mapped = false;  // the access flag set or not
  std::uint64_t pfn = 0;
  bool read = false;
  bool write = false;
  bool execute = false;
  bool young = false;  // the access flag: without it every use faults
  Memory memory = Memory::kOther;
  std::uint64_t software = 0;  // not mapped: what software left in the entry
  unsigned level = 0;          // at which the walk ended

  [[nodiscard]] unsigned permissions() const {
    return (read ? 1U : 0U) | (write ? 2U : 0U) | (execute ? 4U : 0U);
  }

  friend bool operator==(const View&, const View&) = default;
};

namespace walk {

inline constexpr unsigned kLastLevel = 3;
inline constexpr std::uint64_t kAddressMask = 0x0000'FFFF'FFFF'F000;

// Pages under one entry of a level.
constexpr std::uint64_t PagesAt(unsigned level) {
  return std::uint64_t{1} << (9 * (kLastLevel - level));
}

// With up to 16 tables side by side at the start, level 2 resolves 21 + 9 + 4 bits, level 1 nine
// more.
constexpr unsigned StartOf(unsigned ipa_bits) {
  if (ipa_bits <= 34) {
    return 2;
  }
  return ipa_bits <= 43 ? 1 : 0;
}

constexpr bool IsTable(std::uint64_t word, unsigned level) {
  return level < kLastLevel && (word & 3U) == 3;
}

[[nodiscard]] View Decode(std::uint64_t word, unsigned level, std::uint64_t frame);

// Calls `visit(first frame, view, pages)` for each entry of a table that is not empty and no table.
// Returns how many pages the tables below take.
template <typename Visit>
std::uint64_t VisitTable(std::uint64_t table, std::uint64_t entries, unsigned level,
                         std::uint64_t frame, const Visit& visit) {
  std::uint64_t tables = 0;
  for (std::uint64_t i = 0; i < entries; ++i, frame += PagesAt(level)) {
    const std::uint64_t word = machine::LoadEntry(Pa{table + 8 * i});
    if (IsTable(word, level)) {
      tables += 1 + VisitTable(word & kAddressMask, 512, level + 1, frame, visit);
    } else if (word != 0) {
      visit(frame, Decode(word, level, frame), PagesAt(level));
    }
  }
  return tables;
}

}  // namespace walk

// The walk of one frame, which lies in the space.
[[nodiscard]] View Walk(const Tree& tree, std::uint64_t frame);

// VisitTable for a whole tree: the pages that its tables take below the root.
template <typename Visit>
std::uint64_t VisitAll(const Tree& tree, const Visit& visit) {
  const unsigned start = walk::StartOf(tree.ipa_bits);
  const std::uint64_t frames = std::uint64_t{1} << (tree.ipa_bits - 12);
  return walk::VisitTable(tree.root, frames / walk::PagesAt(start), start, 0, visit);
}

}  // namespace ravelin::model
