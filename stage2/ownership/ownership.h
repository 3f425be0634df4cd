// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Ownership: the page records of all RAM, the host's stage-2 table, and every transition of a page
// between host, monitor and VMs (docs/architecture.md; the written rules are transition.h).
//
// Locking is the caller's: this object lives in Locked<Ownership, Rank::kOwnership>; an operation
// that takes a VmMemory also needs that VM's lock, taken before. All numbers in arguments may be
// untrusted (a host's or a guest's). Every operation checks everything first, also that table
// memory suffices, and then commits without failing: an error means that nothing changed. Ranges
// are all or nothing, 1 to RAVELIN_MAX_BATCH pages.
//
// Invariants: a page has one owner and at most one borrower; the host's table maps a page of RAM
// exactly if the host owns or borrows it; a VM's table maps exactly the pages that name the VM as
// owner or borrower, at the frame of their record; whoever loses a page has lost it in all tables
// and TLBs before it is wiped, and it is wiped before the next owner's mapping exists.
//
// Whether the VM is protected, launched or dying is for the caller to check.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hyp/abi/host_call.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/format/geometry.h"
#include "stage2/ownership/metadata_list.h"
#include "stage2/ownership/page_record.h"
#include "stage2/ownership/ram_map.h"
#include "stage2/ownership/transition.h"
#include "stage2/ownership/vm_memory.h"
#include "stage2/pool/page_pool.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2 {

// What a donated page holds when the VM first sees it.
enum class Content : std::uint8_t {
  kMeasured,  // what the host left; cleaned, so that the caller may measure it afterwards
  kZeroed,
};

// What a page of RAM is to the host. Values are those of RAVELIN_PAGE_*.
enum class HostAccessKind : std::uint8_t {
  kOwned = RAVELIN_PAGE_OWNED,
  kLent = RAVELIN_PAGE_LENT,
  kBorrowed = RAVELIN_PAGE_BORROWED,
  kForeign = RAVELIN_PAGE_FOREIGN,
};

class Ownership {
 public:
  struct Config {
    std::span<const PfnRange> ram;      // all RAM, the monitor's included; any order, no overlap
    std::span<const PfnRange> monitor;  // the carve-out: parts of `ram` that are the monitor's
    std::span<PageRecord> records;      // zeroed, at least one per page of `ram`
    Geometry host_geometry;
    Pa host_root;          // zeroed, aligned, in the carve-out
    PfnRange host_tables;  // pool of the host's table, in the carve-out
  };

  constexpr Ownership() = default;  // usable after Start
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  // Table pages with which the host's table never runs out of memory, whatever the host does (and
  // donates at most two ranges at a time).
  [[nodiscard]] static PageCount HostTablesFor(std::span<const PfnRange> ram, Geometry geometry);

  // Maps all RAM but the carve-out for the host, with the largest blocks. Once, before the host
  // runs. kInvalidArgument: overlapping regions, too few records; kLimit: too many regions;
  // kNotRam: a carve-out outside RAM; kNoMemory: too few host_tables.
  [[nodiscard]] Result<void> Start(const Config& config);

  [[nodiscard]] const PageTable& host_table() const { return host_table_; }
  [[nodiscard]] const PagePool& host_pool() const { return host_pool_; }

  // --- Host <-> monitor

  // Lends a page to the monitor, mapped into it (read-write) as long as it is lent.
  [[nodiscard]] Result<void> HostShareMonitor(Pfn pfn);
  // kBusy: pinned.
  [[nodiscard]] Result<void> HostUnshareMonitor(Pfn pfn);
  // Makes a lent page a run page. kWrongState: not lent; kExists: it is one already.
  [[nodiscard]] Result<void> PinShared(Pfn pfn);
  [[nodiscard]] Result<void> UnpinShared(Pfn pfn);

  // Takes pages of the host for the metadata of VM `handle`, mapped into the monitor, contents
  // kept, and puts them on `list`. The ranges may not overlap. All ranges or none.
  [[nodiscard]] Result<void> HostDonateMonitor(std::span<const PfnRange> ranges, VmHandle handle,
                                               MetadataList& list);
  // The same for one range, into the pool of the VM's table.
  [[nodiscard]] Result<void> HostTopUp(VmMemory& vm, PfnRange range);
  // Wipes up to `limit` pages of the list, last in first out, and gives them back to the host
  // -> how many. Nothing refers to them any more: the VM's table is disconnected, its pages are
  // gone. The last pages hold the VM object: move the list out of it first.
  [[nodiscard]] Result<PageCount> ReturnMetadata(MetadataList& list, PageCount limit);

  // --- Host <-> VM

