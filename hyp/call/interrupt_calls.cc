// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/call/interrupt_calls.h"

#include "hyp/call/vm_calls.h"
#include "hyp/virt/gic/gic.h"
#include "hyp/vm/vm_table.h"

namespace ravelin::call {

Result<> VmSetGic(VmHandle handle, Ipa distributor, Ipa redistributors, std::uint64_t intids) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  return gic::SetUp(*vm, *state, distributor, redistributors, intids);
}

Result<> VmAllowIrq(VmHandle handle, std::uint64_t first, std::uint32_t mask) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  return gic::Allow(*vm, *state, first, mask);
}

Result<std::uint64_t> VmIrqLine(VmHandle handle, std::uint64_t intid, std::uint64_t level) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  RAVELIN_TRY_ASSIGN(wakes, gic::SetLevel(*vm, intid, level));
  return wakes.vcpus;
}

Result<> VcpuSetPower(VmHandle handle, VcpuIndex index, std::uint64_t on) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  if (vm->is_protected()) {
    return Failure{Error::kWrongKind};
  }
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  if (on > 1) {
    return Failure{Error::kInvalidArgument};
  }
  const VcpuStatus status = vcpu->status();
  if (status == VcpuStatus::kRunning) {
    return Failure{Error::kBusy};
  }
  if (status == VcpuStatus::kStopped || state->phase == VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
  vcpu->status() = on != 0 ? VcpuStatus::kReady : VcpuStatus::kOff;
  return {};
}

Result<std::uint64_t> VcpuGetPower(VmHandle handle, VcpuIndex index) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  const VcpuStatus status = vcpu->status();
  return status == VcpuStatus::kReady || status == VcpuStatus::kRunning ? 1U : 0U;
}

}  // namespace ravelin::call
