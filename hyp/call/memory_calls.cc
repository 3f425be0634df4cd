// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/call/memory_calls.h"

#include <utility>

#include "hyp/abi/host_call.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm/vm_table.h"

namespace ravelin::call {
namespace {

constexpr std::uint64_t PagesFor(std::size_t bytes) {
  return AlignUp(bytes, kPageSize) / kPageSize;
}

Result<std::uint64_t> RootPages(std::uint64_t ipa_bits) {
  RAVELIN_TRY_ASSIGN(geometry, stage2::Geometry::ForIpaBits(ipa_bits));
  return geometry.root_pages().raw();
}

Result<VmRef> FindVmOf(VmKind kind, VmHandle handle) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  if (vm->kind() != kind) {
    return Failure{Error::kWrongKind};
  }
  return std::move(vm);
}

Result<> CheckLiving(const VmState& vm) {
  return vm.phase == VmPhase::kDying ? Result<>{Failure{Error::kWrongPhase}} : Result<>{};
}

// The frames of the interrupt controller stay without memory: accesses to them are the monitor's.
Result<> CheckFree(Vm& vm, Gfn gfn, PageCount count) {
  const bool taken = vm.gic_layout().Overlaps(ToIpa(gfn), count.raw() * kPageSize);
  return taken ? Result<>{Failure{Error::kExists}} : Result<>{};
}

}  // namespace

Result<std::uint64_t> Info(std::uint64_t item, std::uint64_t argument) {
  if (item != RAVELIN_INFO_ROOT_PAGES && argument != 0) {
    return Failure{Error::kInvalidArgument};
  }
  switch (item) {
    case RAVELIN_INFO_MODE:
      return static_cast<std::uint64_t>(Facts().mode);
    case RAVELIN_INFO_VM_PAGES:
      return PagesFor(sizeof(Vm));
    case RAVELIN_INFO_VCPU_PAGES:
      return PagesFor(sizeof(Vcpu));
    case RAVELIN_INFO_ROOT_PAGES:
      return RootPages(argument);
    case RAVELIN_INFO_MAX_IPA_BITS:
      return Facts().max_ipa_bits;
    case RAVELIN_INFO_MAX_VMS:
      return kMaxVms;
    case RAVELIN_INFO_MAX_VCPUS:
      return kMaxVcpus;
    case RAVELIN_INFO_CARVEOUT_PFN:
      return Facts().carveout.first.raw();
    case RAVELIN_INFO_CARVEOUT_PAGES:
      return Facts().carveout.count.raw();
    case RAVELIN_INFO_IMAGE_PAGES:
      return Facts().image_pages.raw();
    case RAVELIN_INFO_FREE_PAGES:
      return PageOwnership().Lock()->host_pool().free_count().raw();
    case RAVELIN_INFO_BOOT_TICKS:
      return Facts().boot_ticks;
    case RAVELIN_INFO_LIVE_VMS:
      return LiveVms();
    case RAVELIN_INFO_DONATED_PAGES:
      return PageOwnership().Lock()->donated_pages().raw();
    default:
      return InfoOfChecks(PageOwnership(), item);
  }
}

Result<> PageShare(Pfn pfn) { return PageOwnership().Lock()->HostShareMonitor(pfn); }

Result<> PageUnshare(Pfn pfn) { return PageOwnership().Lock()->HostUnshareMonitor(pfn); }

Result<std::uint64_t> PageQuery(Pfn pfn) {
  RAVELIN_TRY_ASSIGN(access, PageOwnership().Lock()->HostAccess(pfn));
  return static_cast<std::uint64_t>(access);
}

// --- Ranges

Result<Part> VmTopup(VmHandle handle, Pfn pfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY_ASSIGN(done, PageOwnership().Lock()->HostTopUp(state->memory, {pfn, count}));
  return Part{done, count};
}

Result<Part> VmDonate(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kProtected, handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY(CheckFree(*vm, gfn, count));
  const auto content =
      state->phase == VmPhase::kCreated ? stage2::Content::kKept : stage2::Content::kZeroed;
  RAVELIN_TRY_ASSIGN(
      done, PageOwnership().Lock()->HostDonateVm(state->memory, gfn, {pfn, count}, content));
  return Part{done, count};
}

Result<Part> VmShare(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count,
                     std::uint64_t permissions) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kNormal, handle));
  RAVELIN_TRY_ASSIGN(granted, stage2::Permissions::FromBits(permissions));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY(CheckFree(*vm, gfn, count));
  RAVELIN_TRY_ASSIGN(
      done, PageOwnership().Lock()->HostShareVm(state->memory, gfn, {pfn, count}, granted));
  return Part{done, count};
}

Result<Part> VmUnshare(VmHandle handle, Gfn gfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kNormal, handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(done, PageOwnership().Lock()->HostUnshareVm(state->memory, gfn, count));
  return Part{done, count};
}

Result<Part> VmReclaim(VmHandle handle, Pfn pfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kProtected, handle));
  const auto state = vm->state().Lock();
  if (state->phase != VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
  RAVELIN_TRY_ASSIGN(done, PageOwnership().Lock()->ReclaimFromVm(state->memory, {pfn, count}));
  return Part{done, count};
}

Result<Part> VmSetPermissions(VmHandle handle, Gfn gfn, PageCount count,
                              std::uint64_t permissions) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kNormal, handle));
  RAVELIN_TRY_ASSIGN(wanted, stage2::Permissions::FromBits(permissions));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY_ASSIGN(
      done, PageOwnership().Lock()->HostSetVmPermissions(state->memory, gfn, count, wanted));
  return Part{done, count};
}

Result<Part> VmAge(VmHandle handle, Gfn gfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kNormal, handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY_ASSIGN(aged, PageOwnership().Lock()->HostAgeVm(state->memory, gfn, count));
  return Part{aged.pages, count, aged.young};
}

Result<Part> VmForceReclaim(VmHandle handle, Gfn gfn, PageCount count) {
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kProtected, handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY_ASSIGN(done, PageOwnership().Lock()->ForceReclaim(state->memory, gfn, count));
  return Part{done, count};
}

}  // namespace ravelin::call
