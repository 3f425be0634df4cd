// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// All rules together: what EL2 does on each CPU goes in, in program order of each CPU; violations
// and figures come out. Knows QEMU as little as QEMU knows it, so that a test can play the trace of
// any mistake. Not thread-safe, but for the questions that say so.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <ostream>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hyp/base/types.h"
#include "tests/observer/decode.h"
#include "tests/observer/forest.h"
#include "tests/observer/invalidations.h"
#include "tests/observer/memory.h"
#include "tests/observer/monitor_pages.h"
#include "tests/observer/page_counts.h"
#include "tests/observer/report.h"
#include "tests/observer/visits.h"

namespace ravelin::observer {

// The registers at the first instruction of a visit.
struct Entry {
  bool start = false;        // not an exception: the CPU has been switched on
  std::uint64_t vector = 0;  // offset into the vector table
  std::uint64_t esr = 0;
  std::array<std::uint64_t, 5> x{};  // of the lower EL
};

class Checker {
 public:
  struct Limits {
    PfnRange ram;
    std::uint64_t visit = 0;  // instructions
  };
  Checker(const Memory& memory, const Limits& limits);

  void Enter(Place place, const Entry& entry, std::uint64_t count);
  // At ERET; x: what the lower EL gets.
  void Leave(Place place, const std::array<std::uint64_t, 2>& x, std::uint64_t count);
  // Before an instruction other than ERET: `operand` is Xt.
  void Execute(Place place, const Instruction& instruction, std::uint64_t operand);

  // A load or store of EL2, after it. Only where IsWatched or MayBeShared says so.
  void Load(Place place, Pa address, std::uint64_t size);
  void Store(Place place, Pa address, std::uint64_t value);  // an aligned word
  // Any part of the page may have been written.
  void Write(Place place, Pfn page);
  // Before a DC ZVA to the page: what it does is looked up at the CPU's next event.
  void Zero(Place place, Pfn page);

  // May be asked by every thread.
  [[nodiscard]] bool IsWatched(Pfn page) const { return watched_.Any(page); }
  [[nodiscard]] bool MayBeShared(Pfn page) const {
    return watched_.ram().Contains(page) && !monitor_.IsFixed(page);
  }

  [[nodiscard]] const Report& report() const { return report_; }
  void Print(std::ostream& out) const;

 private:
  struct CpuState {
    std::uint64_t vttbr = 0;
    std::uint64_t vtcr = 0;
    std::uint64_t hcr = 0;
    std::uint64_t ttbr0 = 0;
    bool vttbr_in_flight = false;  // written, and no ISB yet
    Tree* tree = nullptr;          // of the lower EL that runs, or ran last
    bool away = false;             // at a lower EL
    Entry entry;
    std::unordered_map<std::uint64_t, std::uint8_t> fetched;  // bytes by word, in this visit
    std::vector<std::pair<Place, Pfn>> zeroing;               // pages, since the last event
  };

  static Cause CauseOf(const CpuState& cpu);
  void Settle(CpuState& cpu);
  void Declare(CpuState& cpu);
  void Invalidate(Place place, const Instruction& instruction, std::uint64_t operand);
  void FinishCall(Place place, CpuState& cpu, const std::array<std::uint64_t, 2>& x);
  void FinishHostCall(Place place, const CpuState& cpu, std::uint64_t result);
  void Withdraw(Place place, Tree& tree, Ipa first, std::uint64_t pages);
  void FinishMonitorPages(Place place);
  void CheckReuse(Place place, Pfn page);

  Report report_;
  PageCounts watched_;
  MonitorPages monitor_;
  Invalidations invalidations_;
  Forest forest_;
  Visits visits_;
  std::map<std::uint32_t, CpuState> cpus_;
  std::array<std::uint64_t, 6> tlbis_{};  // by TlbiTarget
};

}  // namespace ravelin::observer
