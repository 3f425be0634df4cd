// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Ownership: the page records, the host's stage-2 table, and every transition of a page between
// host, monitor, VMs, devices and the secure world (docs/architecture.md; the written rules are
// transition.h).
//
// Locking is the caller's: this object lives in Locked<Ownership, Rank::kOwnership>; an operation
// that takes a VmMemory or DeviceDomain also needs the lock of that object, taken before. All
// numbers in arguments may be untrusted (a host's or a guest's). Every operation checks everything
// first, also that table memory suffices, and then commits without failing: an error means that
// nothing changed. An operation on a range of 1 to RAVELIN_MAX_RANGE pages does the first part of
// it that one visit of EL2 may do (visit.h), all of that or nothing, and returns how many pages it
// was; it is as if it had been asked for those alone.
//
// Invariants: the host's table maps a page that has a record exactly if the host owns or borrows
// it; a VM's or domain's table maps exactly the pages that it owns, each at the frame of its
// record, and pages that are lent, each of which counts its mappings in all tables; whoever loses a
// page has lost it in all tables and TLBs before it is wiped, and it is wiped before the next
// owner's mapping exists; what a guest asks for never fails for want of table memory of its VM.
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
#include "stage2/iommu/device_domain.h"
#include "stage2/ownership/metadata_list.h"
#include "stage2/ownership/page_record.h"
#include "stage2/ownership/record_map.h"
#include "stage2/ownership/transition.h"
#include "stage2/ownership/vm_memory.h"
#include "stage2/pool/page_pool.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2 {

// What a page holds when its next user first sees it.
enum class Content : std::uint8_t {
  kKept,  // what was in it; cleaned where a donation is measured afterwards
  kZeroed,
};

// What a page is to the host. Values are those of RAVELIN_PAGE_*.
enum class HostAccessKind : std::uint8_t {
  kOwned = RAVELIN_PAGE_OWNED,
  kLent = RAVELIN_PAGE_LENT,
  kBorrowed = RAVELIN_PAGE_BORROWED,
  kForeign = RAVELIN_PAGE_FOREIGN,
};

class Ownership {
 public:
  // Whether the host may share pages with the secure world: by default not, because nothing shows
  // that the firmware there keeps to what it is given.
  enum class SecureSharing : std::uint8_t { kRefused, kAllowed };

  struct Config {
    std::span<const PfnRange> ram;      // all RAM, the monitor's included; any order, no overlap
    std::span<const PfnRange> mmio;     // pages of devices that can be given away
    std::span<const PfnRange> monitor;  // parts of `ram` and `mmio` that are the monitor's
    std::span<const PfnRange> secure;   // parts of `ram` that are the secure world's
    std::span<PageRecord> records;      // zeroed, at least one per page of `ram` and `mmio`
    Geometry host_geometry;
    Pa host_root;          // zeroed, aligned, in the carve-out
    PfnRange host_tables;  // pool of the host's table, in the carve-out
    SecureSharing secure_sharing = SecureSharing::kRefused;
  };

  // What HostAgeVm has found.
  struct Aged {
    PageCount pages;          // done
    std::uint64_t young = 0;  // leaves among them that were used since the last time
  };

  constexpr Ownership() = default;  // usable after Start
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  // Table pages with which the host's table never runs out of memory, whatever the host does (and
  // donates at most two ranges at a time). `pages`: all that have records.
  [[nodiscard]] static PageCount HostTablesFor(std::span<const PfnRange> pages, Geometry geometry);

  // Maps all pages with records but the monitor's and the secure world's for the host, with the
  // largest blocks. Once, before the host runs. kInvalidArgument: overlapping regions, too few
  // records; kLimit: too many regions; kNotRam: a carve-out without records; kNoMemory: too few
  // host_tables.
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

