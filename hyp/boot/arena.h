// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The only allocator of the monitor: hands out the carve-out page by page while it boots. Closed
// before the host runs; what is left over then becomes the pool of the host's stage-2 tables.
#pragma once

#include <cstdint>

#include "hyp/base/invariant.h"
#include "hyp/base/types.h"

namespace ravelin::boot {

class Arena {
 public:
  constexpr explicit Arena(PfnRange free) : free_(free) {}

  // `count` contiguous pages, the first one aligned to `alignment` pages (a power of two). Their
  // contents are what the memory held. CarveoutSize makes sure that there are enough.
  PfnRange Take(PageCount count, std::uint64_t alignment = 1) {
    const std::uint64_t first = AlignUp(free_.first.raw(), alignment);
    const std::uint64_t skipped = first - free_.first.raw();
    Invariant(skipped + count.raw() <= free_.count.raw(), "the carve-out is sized for the boot");
    free_ = {Pfn{first + count.raw()}, PageCount{free_.count.raw() - skipped - count.raw()}};
    return {Pfn{first}, count};
  }

  // The rest. Nothing can be taken afterwards.
  PfnRange Close() {
    const PfnRange rest = free_;
    free_ = {};
    return rest;
  }

 private:
  PfnRange free_;
};

}  // namespace ravelin::boot
