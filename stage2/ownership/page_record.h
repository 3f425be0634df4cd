// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// PageRecord: who owns a page of RAM, to whom it is lent, and how often it is pinned; the single
// source of truth of which every translation table is a function (docs/architecture.md). Written
// only by Ownership, with Rank::kOwnership held. Invariant: all zeros means "the host's alone", so
// that an array of records needs nothing but zeroing.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"

namespace ravelin::stage2 {

enum class Owner : std::uint8_t { kHost = 0, kMonitor = 1, kVm = 2 };

enum class Borrower : std::uint8_t { kNone = 0, kHost = 1, kMonitor = 2, kVm = 3 };

struct PageRecord {
  // A page of a VM (as owner or borrower): its guest frame. VM metadata: the frame of the next page
  // of the list, which so costs no memory. At most 36 bits are used.
  std::uint64_t frame = 0;
  // The VM that owns or borrows the page, or whose metadata it holds; else kNoVm.
  VmHandle vm;
  // Uses of a borrowed page that must end before its loan can.
  std::uint16_t pins = 0;
  Owner owner = Owner::kHost;
  Borrower borrower = Borrower::kNone;

  friend constexpr bool operator==(const PageRecord&, const PageRecord&) = default;
};

static_assert(sizeof(PageRecord) == 16, "the records of 1 GiB take 4 MiB");
static_assert(PageRecord{} ==
              PageRecord{
                  .frame = 0, .vm = kNoVm, .pins = 0, .owner = Owner{0}, .borrower = Borrower{0}});

}  // namespace ravelin::stage2
