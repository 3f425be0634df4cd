// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls. Whatever the arguments: registers are preserved, the status is one that
// hyp/abi/host_call.h names for the call, and a failed call has no results.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hyp/abi/host_call.h"

namespace ravelin::storm {

inline constexpr std::uint64_t kPageSize = 4096;

using Words = std::array<std::uint64_t, 7>;  // x0..x6

struct Answer {
  std::int64_t status;
  std::uint64_t value;

  [[nodiscard]] bool ok() const { return status == RAVELIN_SUCCESS; }
};

// A set of statuses: bit n is status -n, bit 15 INCOMPLETE.
using Statuses = std::uint32_t;
inline constexpr std::size_t kIncompleteBit = 15;
inline constexpr std::size_t kUndocumentedBit = 31;

constexpr Statuses Just(std::int64_t status) {
  if (status == RAVELIN_INCOMPLETE) {
    return 1U << kIncompleteBit;
  }
  return status <= 0 && status >= -14 ? 1U << -status : 1U << kUndocumentedBit;
}

// How many arguments call `number` has.
std::size_t ArgumentsOf(std::uint64_t number);

// Call `number` of hyp/abi/host_call.h. What must hold for every call is checked: Fail otherwise.
Answer Call(std::uint64_t number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
            std::uint64_t d = 0, std::uint64_t e = 0, std::uint64_t f = 0);
// A call of three arguments on a range, to its end: false if a part of it fails.
bool CallOnRange(std::uint64_t number, std::uint64_t handle, std::uint64_t first,
                 std::uint64_t count);
// VM_DONATE likewise.
bool DonateRange(std::uint64_t handle, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t count);
// Any registers; nothing but preserved registers is checked.
Answer CallRaw(const Words& in);
// INFO(item, argument), or Fail.
std::uint64_t Info(std::uint64_t item, std::uint64_t argument = 0);

// Facts that do not change.
struct Facts {
  std::uint64_t carveout_pfn;
  std::uint64_t carveout_pages;
  std::uint64_t vm_pages;
  std::uint64_t vcpu_pages;
  std::uint64_t max_vcpus;
  std::uint64_t ram_end_pfn;
};
void ReadFacts();
const Facts& TheFacts();

// What must be as before when all VMs are gone.
struct Counters {
  std::uint64_t donated;
  std::uint64_t live;
  std::uint64_t free;

  friend bool operator==(const Counters&, const Counters&) = default;
};
Counters ReadCounters();
void RequireCounters(const Counters& expected);

struct LastCall {
  Words in;
  std::array<std::uint64_t, 4> out;
};
const LastCall& TheLastCall();

struct Statistics {
  std::uint64_t calls;
  std::array<std::uint64_t, 16> by_status;
  std::array<std::uint64_t, RAVELIN_HOST_CALL_COUNT> successes;
};
// Sums of all CPUs since the last time. Others are off.
Statistics TakeStatistics();

}  // namespace ravelin::storm
