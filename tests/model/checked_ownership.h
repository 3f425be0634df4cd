// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// CheckedOwnership: stage2::Ownership with the specification beside it, for the image
// //hyp:ravelin_checked. Every operation is judged by the specification before, carried out, and
// compared: the answer, the records, the host's view and that of the VM or device domain. A
// disagreement is reported and stops the monitor. It stands in the place of Ownership behind the
// same lock (hyp/vm/pages.h). Ownership is a private base, so that an operation that is not named
// here cannot be called unchecked.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/ownership/ownership.h"
#include "tests/model/comparison.h"
#include "tests/model/specification.h"

namespace ravelin::model {

class CheckedOwnership : private stage2::Ownership {
 public:
  using stage2::Ownership::Aged;
  using stage2::Ownership::Config;
  using stage2::Ownership::SecureSharing;

  using stage2::Ownership::donated_pages;
  using stage2::Ownership::HasRecord;
  using stage2::Ownership::host_pool;
  using stage2::Ownership::host_table;
  using stage2::Ownership::HostTablesFor;
  using stage2::Ownership::RecordOf;
  using stage2::Ownership::ScrubForeign;

  // Memory that Start takes from the end of host_tables.
  [[nodiscard]] static PageCount MemoryFor(std::uint64_t pages_with_records);

  [[nodiscard]] Result<void> Start(const Config& config);

  [[nodiscard]] Result<void> HostShareMonitor(Pfn pfn);
  [[nodiscard]] Result<void> HostUnshareMonitor(Pfn pfn);
  [[nodiscard]] Result<void> PinShared(Pfn pfn);
  [[nodiscard]] Result<void> UnpinShared(Pfn pfn);
  [[nodiscard]] Result<void> HostDonateMonitor(std::span<const PfnRange> ranges, Vmid holder,
                                               stage2::MetadataList& list);
  [[nodiscard]] Result<PageCount> HostTopUp(stage2::AddressSpace& space, PfnRange range);
  [[nodiscard]] Result<PageCount> ReturnMetadata(stage2::MetadataList& list, PageCount limit);

  [[nodiscard]] Result<PageCount> HostShareVm(stage2::VmMemory& vm, Gfn gfn, PfnRange range,
                                              stage2::Permissions permissions);
  [[nodiscard]] Result<PageCount> HostUnshareVm(stage2::VmMemory& vm, Gfn gfn, PageCount count);
  [[nodiscard]] Result<PageCount> HostSetVmPermissions(stage2::VmMemory& vm, Gfn gfn,
                                                       PageCount count,
                                                       stage2::Permissions permissions);
  [[nodiscard]] Result<Aged> HostAgeVm(stage2::VmMemory& vm, Gfn gfn, PageCount count);

  [[nodiscard]] Result<PageCount> HostDonateVm(stage2::VmMemory& vm, Gfn gfn, PfnRange range,
                                               stage2::Content content);
  [[nodiscard]] Result<PageCount> ReclaimFromVm(stage2::VmMemory& vm, PfnRange range);
  [[nodiscard]] Result<PageCount> ForceReclaim(stage2::VmMemory& vm, Gfn gfn, PageCount count);

  [[nodiscard]] Result<void> VmShareHost(stage2::VmMemory& vm, Gfn gfn, stage2::Content content);
  [[nodiscard]] Result<void> VmUnshareHost(stage2::VmMemory& vm, Gfn gfn, stage2::Content content);
  [[nodiscard]] Result<void> VmRelinquish(stage2::VmMemory& vm, Gfn gfn);
  [[nodiscard]] Result<void> VmGuardMmio(stage2::VmMemory& vm, Gfn gfn);
  [[nodiscard]] Result<void> VmUnguardMmio(stage2::VmMemory& vm, Gfn gfn);

  [[nodiscard]] Result<PageCount> HostMapDevice(stage2::DeviceDomain& domain, Gfn first,
                                                PfnRange range, stage2::Permissions permissions);
  [[nodiscard]] Result<PageCount> HostUnmapDevice(stage2::DeviceDomain& domain, Gfn first,
                                                  PageCount count);
  [[nodiscard]] Result<PageCount> HostDonateDevice(stage2::DeviceDomain& domain, Gfn first,
                                                   PfnRange range, stage2::Content content);
  [[nodiscard]] Result<PageCount> ReclaimFromDevice(stage2::DeviceDomain& domain, PfnRange range);

  [[nodiscard]] Result<PageCount> HostShareSecure(PfnRange range);
  [[nodiscard]] Result<PageCount> HostUnshareSecure(PfnRange range);

  [[nodiscard]] Result<stage2::HostAccessKind> HostAccess(Pfn pfn);
  [[nodiscard]] Result<void> MapHostMmio(Ipa ipa);

  // --- For tests, through INFO

  // Compares the next part of all pages and mappings. Whether it was the last part.
  bool CheckNextPart();
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

 private:
  // One operation while it runs.
  struct Asked {
    Operation operation;
    Touched touched;
    bool may_be_short = false;
  };

  [[nodiscard]] Asked Ask(const Operation& operation, const stage2::PageTable* table);
  void Answer(const Asked& asked, const Result<std::uint64_t>& answer);
  template <typename Carry>
  [[nodiscard]] auto Check(const Operation& operation, stage2::AddressSpace* space,
                           const Carry& carry);
  [[nodiscard]] Result<void> AskFrame(Kind kind, stage2::VmMemory& vm, Gfn gfn,
                                      Result<void> (stage2::Ownership::*call)(stage2::VmMemory&,
                                                                              Gfn));
  [[nodiscard]] unsigned Meet(Kind kind, stage2::AddressSpace& space);
  void CheckPart(std::uint64_t pages);
  void ExpectAgreement(const Operation& operation, const Result<std::uint64_t>& answer);

  Specification* specification_ = nullptr;
  std::array<const stage2::PageTable*, kMaxSpaces> tables_{};
  Differences differences_;
  std::uint64_t operations_ = 0;
  std::uint64_t next_page_ = 0;
};

}  // namespace ravelin::model
