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
  // carve-out holds the host's root and, from its 9th page on, this pool.
  explicit Engine(const Layout& layout, std::uint64_t host_tables = kAdvised);

  // -> how many pages kReturnMetadata returned, else 0.
  [[nodiscard]] Result<std::uint64_t> Apply(const Operation& operation);

  [[nodiscard]] stage2::Ownership& ownership() { return ownership_; }
  [[nodiscard]] const stage2::Ownership& ownership() const { return ownership_; }
  [[nodiscard]] const std::vector<stage2::PageRecord>& records() const { return records_; }
  [[nodiscard]] Tree HostTree() const;
  [[nodiscard]] std::uint64_t host_tables() const { return host_tables_; }
  // Only while the VM lives.
  [[nodiscard]] Tree VmTree(unsigned vm) const;
  [[nodiscard]] stage2::VmMemory* vm(unsigned vm) { return vms_[vm].memory.get(); }
  [[nodiscard]] const stage2::VmMemory* vm(unsigned vm) const { return vms_[vm].memory.get(); }
  [[nodiscard]] std::uint64_t MetadataCount(unsigned vm) const;

 private:
  struct Slot {
    std::unique_ptr<stage2::VmMemory> memory;  // while it lives
    stage2::MetadataList rest;                 // afterwards
  };

  Result<void> Carry(const Operation& operation);
  Result<void> CreateVm(const Operation& operation);
  Result<void> DonateMonitor(const Operation& operation, stage2::VmMemory& vm);
  Result<void> HostWrite(std::uint64_t pfn) const;
  Result<void> GuestWrite(const Operation& operation) const;
  Result<std::uint64_t> ReturnMetadata(const Operation& operation);
  void TearDown(unsigned vm);

  Layout layout_;
  std::vector<stage2::PageRecord> records_;
  stage2::Ownership ownership_;
  std::uint64_t host_tables_ = 0;
  std::vector<Slot> vms_;
};

// Fills a page so that its first, last and a middle word say who wrote it, and reads it back.
void FillPage(std::uint64_t pfn, std::uint64_t contents);
[[nodiscard]] bool PageHolds(std::uint64_t pfn, std::uint64_t contents);

}  // namespace ravelin::model
