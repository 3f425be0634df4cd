// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads translation tables in the fake machine's memory as the hardware would: written from the
// Arm ARM (D8, VMSAv8-64 stage 2, 4 KiB granule), without stage2/format and stage2/table.
#pragma once

#include <cstdint>
#include <functional>

namespace ravelin::model {

// A tree and the width of its input addresses.
struct Tree {
  std::uint64_t root = 0;  // physical address
  unsigned ipa_bits = 0;
};

// What one frame of the space is.
struct View {
  bool mapped = false;
  std::uint64_t pfn = 0;
  bool read = false;
  bool write = false;
  bool execute = false;
  bool write_back = false;     // Normal memory, inner shareable, write-back; else non-cacheable
  std::uint64_t software = 0;  // not mapped: what software left in the entry
  unsigned level = 0;          // at which the walk ended

  friend bool operator==(const View&, const View&) = default;
};

// The walk of one frame, which lies in the space.
[[nodiscard]] View Walk(const Tree& tree, std::uint64_t frame);

// Calls `visit(first frame, view, pages)` for each entry that is not empty and no table. Returns
// how many pages the tables below the root take.
std::uint64_t VisitAll(const Tree& tree,
                       const std::function<void(std::uint64_t, const View&, std::uint64_t)>& visit);

}  // namespace ravelin::model
