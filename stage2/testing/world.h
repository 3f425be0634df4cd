// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A small machine for tests of Ownership: 5 MiB and 300 pages of RAM, a carve-out, memory of the
// secure world, devices, and VMs and device domains whose roots are donated by the host as in
// VM_CREATE. One at a time, because the fake machine is global.
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

// Calls again behind what is done until the range ends, as a host does. `part` gets what is left
// and how much is done.
template <typename Part>
Result<void> Whole(PfnRange range, Part part) {
  for (std::uint64_t done = 0; done < range.count.raw();) {
    const PfnRange rest = Pages(range.first + PageCount{done}, range.count.raw() - done);
    RAVELIN_TRY_ASSIGN(pages, part(rest, PageCount{done}));
    done += pages.raw();
  }
  return {};
}

class World {
 public:
  static constexpr Pfn kRamFirst{0x40000};
  static constexpr PageCount kRamPages{0x500};
  static constexpr PfnRange kCarveOut{Pfn{0x40000}, PageCount{0x80}};
  // Used for VM roots and pools; tests take from kFree on.
  static constexpr Pfn kMetadata{0x40080};
  static constexpr Pfn kFree{0x40100};
  static constexpr Pfn kBlock{0x40200};  // 2 MiB of the host, aligned
  static constexpr PfnRange kSecure{Pfn{0x404f0}, PageCount{0x10}};
  static constexpr PfnRange kSecondRegion{Pfn{0x80010}, PageCount{300}};
  static constexpr PfnRange kMmio{Pfn{0xc0100}, PageCount{16}};
  static constexpr PfnRange kMonitorMmio{Pfn{0xc010c}, PageCount{4}};
  static constexpr Pfn kNotRam{0x50000};

  // A snapshot of everything that an operation may change.
  struct Snapshot {
    std::vector<PageRecord> records;
    std::vector<std::uint64_t> counters;
    std::size_t events;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };

  explicit World(std::uint64_t host_tables = 0x70,
                 Ownership::SecureSharing sharing = Ownership::SecureSharing::kAllowed);

  [[nodiscard]] Ownership& ownership() { return ownership_; }
  // Creates a VM with `pool` table pages.
  VmMemory& AddVm(std::uint16_t number, std::uint64_t pool = 8, unsigned ipa_bits = 32);
  // The same for devices, with a space of 32 bits.
  DeviceDomain& AddDomain(std::uint16_t number, std::uint64_t pool = 8);
  // A page of the host that nobody else in this test has asked for, from kMetadata on.
  [[nodiscard]] Pfn TakeHostPages(std::uint64_t count, std::uint64_t alignment = 1);

  [[nodiscard]] PageRecord RecordOf(Pfn pfn) const { return *ownership_.RecordOf(pfn); }
  [[nodiscard]] PageState StateOf(Pfn pfn) const { return RecordOf(pfn).state(); }

  [[nodiscard]] Snapshot Take() const;
  void AllowSharing(Pfn pfn) { history_.AllowSharing(pfn); }
  void AllowSharing(PfnRange range);

  // Every table is the function of the records that it has to be; else what is wrong.
  [[nodiscard]] std::vector<std::string> Inconsistencies() const;
  // What History says of all that has happened.
  [[nodiscard]] std::vector<std::string> Breaches() const;

 private:
  using Wrong = std::vector<std::string>;
  // Mappings of each page in VMs and in device domains.
  struct Counts {
    std::map<std::uint64_t, Uses> uses;
    std::map<std::uint16_t, std::uint64_t> owned;  // pages of each holder, by the records
  };

  struct Root {
    Pa address;
    MetadataList list;
  };
  [[nodiscard]] Root DonateRoot(std::uint16_t number, Geometry geometry);
  void FillPool(AddressSpace& space, std::uint64_t pool);
  [[nodiscard]] std::vector<AddressSpace*> Spaces() const;

  void CheckPage(Pfn pfn, Counts& counts, Wrong& wrong) const;
  void CheckHostEntry(Pfn pfn, PageState state, Wrong& wrong) const;
  void CheckSpace(const AddressSpace& space, bool devices, Counts& counts, Wrong& wrong) const;

  std::vector<PageRecord> records_;
  Ownership ownership_;
  std::map<std::uint16_t, std::unique_ptr<VmMemory>> vms_;
  std::map<std::uint16_t, std::unique_ptr<DeviceDomain>> domains_;
  History history_;
  std::uint64_t taken_ = 0;
};

}  // namespace ravelin::stage2::testing
