// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What TLBs may still hold: one entry for each valid descriptor that EL2 removed or restricted,
// until the CPU that did it has invalidated it everywhere. The sequence (Arm ARM D8, "TLB
// maintenance"): the store; DSB ISHST; TLBI of the address in stage 2; DSB ISH; TLBI of what
// stages 1 and 2 combined; DSB ISH. One TLBI that covers both stages replaces the two in the
// middle.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "hyp/base/types.h"
#include "tests/observer/decode.h"
#include "tests/observer/page_counts.h"
#include "tests/observer/report.h"

namespace ravelin::observer {

// A descriptor as it was before its change.
struct Removed {
  Place place;
  Pa entry;
  Vmid vmid;
  Ipa ipa;
  std::uint64_t span = 0;
  unsigned level = 0;
  bool table = false;
  bool populated = false;       // a table below which something was valid
  bool restricted = false;      // still valid, with fewer rights
  std::vector<PfnRange> pages;  // what could be reached through it, tables included
};

// One TLBI as executed.
struct Invalidation {
  Tlbi tlbi;
  std::uint64_t operand = 0;
  CpuIndex cpu;
  Vmid vmid;  // in VTTBR_EL2
};

class Invalidations {
 public:
  Invalidations(Report& report, PageCounts& watched) : report_(&report), watched_(&watched) {}

  void Add(Removed removed);
  void Observe(const Invalidation& invalidation);
  void Observe(CpuIndex cpu, const Dsb& dsb);

  // The CPU enters a lower EL: what it has removed must be gone. Reports and drops what is not.
  void Finish(Place place);

  // Whether TLBs may still hold something of this descriptor.
  [[nodiscard]] bool IsPending(Pa entry) const;
  // A page may still be reached through a descriptor that was removed. `vmid`: by any other VMID.
  [[nodiscard]] bool MayReach(PfnRange pages) const;
  [[nodiscard]] bool MayReachBeside(PfnRange pages, Vmid vmid) const;
  [[nodiscard]] bool empty() const { return pending_.empty(); }

 private:
  enum class Stage : std::uint8_t {
    kStored,
    kVisible,       // to the table walkers of all CPUs
    kStage2Issued,  // TLBI by IPA
    kStage2Done,
    kIssued,  // the last TLBI
    kDone,
  };
  // What was tried and did not count: it names the mistake.
  struct Attempts {
    bool scope = false;
    bool vmid = false;
    bool level = false;
    bool without_dsb = false;
  };
  struct Pending {
    Removed removed;
    Stage stage = Stage::kStored;
    Attempts attempts;
  };

  static bool Names(const Invalidation& invalidation, const Removed& removed);
  static void Advance(Pending& pending, const Invalidation& invalidation);
  static Rule Diagnose(const Pending& pending);
  void Drop(const std::function<bool(const Pending&)>& done);

  Report* report_;
  PageCounts* watched_;
  std::list<Pending> pending_;
};

}  // namespace ravelin::observer
