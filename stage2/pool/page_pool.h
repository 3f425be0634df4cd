// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Free pages for stage-2 tables: an intrusive list threaded through the free pages themselves. One
// pool serves the host's table (from the carve-out) and one each VM's (donated by the host,
// VM_TOPUP). Owns the pages between Give and Take; all of them belong to the monitor and are mapped
// in it. Locking is the caller's: the lock of the table that the pool feeds. Invariant: a page is
// in the pool only when no table walk can reach it, so Give comes after the TLB invalidation.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::stage2 {

class PagePool {
 public:
  constexpr PagePool() = default;
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A zeroed page. kNoMemory: none is left. The zeros are not yet published to table walks.
  [[nodiscard]] Result<Pa> Take();

  // Adds a page; its contents do not matter.
  void Give(Pa page);

  [[nodiscard]] PageCount free_count() const { return PageCount{free_count_}; }

  // Whether `count` times Take will succeed: the check of "check, then commit".
  [[nodiscard]] bool Has(PageCount count) const { return count.raw() <= free_count_; }

 private:
  Pa head_;  // meaningless while free_count_ is 0
  std::uint64_t free_count_ = 0;
};

}  // namespace ravelin::stage2
