// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// How much of a range one visit of EL2 does. EL2 is not preemptible: the goal is that no visit
// takes more than 5,000 instructions (tests/bench holds the figures against it; the longest ones
// wipe pages and split a block, or make one whole, and take up to 7,000 today). An operation does
// the first part of its range, all of it or nothing, and returns how many pages that was; its
// caller goes on behind them. A part never crosses a boundary of 2 MiB, so that it concerns one
// table at the lowest level. Pure functions of untrusted numbers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hyp/abi/host_call.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/format/geometry.h"

namespace ravelin::stage2::visit {

// Pages of which the contents are wiped or cleaned.
inline constexpr std::uint64_t kPrepared = 8;
// Pages that are mapped one by one.
inline constexpr std::uint64_t kSingle = 32;
// Pages that one block maps.
inline constexpr std::uint64_t kBlock = LevelPages(kBlock2MLevel);

// kInvalidArgument: a range is 1 to RAVELIN_MAX_RANGE pages.
constexpr Result<void> CheckCount(PageCount count) {
  if (count.raw() == 0 || count.raw() > RAVELIN_MAX_RANGE) {
    return Failure{Error::kInvalidArgument};
  }
  return {};
}

// From `frame` to the next boundary of 2 MiB.
constexpr std::uint64_t ToBoundary(std::uint64_t frame) { return kBlock - frame % kBlock; }

// The part of a range that is prepared for its next owner.
constexpr PageCount Prepared(std::uint64_t frame, PageCount count) {
  return PageCount{std::min({count.raw(), kPrepared, ToBoundary(frame)})};
}

// The part of a range whose contents stay. `blocks`: all that has to be aligned for a block is.
constexpr PageCount Mapped(std::uint64_t frame, PageCount count, bool blocks) {
  if (blocks && count.raw() >= kBlock) {
    return PageCount{kBlock};
  }
  return PageCount{std::min({count.raw(), kSingle, ToBoundary(frame)})};
}

static_assert(Prepared(0, PageCount{600}) == PageCount{8});
static_assert(Prepared(511, PageCount{600}) == PageCount{1});
static_assert(Mapped(512, PageCount{600}, true) == PageCount{512});
static_assert(Mapped(512, PageCount{600}, false) == PageCount{32});
static_assert(Mapped(500, PageCount{600}, false) == PageCount{12});

}  // namespace ravelin::stage2::visit