  // Protected VMs: the pages leave the host and become the VM's, mapped RWX from `gfn` on.
  [[nodiscard]] Result<void> HostDonateVm(VmMemory& vm, Gfn gfn, PfnRange range, Content content);
  // Normal VMs: lends pages. kLimit: already lent to a VM.
  [[nodiscard]] Result<void> HostShareVm(VmMemory& vm, Gfn gfn, PfnRange range,
                                         Permissions permissions);
  // kNotMapped: a hole in the range.
  [[nodiscard]] Result<void> HostUnshareVm(VmMemory& vm, Gfn gfn, PageCount count);
  // Changes what a normal VM may do with a lent page (dirty tracking).
  [[nodiscard]] Result<void> HostSetVmPermissions(VmMemory& vm, Gfn gfn, Permissions permissions);
  // Takes pages of a dying VM back: its own are wiped, also those that it shares; lent ones are
  // not. No vCPU of the VM runs.
  [[nodiscard]] Result<void> ReclaimFromVm(VmMemory& vm, PfnRange range);

  // --- VM -> host: calls of a protected guest

  // Lets the host read and write the VM's page, contents kept. kNotMapped, kWrongState.
  [[nodiscard]] Result<void> VmShareHost(VmMemory& vm, Gfn gfn);
  [[nodiscard]] Result<void> VmUnshareHost(VmMemory& vm, Gfn gfn);
  // Marks a frame as MMIO that the host serves. kExists: a page is mapped there; again succeeds.
  [[nodiscard]] Result<void> VmGuardMmio(VmMemory& vm, Gfn gfn);
  // kNotMapped: not guarded.
  [[nodiscard]] Result<void> VmUnguardMmio(VmMemory& vm, Gfn gfn);

  // --- Questions, and faults of the host

  [[nodiscard]] bool IsRam(Pa pa) const { return ram_.Contains(ToPfn(pa)); }
  // kNotRam.
  [[nodiscard]] Result<HostAccessKind> HostAccess(Pfn pfn) const;
  // The record of a page, for reports and tests. kNotRam.
  [[nodiscard]] Result<PageRecord> RecordOf(Pfn pfn) const;
  // Maps the largest block around `ipa` that holds no RAM: non-cacheable, read-write, no execute.
  // Succeeds also if it is mapped by now. kWrongOwner: RAM; kInvalidArgument: beyond the space;
  // kNoMemory: never with HostTablesFor pages.
  [[nodiscard]] Result<void> MapHostMmio(Ipa ipa);

  // Before the machine stops: zeros every page that a VM owns and every page of VM metadata. They
  // keep their owners; nobody may use them afterwards.
  void ScrubForeign();

  // Pages that the host has given away (to VMs and for their metadata) and not got back.
  [[nodiscard]] PageCount donated_pages() const { return PageCount{donated_}; }

 private:
  // Checks, without side effect.
  [[nodiscard]] Result<void> Check(Operation operation, PfnRange range, VmHandle vm) const;
  [[nodiscard]] Result<void> CheckGuestRange(Operation operation, const VmMemory& vm, Gfn gfn,
                                             PageCount count) const;
  [[nodiscard]] Result<PageCount> CheckDonation(PfnRange range) const;
  [[nodiscard]] Result<void> CheckHostMap(const Mapping& mapping) const;
  [[nodiscard]] Result<void> CheckReclaim(PfnRange range) const;

  // Commits, after the check.
  void Commit(Operation operation, PfnRange range, VmHandle vm, std::uint64_t frame);
  void PushMetadata(PfnRange range, VmHandle handle, MetadataList& list);
  void ReturnOne(MetadataList& list);
  void LeaveVm(VmMemory& vm, PfnRange range);
  void LeaveHostBorrowed(PfnRange range);
  void WipeOwnedByVm(PfnRange range);
  void EnterHost(PfnRange range);
  [[nodiscard]] Result<void> MapHostRam(PfnRange region, std::span<const PfnRange> monitor);

  // The records of frames that are known to be RAM.
  [[nodiscard]] std::span<PageRecord> RecordsOf(PfnRange range) const;
  [[nodiscard]] PageState StateAt(Pfn pfn) const;
  // The frames from `first` on that have the same state, or records of consecutive guest frames.
  [[nodiscard]] PfnRange RunOfState(Pfn first, Pfn end) const;
  [[nodiscard]] PfnRange RunOfFrames(Pfn first, Pfn end) const;

  RamMap ram_;
  std::span<PageRecord> records_;
  PagePool host_pool_;
  PageTable host_table_;
  std::uint64_t donated_ = 0;
};

}  // namespace ravelin::stage2
