// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// VMs by short words, and their end.
#pragma once

#include <cstdint>

namespace ravelin::storm {

inline constexpr std::uint64_t kIpaBits = 36;  // a root table of one page

// Metadata of a small VM, in order, from one frame on: object, root, tables, vCPU objects.
struct VmPlan {
  std::uint64_t kind;
  std::uint64_t pfn;
  std::uint64_t tables;
  std::uint64_t vcpus;
  std::uint64_t run_pfn;  // first of `vcpus` pages that are shared with the monitor here
};
// Pages from `pfn` on that the plan takes.
std::uint64_t PagesOf(const VmPlan& plan);
// 0 and Fail if a call fails.
std::uint64_t CreateVm(const VmPlan& plan);

// VM_UNSHARE of all frames at which tests lend pages. The VM may be a protected one.
void TakeBackLent(std::uint64_t handle);
// DESTROY until no vCPU runs, RECLAIM of each page in the range that is the VM's, or UNSHARE of
// what was lent to it, FREE until done. Another CPU may do the same. Fail if it does not end.
void EndVm(std::uint64_t handle, std::uint64_t first_pfn, std::uint64_t pages);
// PAGE_UNSHARE of what is shared, then all pages must be the host's own and accessible.
void RequireOwned(std::uint64_t first_pfn, std::uint64_t pages);

bool IsZero(std::uint64_t pfn);
void FillPage(std::uint64_t pfn, std::uint64_t word);

}  // namespace ravelin::storm
