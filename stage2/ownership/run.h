// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs of page records that are alike, which are decided about once. Private to stage2/ownership;
// the caller holds Rank::kOwnership.
#pragma once

#include <cstddef>
#include <span>

#include "stage2/ownership/page_record.h"

namespace ravelin::stage2 {

// Behind the records from `first` on that are equal.
inline std::size_t EndOfRun(std::span<const PageRecord> records, std::size_t first) {
  std::size_t end = first + 1;
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

inline void FillRun(std::span<PageRecord> records, std::size_t first, std::size_t end,
                    PageRecord record) {
  for (std::size_t at = first; at < end; ++at) {
    records[at] = record;
  }
}

}  // namespace ravelin::stage2
