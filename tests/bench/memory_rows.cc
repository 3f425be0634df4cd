// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Pages that go to VMs and come back.
#include "tests/bench/rows.h"
#include "tests/bench/vm.h"

namespace ravelin::bench {
namespace {

// Guest frame that belongs to block `index`, and how far from it 512 pages are no block.
constexpr std::uint64_t GfnOf(std::uint64_t index) { return index * 2 * kBlockPages; }
constexpr std::uint64_t kMisaligned = 1;

using Give = Cost (*)(const Vm& vm, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t pages);

// Blocks `index`, from which two pages are given, and the next two, which are given whole.
void ReportGive(const Vm& vm, Give give, std::string_view operation, std::uint64_t index) {
  const std::uint64_t gfn = GfnOf(index);
  const std::uint64_t pfn = BlockPfn(index);
  Report(operation, "first", give(vm, gfn, pfn, 1));
  Report(operation, "1", give(vm, gfn + 1, pfn + 1, 1));
  Report(operation, "512",
         give(vm, GfnOf(index + 1) + kMisaligned, BlockPfn(index + 1), kBlockPages));
  Report(operation, "block", give(vm, GfnOf(index + 2), BlockPfn(index + 2), kBlockPages));
}

// What ReportGive has given.
using OnGuestPages = Cost (*)(const Vm& vm, std::uint64_t gfn, std::uint64_t pages);
void ReportChange(const Vm& vm, OnGuestPages change, std::string_view operation,
                  std::uint64_t index) {
  Report(operation, "1", change(vm, GfnOf(index) + 1, 1));
  Report(operation, "512", change(vm, GfnOf(index + 1) + kMisaligned, kBlockPages));
  Report(operation, "block", change(vm, GfnOf(index + 2), kBlockPages));
}

}  // namespace

void BenchProtectedMemory() {
  const Vm vm = CreateVm(RAVELIN_VM_PROTECTED);
  ReportGive(vm, &Donate, "vm_donate_measured", 1);
  Call(RAVELIN_HOST_VM_LAUNCH, vm.handle);
  ReportGive(vm, &Donate, "vm_donate_zeroed", 4);
  ReportChange(vm, &ForceReclaim, "vm_force_reclaim", 4);
  DestroyVm(vm);
  Reclaim(vm, BlockPfn(4), 1);
  Report("vm_reclaim", "1", Reclaim(vm, BlockPfn(1) + 1, 1));
  Report("vm_reclaim", "last", Reclaim(vm, BlockPfn(1), 1));
  Report("vm_reclaim", "512", Reclaim(vm, BlockPfn(2), kBlockPages));
  Report("vm_reclaim", "block", Reclaim(vm, BlockPfn(3), kBlockPages));
  FreeVm(vm);
}

void BenchNormalMemory() {
  const Vm vm = CreateVm(RAVELIN_VM_NORMAL);
  ReportGive(vm, &Share, "vm_share", 1);
  ReportChange(vm, &Age, "vm_age", 1);
  ReportChange(vm, &WriteProtect, "vm_set_permissions", 1);
  Report("vm_unshare", "1", Unshare(vm, GfnOf(1) + 1, 1));
  Report("vm_unshare", "last", Unshare(vm, GfnOf(1), 1));
  Report("vm_unshare", "512", Unshare(vm, GfnOf(2) + kMisaligned, kBlockPages));
  Report("vm_unshare", "block", Unshare(vm, GfnOf(3), kBlockPages));
  Share(vm, GfnOf(3), BlockPfn(3), kBlockPages);
  Report("vm_set_permissions", "part", WriteProtect(vm, GfnOf(3), 1));
  Unshare(vm, GfnOf(3), kBlockPages);
  DestroyVm(vm);
  FreeVm(vm);
}

}  // namespace ravelin::bench
