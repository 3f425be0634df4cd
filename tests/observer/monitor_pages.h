// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What belongs to EL2, read from its own stage 1. Everything mapped there when the host is entered
// for the first time is the monitor's for good. Later pages come and go: each of them is the
// monitor's as long as it is mapped, unless the host has shared it by a call. EL2's tables are
// those of the 4 KiB granule with 48-bit addresses.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "hyp/base/types.h"
#include "tests/observer/memory.h"
#include "tests/observer/page_counts.h"

namespace ravelin::observer {

class MonitorPages {
 public:
  MonitorPages(const Memory& memory, PageCounts& watched)
      : memory_(&memory), watched_(&watched), fixed_(watched.ram()), mapped_(watched.ram()) {}

  [[nodiscard]] bool known() const { return !tables_.empty(); }
  // Reads the tables at TTBR0_EL2, once.
  void Learn(Pa root);
  // A word of one of the tables has changed; other words are of no interest.
  void Store(CpuIndex cpu, Pa entry, std::uint64_t value);
  // A whole table page may have changed.
  void Rescan(CpuIndex cpu, Pfn page);

  void Share(Pfn page) { shared_.insert(page.raw()); }
  void Unshare(Pfn page) { shared_.erase(page.raw()); }
  [[nodiscard]] bool IsShared(Pfn page) const { return shared_.contains(page.raw()); }

  // May be asked by every thread.
  [[nodiscard]] bool IsFixed(Pfn page) const { return fixed_.Any(page); }
  // No lower EL may be given the page.
  [[nodiscard]] bool IsMonitors(Pfn page) const {
    return fixed_.Any(page) || (mapped_.Any(page) && !IsShared(page));
  }
  // The first page of a range that is the monitor's; the range's end if none is.
  [[nodiscard]] Pfn FindMonitors(PfnRange pages) const;
  // Pages that this CPU has mapped into EL2 since it was asked last, and that still are.
  std::vector<Pfn> TakeFresh(CpuIndex cpu);

 private:
  void Link(Pfn table, unsigned level);
  void Map(std::uint64_t word, unsigned level);
  void Unmap(std::uint64_t word, unsigned level);

  struct Table {
    unsigned level = 0;
    std::vector<std::uint64_t> words;
  };

  const Memory* memory_;
  PageCounts* watched_;
  PageCounts fixed_;
  PageCounts mapped_;
  std::map<std::uint64_t, Table> tables_;  // by frame
  std::set<std::uint64_t> shared_;
  std::map<std::uint32_t, std::vector<Pfn>> fresh_;  // by CPU
};

}  // namespace ravelin::observer