  // Takes pages of the host for the metadata of `holder`, mapped into the monitor, contents kept,
  // and puts them on `list`. All ranges or none; they may not overlap, and each has as many pages
  // as one visit maps one by one (visit::kSingle), or fewer.
  [[nodiscard]] Result<void> HostDonateMonitor(std::span<const PfnRange> ranges, Vmid holder,
                                               MetadataList& list);
  // The same for one range, into the pool of the table.
  [[nodiscard]] Result<PageCount> HostTopUp(AddressSpace& space, PfnRange range);
  // Wipes up to `limit` pages of the list, last in first out, and gives them back to the host
  // -> how many; no more than one visit prepares. Nothing refers to them any more: the table is
  // disconnected, its pages are gone. The last pages hold the VM object: move the list out of it
  // first.
  [[nodiscard]] Result<PageCount> ReturnMetadata(MetadataList& list, PageCount limit);

  // --- Host <-> normal VM

  // Lends pages, mapped from `gfn` on, in blocks where both sides are aligned. A page may be lent
  // many times. kLimit: too often.
  [[nodiscard]] Result<PageCount> HostShareVm(VmMemory& vm, Gfn gfn, PfnRange range,
                                              Permissions permissions);
  // kNotMapped: a hole in the range; kNoMemory: to take a part of a block.
  [[nodiscard]] Result<PageCount> HostUnshareVm(VmMemory& vm, Gfn gfn, PageCount count);
  // Changes what a normal VM may do with lent pages (dirty logging). Errors as HostUnshareVm.
  [[nodiscard]] Result<PageCount> HostSetVmPermissions(VmMemory& vm, Gfn gfn, PageCount count,
                                                       Permissions permissions);
  // Clears the access flag of the leaves that map the range: the VM's next access sets it again.
  [[nodiscard]] Result<Aged> HostAgeVm(VmMemory& vm, Gfn gfn, PageCount count);

  // --- Host <-> protected VM

  // The pages leave the host and become the VM's, mapped RWX from `gfn` on.
  [[nodiscard]] Result<PageCount> HostDonateVm(VmMemory& vm, Gfn gfn, PfnRange range,
                                               Content content);
  // Takes pages of a dying VM back and wipes them, also those that it shares. No vCPU of it runs.
  [[nodiscard]] Result<PageCount> ReclaimFromVm(VmMemory& vm, PfnRange range);
  // The same from a living VM: its frames are poisoned as long as it lives, so that it learns of
  // the loss and never finds other contents in their place. No further than the frames are mapped
  // to consecutive pages.
  [[nodiscard]] Result<PageCount> ForceReclaim(VmMemory& vm, Gfn gfn, PageCount count);

  // --- VM -> host: calls of a protected guest

  // Lets the host read and write the VM's page. kNotMapped, kWrongState.
  [[nodiscard]] Result<void> VmShareHost(VmMemory& vm, Gfn gfn, Content content);
  [[nodiscard]] Result<void> VmUnshareHost(VmMemory& vm, Gfn gfn, Content content);
  // Gives the page back to the host, wiped; nothing is at its frame afterwards. kWrongState: it is
  // shared.
  [[nodiscard]] Result<void> VmRelinquish(VmMemory& vm, Gfn gfn);
  // Marks a frame as MMIO that the host serves. kExists: a page is mapped there; again succeeds.
  [[nodiscard]] Result<void> VmGuardMmio(VmMemory& vm, Gfn gfn);
  // kNotMapped: not guarded.
  [[nodiscard]] Result<void> VmUnguardMmio(VmMemory& vm, Gfn gfn);

  // --- Host <-> devices. `first`: the address that the device uses, as a frame.

  // Lends pages to the devices of a domain.
  [[nodiscard]] Result<PageCount> HostMapDevice(DeviceDomain& domain, Gfn first, PfnRange range,
                                                Permissions permissions);
  [[nodiscard]] Result<PageCount> HostUnmapDevice(DeviceDomain& domain, Gfn first, PageCount count);
  // The pages become the domain's: nobody else reaches them.
  [[nodiscard]] Result<PageCount> HostDonateDevice(DeviceDomain& domain, Gfn first, PfnRange range,
                                                   Content content);
  // Takes them back and wipes them.
  [[nodiscard]] Result<PageCount> ReclaimFromDevice(DeviceDomain& domain, PfnRange range);

  // --- Host <-> secure world. kNotSupported: the configuration refuses it.

  [[nodiscard]] Result<PageCount> HostShareSecure(PfnRange range);
  [[nodiscard]] Result<PageCount> HostUnshareSecure(PfnRange range);

  // --- Questions, and faults of the host

