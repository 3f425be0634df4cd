// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the lock of page ownership: Ownership itself, or, in the image
// //hyp:ravelin_checked, Ownership with the executable specification beside it (tests/model). The
// platform decides; the monitor's own code does not know the difference.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#ifdef RAVELIN_CHECKED_OWNERSHIP
#include "tests/model/checked_ownership.h"
#else
#include "stage2/ownership/ownership.h"
#endif

namespace ravelin {

#ifdef RAVELIN_CHECKED_OWNERSHIP

using Pages = model::CheckedOwnership;

// Memory of the carve-out that checks need.
inline PageCount MemoryForChecks(std::uint64_t ram_pages) { return Pages::MemoryFor(ram_pages); }

// Items of INFO that only this image has: "compare the next part of the world" -> whether it was
// the last part; "how many operations have been compared".
inline constexpr std::uint64_t kInfoCheckNextPart = 0x1000;
inline constexpr std::uint64_t kInfoCheckedOperations = 0x1001;

// `lock`: that of page ownership.
template <typename Lock>
Result<std::uint64_t> InfoOfChecks(Lock& lock, std::uint64_t item) {
  const auto pages = lock.Lock();
  if (item == kInfoCheckNextPart) {
    return pages->CheckNextPart() ? 1 : 0;
  }
  if (item == kInfoCheckedOperations) {
    return pages->operations();
  }
  return Failure{Error::kInvalidArgument};
}

#else

using Pages = stage2::Ownership;

constexpr PageCount MemoryForChecks(std::uint64_t /*ram_pages*/) { return PageCount{0}; }

template <typename Lock>
Result<std::uint64_t> InfoOfChecks(Lock& /*lock*/, std::uint64_t /*item*/) {
  return Failure{Error::kInvalidArgument};
}

#endif

}  // namespace ravelin
