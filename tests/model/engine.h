// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The real engine, stage2/ on the fake machine, behind the same operations as the specification.
// One at a time, because the fake machine is global.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hyp/base/result.h"
#include "stage2/ownership/ownership.h"
#include "tests/model/specification.h"
#include "tests/model/walker.h"

namespace ravelin::model {

class Engine {
 public:
  static constexpr std::uint64_t kAdvised = ~std::uint64_t{0};

  // `host_tables`: pages in the pool of the host's table; kAdvised: what the engine asks for. The
  // first range of the monitor holds the host's root and, from its 9th page on, this pool.
  explicit Engine(const Layout& layout, std::uint64_t host_tables = kAdvised);

  // -> how many pages of a range were done; else 1.
  [[nodiscard]] Result<std::uint64_t> Apply(const Operation& operation);
  // Of the last kAge.
  [[nodiscard]] std::uint64_t last_young() const { return last_young_; }

  [[nodiscard]] stage2::Ownership& ownership() { return ownership_; }
  [[nodiscard]] const stage2::Ownership& ownership() const { return ownership_; }
  [[nodiscard]] std::uint64_t host_tables() const { return host_tables_; }
  [[nodiscard]] Tree HostTree() const;

  // Of a VM or device domain: nullptr if it does not live.
  [[nodiscard]] const stage2::PageTable* TableOf(unsigned space) const;
  // Only while it lives.
  [[nodiscard]] Tree TreeOf(unsigned space) const;
  [[nodiscard]] stage2::VmMemory& VmAt(unsigned space) { return *slots_[space].vm; }
  [[nodiscard]] std::uint64_t MetadataCount(unsigned space) const;
  [[nodiscard]] std::uint64_t PageCountOf(unsigned space) const;

 private:
  struct Slot {
    std::unique_ptr<stage2::VmMemory> vm;  // while it lives, one of the two
    std::unique_ptr<stage2::DeviceDomain> domain;
    stage2::MetadataList rest;  // afterwards
  };

  struct Calls;

  [[nodiscard]] stage2::AddressSpace* SpaceAt(unsigned space) const;
  Result<void> CreateSpace(const Operation& operation);
  Result<void> DonateMonitor(const Operation& operation);
  Result<void> HostWrite(const Operation& operation) const;
  Result<void> GuestUse(const Operation& operation);
  Result<PageCount> Age(const Operation& operation);
  Result<PageCount> ReturnMetadata(const Operation& operation);
  Result<void> TearDown(const Operation& operation);
  [[nodiscard]] Vmid HolderOf(unsigned space) const;

  Layout layout_;
  std::vector<stage2::PageRecord> records_;
  stage2::Ownership ownership_;
  std::uint64_t host_tables_ = 0;
  std::uint64_t last_young_ = 0;
  std::vector<Slot> slots_;
};

// Fills a page so that its first, last and a middle word say who wrote it, and reads it back.
void FillPage(std::uint64_t pfn, std::uint64_t contents);
[[nodiscard]] bool PageHolds(std::uint64_t pfn, std::uint64_t contents);

}  // namespace ravelin::model
