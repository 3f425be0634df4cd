// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// RecordMap: which pages have a record, of which kind they are, and which record it is. Filled once
// at boot from the device tree, then constant, so that it needs no lock. All questions are
// overflow-safe for untrusted numbers. Invariant: regions are sorted and disjoint, and neighbours
// of the same kind are merged, hence a range is of one kind throughout exactly if one region holds
// all of it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hyp/base/bits.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::stage2 {

enum class PageKind : std::uint8_t {
  kRam,
  kMmio,  // registers of devices: no contents to wipe or to clean
};

class RecordMap {
 public:
  static constexpr unsigned kMaxRegions = 64;

  struct Region {
    PfnRange range;
    std::uint64_t first_index = 0;
    PageKind kind = PageKind::kRam;
  };
  // Where the record of the first page of a range is, and what kind all its pages are of.
  struct Place {
    std::uint64_t index;
    PageKind kind;

    friend constexpr bool operator==(const Place&, const Place&) = default;
  };

  constexpr RecordMap() = default;

  // Once. kInvalidArgument: a region is empty, beyond 48 bits, or overlaps another; kLimit: too
  // many.
  [[nodiscard]] Result<void> Init(std::span<const PfnRange> ram, std::span<const PfnRange> mmio);

  // kNotRam: a page has no record, or the range is not of one kind.
  [[nodiscard]] Result<Place> Find(PfnRange range) const {
    for (const Region& region : regions()) {
      const std::uint64_t offset = range.first.raw() - region.range.first.raw();
      const std::uint64_t pages = region.range.count.raw();
      if (offset < pages && range.count.raw() <= pages - offset) {
        return Place{region.first_index + ClampIndex(offset, pages), region.kind};
      }
    }
    return Failure{Error::kNotRam};
  }
  [[nodiscard]] bool Contains(Pfn pfn) const { return Find({pfn, PageCount{1}}).has_value(); }
  // Whether any page of `range`, which does not wrap, has a record.
  [[nodiscard]] bool Overlaps(PfnRange range) const;

  [[nodiscard]] PageCount total() const { return total_; }
  // Sorted by address.
  [[nodiscard]] std::span<const Region> regions() const { return {regions_.data(), count_}; }

 private:
  [[nodiscard]] Result<void> Insert(PfnRange range, PageKind kind);
  void MergeNeighbours();

  std::array<Region, kMaxRegions> regions_{};
  unsigned count_ = 0;
  PageCount total_;
};

}  // namespace ravelin::stage2
