// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Free pages for stage-2 tables: an intrusive list threaded through the free pages themselves. One
// pool serves the host's table (from the carve-out) and one each VM's or device domain's (donated
// by the host, VM_TOPUP). Owns the pages between Give and Take; all of them belong to the monitor
// and are mapped in it. Locking is the caller's: the lock of the table that the pool feeds.
// Invariants: a page is in the pool only when no table walk can reach it, so Give comes after the
// TLB invalidation; a reserved page is there when TakeReserved asks for it.
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
  // The same with any contents: the caller writes all of it.
  [[nodiscard]] Result<Pa> TakeUnwritten();
  // One of the reserved pages, with any contents.
  [[nodiscard]] Pa TakeReserved();

  // Adds a page; its contents do not matter.
  void Give(Pa page);
  // Adds a page that only TakeReserved takes.
  void GiveReserved(Pa page);
  // So many pages need no longer be kept in reserve.
  void Release(std::uint64_t pages);

  // Pages that Take may take.
  [[nodiscard]] PageCount free_count() const { return PageCount{pages_ - reserved_}; }
  [[nodiscard]] PageCount reserved_count() const { return PageCount{reserved_}; }

  // Whether `count` times Take will succeed: the check of "check, then commit".
  [[nodiscard]] bool Has(PageCount count) const { return count <= free_count(); }

 private:
  [[nodiscard]] Pa Pop();

  Pa head_;  // meaningless while pages_ is 0
  std::uint64_t pages_ = 0;
  std::uint64_t reserved_ = 0;
};

}  // namespace ravelin::stage2
