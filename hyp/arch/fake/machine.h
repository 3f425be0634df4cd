// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The build machine as an implementation of stage2/machine.h, for tests. Physical memory is sparse
// and consists of real atomics, so that ThreadSanitizer sees what the hardware would; every write
// of a descriptor and every maintenance operation is logged in order, so that a test can go back
// through all states in which another CPU could have looked. One global machine; Reset between
// tests. Entries may be used by several threads, the log is under its own lock.
#pragma once

#include <cstdint>
#include <vector>

#include "hyp/base/types.h"

namespace ravelin::fake {

struct Event {
  enum class Kind : std::uint8_t {
    kStore,  // address, value
    kPublish,
    kZeroTable,  // address
    kWipe,       // address
    kClean,      // address
    kInvalidateInstructions,
    kInvalidatePages,  // vmid, address (IPA), value (pages)
    kInvalidateVm,     // vmid
    kMapMonitor,       // address, value (pages)
    kUnmapMonitor,     // address, value (pages)
  };

  Kind kind = Kind::kPublish;
  Vmid vmid{0};
  std::uint64_t address = 0;
  std::uint64_t value = 0;

  friend bool operator==(const Event&, const Event&) = default;
};

// Forgets memory, mappings of the monitor, the log and injected failures.
void Reset();

// The log since Reset or ClearLog.
[[nodiscard]] std::vector<Event> Log();
void ClearLog();

// Contents of memory, not logged. Untouched memory is 0.
[[nodiscard]] std::uint64_t Peek(Pa address);
void Poke(Pa address, std::uint64_t value);

// Objects that lie within so many pages, aligned to their number, are contiguous for MonitorBytes.
inline constexpr std::uint64_t kContiguousPages = 8;

// The memory at `address`, in a page that the monitor maps. What is done to it is not logged.
[[nodiscard]] void* MonitorBytes(Pa address);

// Whether the monitor maps the page now.
[[nodiscard]] bool IsMappedForMonitor(Pfn pfn);

// ReserveMonitorMap succeeds `count` more times, and then fails with kNoMemory.
void FailReserveAfter(std::uint64_t count);

}  // namespace ravelin::fake
