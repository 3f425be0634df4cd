// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/vm.h"

#include <cstddef>

extern "C" std::byte __scratch[];

namespace ravelin::bench {
namespace {

constexpr std::uint64_t kIpaBits = 36;  // a root table of one page

}  // namespace

std::uint64_t BlockPfn(std::uint64_t index) {
  return reinterpret_cast<std::uint64_t>(__scratch) / kPageSize + index * kBlockPages;
}

Vm CreateVm(std::uint64_t kind) {
  std::uint64_t at = BlockPfn(0);
  Vm vm{};
  vm.run_pfn = at++;
  const std::uint64_t object = at;
  at += Call(RAVELIN_HOST_INFO, RAVELIN_INFO_VM_PAGES).value;
  vm.create = Call(RAVELIN_HOST_VM_CREATE, kind, kIpaBits, object, at++);
  vm.handle = vm.create.value;
  vm.topup = CallForRange(RAVELIN_HOST_VM_TOPUP, vm.handle, {at}, kTables);
  at += kTables;
  vm.share_run_page = Call(RAVELIN_HOST_PAGE_SHARE, vm.run_pfn);
  vm.create_vcpu = Call(RAVELIN_HOST_VCPU_CREATE, vm.handle, 0, at, vm.run_pfn);
  return vm;
}

Cost DestroyVm(const Vm& vm) { return Call(RAVELIN_HOST_VM_DESTROY, vm.handle); }

End FreeVm(const Vm& vm) {
  End end;
  end.free = CallUntilDone(RAVELIN_HOST_VM_FREE, vm.handle);
  end.unshare_run_page = Call(RAVELIN_HOST_PAGE_UNSHARE, vm.run_pfn);
  return end;
}

Cost Donate(const Vm& vm, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_DONATE, vm.handle, {gfn, pfn}, pages);
}

Cost Share(const Vm& vm, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_SHARE, vm.handle, {gfn, pfn}, pages, kAllPermissions);
}

Cost Unshare(const Vm& vm, std::uint64_t gfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_UNSHARE, vm.handle, {gfn}, pages);
}

Cost Reclaim(const Vm& vm, std::uint64_t pfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_RECLAIM, vm.handle, {pfn}, pages);
}

Cost ForceReclaim(const Vm& vm, std::uint64_t gfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_FORCE_RECLAIM, vm.handle, {gfn}, pages);
}

Cost WriteProtect(const Vm& vm, std::uint64_t gfn, std::uint64_t pages) {
  constexpr std::uint64_t kReadOnly = RAVELIN_PERM_READ | RAVELIN_PERM_EXEC;
  return CallForRange(RAVELIN_HOST_VM_SET_PERMISSIONS, vm.handle, {gfn}, pages, kReadOnly);
}

Cost Age(const Vm& vm, std::uint64_t gfn, std::uint64_t pages) {
  return CallForRange(RAVELIN_HOST_VM_AGE, vm.handle, {gfn}, pages);
}

}  // namespace ravelin::bench
