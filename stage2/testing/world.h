// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A small machine for tests of Ownership: 5 MiB and 300 pages of RAM, a carve-out, and VMs whose
// roots are donated by the host as in VM_CREATE. One at a time, because the fake machine is global.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hyp/base/types.h"
#include "stage2/ownership/ownership.h"
#include "stage2/testing/history.h"

namespace ravelin::stage2::testing {

inline constexpr PageCount kOne{1};

constexpr PfnRange Pages(Pfn first, std::uint64_t count) { return {first, PageCount{count}}; }

class World {
 public:
  static constexpr Pfn kRamFirst{0x40000};
  static constexpr PageCount kRamPages{0x500};
  static constexpr PfnRange kCarveOut{Pfn{0x40000}, PageCount{0x80}};
  // Used for VM roots and pools; tests take from kFree on.
  static constexpr Pfn kMetadata{0x40080};
  static constexpr Pfn kFree{0x40100};
  static constexpr Pfn kBlock{0x40200};  // 2 MiB of the host, aligned
  static constexpr PfnRange kSecondRegion{Pfn{0x80010}, PageCount{300}};
  static constexpr Pfn kNotRam{0x50000};

  // A snapshot of everything that an operation may change.
  struct Snapshot {
    std::vector<PageRecord> records;
    std::vector<std::uint64_t> counters;
    std::size_t events;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };

  explicit World(std::uint64_t host_tables = 0x70);

  [[nodiscard]] Ownership& ownership() { return ownership_; }
  // Creates a VM with `pool` table pages.
  VmMemory& AddVm(std::uint32_t handle, std::uint64_t pool = 8, unsigned ipa_bits = 32);
  // A page of the host that nobody else in this test has asked for, from kMetadata on.
  [[nodiscard]] Pfn TakeHostPages(std::uint64_t count, std::uint64_t alignment = 1);

  [[nodiscard]] PageRecord RecordOf(Pfn pfn) const { return *ownership_.RecordOf(pfn); }
  [[nodiscard]] PageState StateOf(Pfn pfn) const { return stage2::StateOf(RecordOf(pfn)); }

  [[nodiscard]] Snapshot Take() const;
  void AllowSharing(Pfn pfn) { history_.AllowSharing(pfn); }

  // Every table is the function of the records that it has to be; else what is wrong.
  [[nodiscard]] std::vector<std::string> Inconsistencies() const;
  // What History says of all that has happened.
  [[nodiscard]] std::vector<std::string> Breaches() const;

 private:
  void CheckPage(Pfn pfn, std::vector<std::string>& wrong) const;
  void CheckHostEntry(Pfn pfn, PageState state, std::vector<std::string>& wrong) const;
  void CheckVmEntry(Pfn pfn, const PageRecord& record, std::vector<std::string>& wrong) const;

  std::vector<PageRecord> records_;
  Ownership ownership_;
  std::map<std::uint32_t, std::unique_ptr<VmMemory>> vms_;
  History history_;
  std::uint64_t taken_ = 0;
};

}  // namespace ravelin::stage2::testing
