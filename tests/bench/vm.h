// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// VMs, and the frames that the bench gives away: blocks of 2 MiB, the first of which holds the
// metadata of all VMs.
#pragma once

#include <cstdint>

#include "tests/bench/call.h"

namespace ravelin::bench {

inline constexpr std::uint64_t kTables = 64;
inline constexpr std::uint64_t kAllPermissions =
    RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC;

// Frame of block `index`; 1 to 7 are for the pages of VMs.
std::uint64_t BlockPfn(std::uint64_t index);

// What is the same in every VM of the bench, and the cost of making it.
struct Vm {
  std::uint64_t handle;
  std::uint64_t run_pfn;
  Cost create;
  Cost topup;
  Cost share_run_page;
  Cost create_vcpu;
};

// A VM with one vCPU and kTables pages for its tables. One at a time.
Vm CreateVm(std::uint64_t kind);

Cost DestroyVm(const Vm& vm);
// Of a dying VM without pages; its run page is the host's alone again.
struct End {
  Cost free;
  Cost unshare_run_page;
};
End FreeVm(const Vm& vm);

// Ranges, as often as the monitor wants to be called.
Cost Donate(const Vm& vm, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t pages);
Cost Share(const Vm& vm, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t pages);
Cost Unshare(const Vm& vm, std::uint64_t gfn, std::uint64_t pages);
Cost Reclaim(const Vm& vm, std::uint64_t pfn, std::uint64_t pages);
Cost ForceReclaim(const Vm& vm, std::uint64_t gfn, std::uint64_t pages);
Cost WriteProtect(const Vm& vm, std::uint64_t gfn, std::uint64_t pages);
Cost Age(const Vm& vm, std::uint64_t gfn, std::uint64_t pages);

}  // namespace ravelin::bench