  // Whether the page has a record: RAM, or MMIO that can be given away.
  [[nodiscard]] bool HasRecord(Pa pa) const { return map_.Contains(ToPfn(pa)); }
  // kNotRam.
  [[nodiscard]] Result<HostAccessKind> HostAccess(Pfn pfn) const;
  // The record of a page, for reports and tests. kNotRam.
  [[nodiscard]] Result<PageRecord> RecordOf(Pfn pfn) const;
  // Maps the largest block around `ipa` that holds no page with a record: non-cacheable,
  // read-write, no execute. Succeeds also if it is mapped by now. kWrongOwner: it has a record;
  // kInvalidArgument: beyond the space; kNoMemory: never with HostTablesFor pages.
  [[nodiscard]] Result<void> MapHostMmio(Ipa ipa);

  // Before the machine stops: zeros every page that a VM or a device domain owns and every page of
  // metadata. They keep their owners; nobody may use them afterwards.
  void ScrubForeign();

  // Pages that the host has given away (to VMs and devices, and for metadata) and not got back.
  [[nodiscard]] PageCount donated_pages() const { return PageCount{donated_}; }

 private:
  // Pages that were checked, and where their records are.
  struct Checked {
    PfnRange pages;
    std::span<PageRecord> records;
    PageKind kind = PageKind::kRam;
    // What the records become: all the same, or all but for consecutive frames, or each its own.
    enum class Become : std::uint8_t { kSame, kNumbered, kTheirOwn };
    Become become = Become::kTheirOwn;
    PageRecord next;  // kSame and kNumbered
  };

  // Checks, without side effect.
  [[nodiscard]] Result<Checked> Check(Operation operation, PfnRange range, Vmid holder) const;
  [[nodiscard]] Result<void> CheckHostMap(const Mapping& mapping) const;
  [[nodiscard]] Result<void> CheckHostLoses(PfnRange range) const;
  [[nodiscard]] Result<void> CheckHostRegains(const Checked& pages) const;
  // What one visit does of a range of guest frames: `first` is the run of pages with which it
  // begins.
  struct GuestPart {
    PageCount pages;
    Checked first;
  };
  [[nodiscard]] Result<GuestPart> CheckGuestRange(Operation operation, const AddressSpace& space,
                                                  Gfn gfn, PageCount count) const;
  [[nodiscard]] Result<Checked> CheckGuestPage(Operation operation, const VmMemory& vm,
                                               Gfn gfn) const;

  // Commits, after the check.
  static void Commit(Operation operation, const Checked& pages, Vmid holder, std::uint64_t frame);
  void PushMetadata(const Checked& pages, Vmid holder, MetadataList& list);
  void ReturnOne(MetadataList& list);
  void LeaveHostBorrowed(const Checked& pages);
  void ReturnToHost(Operation operation, AddressSpace& space, const Checked& pages);
  void EnterHost(PfnRange range, PageKind kind);
  [[nodiscard]] Result<void> MarkForEver(std::span<const PfnRange> ranges, PageState state);
  [[nodiscard]] Result<void> MapForHost(const RecordMap::Region& region);

  // What several operations have in common.
  [[nodiscard]] Result<PageCount> Lend(Operation operation, AddressSpace& space, Gfn gfn,
                                       PfnRange range, Permissions permissions);
  [[nodiscard]] Result<PageCount> TakeBack(Operation operation, AddressSpace& space, Gfn gfn,
                                           PageCount count);
  [[nodiscard]] Result<PageCount> Donate(Operation operation, AddressSpace& space, Gfn gfn,
                                         PfnRange range, Content content);
  [[nodiscard]] Result<PageCount> Reclaim(Operation operation, AddressSpace& space, PfnRange range);
  [[nodiscard]] Result<PageCount> ChangeSecure(Operation operation, PfnRange range);
  [[nodiscard]] Result<void> ChangeMonitor(Operation operation, Pfn pfn);

  RecordMap map_;
  std::span<PageRecord> records_;
  PagePool host_pool_;
  PageTable host_table_;
  std::uint64_t donated_ = 0;
  SecureSharing secure_sharing_ = SecureSharing::kRefused;
};

}  // namespace ravelin::stage2
