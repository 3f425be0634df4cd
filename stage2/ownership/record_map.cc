// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/ownership/record_map.h"

namespace ravelin::stage2 {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{1} << (kMaxAddressBits - kPageShift);

bool IsSane(PfnRange range) {
  return range.first.raw() < kFrames && range.count.raw() != 0 &&
         range.count.raw() <= kFrames - range.first.raw();
}

bool Disjoint(PfnRange a, PfnRange b) { return a.end() <= b.first || b.end() <= a.first; }

}  // namespace

Result<void> RecordMap::Init(std::span<const PfnRange> ram, std::span<const PfnRange> mmio) {
  for (const PfnRange& range : ram) {
    RAVELIN_TRY(Insert(range, PageKind::kRam));
  }
  for (const PfnRange& range : mmio) {
    RAVELIN_TRY(Insert(range, PageKind::kMmio));
  }
  MergeNeighbours();
  std::uint64_t index = 0;
  for (unsigned i = 0; i < count_; ++i) {
    regions_[i].first_index = index;
    index += regions_[i].range.count.raw();
  }
  total_ = PageCount{index};
  return {};
}

Result<void> RecordMap::Insert(PfnRange range, PageKind kind) {
  if (!IsSane(range) || Overlaps(range)) {
    return Failure{Error::kInvalidArgument};
  }
  if (count_ == kMaxRegions) {
    return Failure{Error::kLimit};
  }
  unsigned slot = count_++;
  for (; slot > 0 && range.first < regions_[slot - 1].range.first; --slot) {
    regions_[slot] = regions_[slot - 1];
  }
  regions_[slot] = {.range = range, .first_index = 0, .kind = kind};
  return {};
}

void RecordMap::MergeNeighbours() {
  unsigned merged = 0;
  for (unsigned i = 1; i < count_; ++i) {
    Region& last = regions_[merged];
    const Region next = regions_[i];
    if (last.range.end() == next.range.first && last.kind == next.kind) {
      last.range.count = PageCount{last.range.count.raw() + next.range.count.raw()};
      continue;
    }
    regions_[++merged] = next;
  }
  count_ = count_ == 0 ? 0 : merged + 1;
}

bool RecordMap::Overlaps(PfnRange range) const {
  for (const Region& region : regions()) {
    if (!Disjoint(region.range, range)) {
      return true;
    }
  }
  return false;
}

}  // namespace ravelin::stage2
