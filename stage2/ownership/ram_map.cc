// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/ownership/ram_map.h"

#include "hyp/base/bits.h"

namespace ravelin::stage2 {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{1} << (kMaxAddressBits - kPageShift);

bool IsSane(PfnRange range) {
  return range.first.raw() < kFrames && range.count.raw() != 0 &&
         range.count.raw() <= kFrames - range.first.raw();
}

bool Disjoint(PfnRange a, PfnRange b) { return a.end() <= b.first || b.end() <= a.first; }

}  // namespace

Result<void> RamMap::Init(std::span<const PfnRange> regions) {
  for (const PfnRange& region : regions) {
    RAVELIN_TRY(Insert(region));
  }
  MergeNeighbours();
  std::uint64_t index = 0;
  for (unsigned i = 0; i < count_; ++i) {
    first_index_[i] = index;
    index += regions_[i].count.raw();
  }
  total_ = PageCount{index};
  return {};
}

Result<void> RamMap::Insert(PfnRange range) {
  if (!IsSane(range)) {
    return Failure{Error::kInvalidArgument};
  }
  if (count_ == kMaxRegions) {
    return Failure{Error::kLimit};
  }
  for (unsigned i = 0; i < count_; ++i) {
    if (!Disjoint(regions_[i], range)) {
      return Failure{Error::kInvalidArgument};
    }
  }
  unsigned slot = count_++;
  for (; slot > 0 && range.first < regions_[slot - 1].first; --slot) {
    regions_[slot] = regions_[slot - 1];
  }
  regions_[slot] = range;
  return {};
}

void RamMap::MergeNeighbours() {
  unsigned merged = 0;
  for (unsigned i = 1; i < count_; ++i) {
    if (regions_[merged].end() == regions_[i].first) {
      regions_[merged].count = PageCount{regions_[merged].count.raw() + regions_[i].count.raw()};
      continue;
    }
    regions_[++merged] = regions_[i];
  }
  count_ = count_ == 0 ? 0 : merged + 1;
}

Result<std::uint64_t> RamMap::IndexOf(PfnRange range) const {
  for (unsigned i = 0; i < count_; ++i) {
    const PfnRange& region = regions_[i];
    if (!region.Contains(range.first)) {
      continue;
    }
    const std::uint64_t offset = range.first.raw() - region.first.raw();
    if (range.count.raw() > region.count.raw() - offset) {
      break;
    }
    return first_index_[i] + ClampIndex(offset, region.count.raw());
  }
  return Failure{Error::kNotRam};
}

bool RamMap::Contains(Pfn pfn) const { return IndexOf({pfn, PageCount{1}}).has_value(); }

bool RamMap::Overlaps(PfnRange range) const {
  for (const PfnRange& region : regions()) {
    if (!Disjoint(region, range)) {
      return true;
    }
  }
  return false;
}

}  // namespace ravelin::stage2
