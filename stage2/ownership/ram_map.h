// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// RamMap: where RAM is, and which record belongs to which frame. Filled once at boot from the
// device tree, then constant, so that it needs no lock. All questions are overflow-safe for
// untrusted numbers. Invariant: regions are sorted, disjoint and not adjacent (neighbours are
// merged), hence a range is RAM exactly if one region holds all of it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::stage2 {

class RamMap {
 public:
  static constexpr unsigned kMaxRegions = 32;

  constexpr RamMap() = default;

  // Once. kInvalidArgument: empty, beyond 48 bits, or overlapping; kLimit: too many.
  [[nodiscard]] Result<void> Init(std::span<const PfnRange> regions);

  // The record index of the first frame of a range that is RAM throughout. kNotRam.
  [[nodiscard]] Result<std::uint64_t> IndexOf(PfnRange range) const;
  [[nodiscard]] bool Contains(Pfn pfn) const;
  // Whether any frame of `range`, which does not wrap, is RAM.
  [[nodiscard]] bool Overlaps(PfnRange range) const;

  [[nodiscard]] PageCount total() const { return total_; }
  // Sorted by address.
  [[nodiscard]] std::span<const PfnRange> regions() const { return {regions_.data(), count_}; }

 private:
  [[nodiscard]] Result<void> Insert(PfnRange range);
  void MergeNeighbours();

  std::array<PfnRange, kMaxRegions> regions_{};
  std::array<std::uint64_t, kMaxRegions> first_index_{};
  unsigned count_ = 0;
  PageCount total_;
};

}  // namespace ravelin::stage2
