// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs of page records that are alike, which are decided about once. Private to stage2/ownership;
// the caller holds Rank::kOwnership.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "stage2/ownership/page_record.h"

namespace ravelin::stage2 {

// Records that are compared or written without a branch between them, so that a block stays cheap.
inline constexpr std::size_t kAtOnce = 16;
using Unrolled = std::make_index_sequence<kAtOnce>;

// Whether kAtOnce records from `first` on are `record`.
template <std::size_t... kIndex>
bool AllAre(const PageRecord* first, PageRecord record, std::index_sequence<kIndex...>) {
  return ((first[kIndex].word() ^ record.word()) | ...) == 0;
}

template <std::size_t... kIndex>
void SetAll(PageRecord* first, PageRecord record, std::index_sequence<kIndex...>) {
  ((first[kIndex] = record), ...);
}

// Behind the records from `first` on that are equal.
inline std::size_t EndOfRun(std::span<const PageRecord> records, std::size_t first) {
  std::size_t end = first + 1;
  while (end + kAtOnce <= records.size() && AllAre(&records[end], records[first], Unrolled{})) {
    end += kAtOnce;
  }
  while (end < records.size() && records[end] == records[first]) {
    ++end;
  }
  return end;
}

// Behind the records from `first` on that have the same state.
inline std::size_t EndOfState(std::span<const PageRecord> records, std::size_t first) {
  std::size_t end = first + 1;
  while (end < records.size() && records[end].state() == records[first].state()) {
    ++end;
  }
  return end;
}

// Behind the records from `first` on that name consecutive frames.
inline std::size_t EndOfFrames(std::span<const PageRecord> records, std::size_t first) {
  std::size_t end = first + 1;
  while (end < records.size() && records[end].frame() == records[first].frame() + (end - first)) {
    ++end;
  }
  return end;
}

inline void FillRun(std::span<PageRecord> records, PageRecord record) {
  std::size_t at = 0;
  for (; at + kAtOnce <= records.size(); at += kAtOnce) {
    SetAll(&records[at], record, Unrolled{});
  }
  for (; at < records.size(); ++at) {
    records[at] = record;
  }
}

}  // namespace ravelin::stage2
