// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A counter for each page of RAM. Changed under the checker's lock; Any() may be asked by every
// thread without it, because most accesses of EL2 are of no interest and have to be passed over
// quickly. A page becomes interesting by an earlier event, so that an answer is never too late for
// the CPU that caused it.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "hyp/base/types.h"

namespace ravelin::observer {

class PageCounts {
 public:
  explicit PageCounts(PfnRange ram) : ram_(ram), counts_(ram.count.raw()) {}

  [[nodiscard]] const PfnRange& ram() const { return ram_; }

  [[nodiscard]] bool Any(Pfn page) const {
    return ram_.Contains(page) && Count(page).load(std::memory_order_relaxed) != 0;
  }

  // Pages outside of RAM are not counted.
  void Add(PfnRange pages) { Change(pages, 1); }
  void Remove(PfnRange pages) { Change(pages, -1); }

 private:
  [[nodiscard]] const std::atomic<std::int32_t>& Count(Pfn page) const {
    return counts_[page.raw() - ram_.first.raw()];
  }

  void Change(PfnRange pages, std::int32_t by) {
    for (Pfn page = pages.first; page < pages.end(); page = page + PageCount{1}) {
      if (ram_.Contains(page)) {
        counts_[page.raw() - ram_.first.raw()].fetch_add(by, std::memory_order_relaxed);
      }
    }
  }

  PfnRange ram_;
  std::vector<std::atomic<std::int32_t>> counts_;
};

}  // namespace ravelin::observer
