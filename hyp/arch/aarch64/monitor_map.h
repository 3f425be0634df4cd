// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The monitor's own stage-1 tables, once the early ones are gone: code RX, constants RO, data RW,
// nothing writable and executable, a guard page below each stack, and of RAM only what the monitor
// holds at the moment. Built once by the boot CPU; afterwards only leaf entries change, of pages
// that come and go (MapForMonitor) and of the per-CPU windows. Table pages for all of RAM exist
// from the start, so that mapping a page never fails.
#pragma once

#include <cstdint>
#include <span>

#include "hyp/base/types.h"
#include "hyp/boot/arena.h"

namespace ravelin {

// Builds the tables. The carve-out (`image` at its start, the rest after it) is mapped, all other
// RAM is only prepared for.
struct MonitorMapPlan {
  std::span<const PfnRange> ram;
  PfnRange carveout;
  Pa image;  // where the image will run
  std::uint64_t cpus;
};
void BuildMonitorMap(const MonitorMapPlan& plan, boot::Arena& arena);

// Physical address of the root, for TTBR0_EL2.
Pa MonitorMapRoot();

// Maps a device register page at boot and returns where.
Va MapDevice(Pa page, boot::Arena& arena);

// The first byte above the stack of a CPU.
Va StackTop(CpuIndex cpu);

// Maps the stack of a CPU; its slot's lowest page stays a guard.
void MapStack(CpuIndex cpu, boot::Arena& arena);

// A page of somebody else, visible to this CPU for as long as the object lives. One per CPU at a
// time; interrupts are masked at EL2, so that nothing comes between.
class PageWindow {
 public:
  explicit PageWindow(Pa page);
  ~PageWindow();
  PageWindow(const PageWindow&) = delete;
  PageWindow& operator=(const PageWindow&) = delete;

  [[nodiscard]] void* data() const { return reinterpret_cast<void*>(va_); }

 private:
  CpuIndex cpu_;
  std::uint64_t va_;
};

// For the panic path: forgets a window that this CPU was using.
void AbandonWindow();

}  // namespace ravelin
