// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What stage2 needs from the machine: a link-time seam. hyp/arch/aarch64 implements it for EL2 and
// hyp/arch/fake for the build machine. Every function is complete when it returns: its barriers are
// inside, the caller adds none. None of them takes a lock below Rank::kMonitorMap, so all may be
// called with the VM's lock and Rank::kOwnership held. Quotes are chapters and titles of the Arm
// ARM, DDI 0487: its finer numbers differ between issues.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::machine {

// --- Descriptors. `entry` is the address of an aligned 64-bit descriptor in a page of the monitor.

// Single-copy atomic (B2, "Requirements for single-copy atomicity"). Plain: entries change only
// under the lock that the caller holds.
[[nodiscard]] std::uint64_t LoadEntry(Pa entry);

// Single-copy atomic, because table walks of all CPUs read the entry at any time (D8.2).
void StoreEntry(Pa entry, std::uint64_t descriptor);

// Earlier StoreEntry and ZeroTablePage are visible to every table walk from here on: DSB ISHST, and
// an ISB for this CPU (D8, "Ordering of memory accesses from translation table walks"). The tables
// are Normal, inner-shareable, write-back to the walker (VTCR_EL2.{SH0,ORGN0,IRGN0}), so that no
// cache maintenance is needed.
void PublishEntries();

// Zeros a page of the monitor through the monitor's own mapping, and cleans it to the point of
// coherency: what it held is gone from memory too, not only from the caches.
void WipeMonitorPage(Pa page);

// Fills a page of the monitor with zeros through the monitor's own mapping: 512 invalid
// descriptors.
void ZeroTablePage(Pa page);

// Fills a page of the monitor with 512 descriptors: `first`, `first + step`, and so on. What it
// held before does not matter. By pairs of words: no walk can reach the page yet.
void FillTablePage(Pa page, std::uint64_t first, std::uint64_t step);

// Whether the page holds exactly what FillTablePage would write. Plain loads, as LoadEntry.
[[nodiscard]] bool HoldsSequence(Pa page, std::uint64_t first, std::uint64_t step);

// --- Contents of pages that are not mapped in the monitor: done through a temporary window.

// Zeros, and cleans to the point of coherency: an owner with its caches off, or a device that does
// not snoop, must not see the previous contents (D7, "Point of Coherency"; DC CVAC). The previous
// owner's translations are gone, TLBs included, and the next owner's do not exist yet.
void WipePage(Pa page);

// Cleans and invalidates to the point of coherency (DC CIVAC), contents kept. Afterwards cache and
// memory agree, even if the previous owner used the page with mismatched attributes (B2,
// "Mismatched memory attributes"), so that what the monitor measures is what a guest with its
// caches off executes. Measure after it.
void CleanPage(Pa page);

// No CPU executes an instruction that it fetched from a page before the page's contents changed:
// IC IALLUIS; DSB ISH; ISB (B2, "Concurrent modification and execution of instructions"). Once per
// batch of WipePage or CleanPage, before the next owner's mapping exists.
void InvalidateInstructions();

// --- TLBs, of all CPUs (D8, "TLB maintenance instructions"). Each starts with DSB ISHST, so that
// walks see the earlier StoreEntry first, and ends with DSB ISH and ISB. The VMID need not be the
// one in VTTBR_EL2.

// Forgets leaf (block or page) translations of the `count` pages from `first`: TLBI IPAS2LE1IS for
// each page; DSB ISH; TLBI VMALLE1IS for combined stage 1 and 2 entries; DSB ISH. A block is named
// by any one of its pages. May forget more: for many pages InvalidateVm is cheaper.
void InvalidatePages(Vmid vmid, Ipa first, PageCount count);

// Forgets everything of a VMID, also cached table descriptors: TLBI VMALLS12E1IS.
void InvalidateVm(Vmid vmid);

// The same for what devices have in their TLBs (the SMMU's, and those of devices with ATS) under
// the number of a device domain.
void InvalidateDevicePages(Vmid domain, Ipa first, PageCount count);
void InvalidateDevice(Vmid domain);

// --- The monitor's own stage 1.

// Makes sure that MapForMonitor of these pages cannot fail. kNoMemory: no table page left; nothing
// observable changed. May be called again for the same pages.
[[nodiscard]] Result<void> ReserveMonitorMap(PfnRange pages);

// Maps pages read-write, execute-never into the monitor. They are not mapped in it yet.
void MapForMonitor(PfnRange pages);

// Takes them out, including the TLBs of all CPUs (TLBI VAE2IS; DSB ISH).
void UnmapFromMonitor(PfnRange pages);

}  // namespace ravelin::machine
