// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/call/vm_calls.h"

#include <array>
#include <new>

#include "hyp/abi/host_call.h"
#include "hyp/arch/linear.h"
#include "hyp/base/bits.h"
#include "hyp/virt/run.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm_handlers/exits.h"
#include "pvm_handlers/exit/exits.h"

namespace ravelin::call {
namespace {

constexpr PageCount kVmPages{AlignUp(sizeof(Vm), kPageSize) / kPageSize};
constexpr PageCount kVcpuPages{AlignUp(sizeof(Vcpu), kPageSize) / kPageSize};

Result<VmKind> DecodeKind(std::uint64_t kind) {
  if (kind == RAVELIN_VM_NORMAL) {
    return VmKind::kNormal;
  }
  if (kind != RAVELIN_VM_PROTECTED) {
    return Failure{Error::kInvalidArgument};
  }
  if (Facts().mode != Mode::kProtected) {
    return Failure{Error::kNotSupported};
  }
  return VmKind::kProtected;
}

// A register of the ABI in a vCPU that does not run; nullptr: no such register.
std::uint64_t* FindRegister(Vcpu& vcpu, std::uint64_t reg) {
  arch::GuestState& state = vcpu.state();
  if (reg < state.registers.x.size()) {
    return &state.registers.x[ClampIndex(reg, state.registers.x.size())];
  }
  switch (reg) {
    case RAVELIN_REG_SP:
      return &state.el1.sp_el0;
    case RAVELIN_REG_PC:
      return &state.registers.pc;
    case RAVELIN_REG_PSTATE:
      return &state.registers.pstate;
    case RAVELIN_REG_SP_EL1:
      return &state.el1.sp_el1;
    case RAVELIN_REG_ELR_EL1:
      return &state.el1.elr;
    case RAVELIN_REG_SPSR_EL1:
      return &state.el1.spsr;
    default:
      return nullptr;
  }
}

// PSTATE that a host may set for a normal VM: EL0t, EL1t or EL1h of AArch64, flags and masks; what
// would make the exception return to it illegal is refused.
bool IsLegalPstate(std::uint64_t pstate) {
  constexpr std::uint64_t kAllowed = Field<31, 28>::kMask | Field<9, 6>::kMask | 0xf;
  const std::uint64_t mode = pstate & 0xf;
  return (pstate & ~kAllowed) == 0 && (mode == 0 || mode == 4 || mode == 5);
}

// The entry state of a protected VM: what a boot loader sets (Linux, booting.rst).
bool IsEntryRegister(std::uint64_t reg) { return reg <= 3 || reg == RAVELIN_REG_PC; }

Result<> CheckSetReg(const Vm& vm, const VmState& state, std::uint64_t reg, std::uint64_t value) {
  if (vm.is_protected() && state.phase != VmPhase::kCreated) {
    return Failure{Error::kWrongPhase};
  }
  if (vm.is_protected() && !IsEntryRegister(reg)) {
    return Failure{Error::kWrongKind};
  }
  if (reg == RAVELIN_REG_PSTATE && !IsLegalPstate(value)) {
    return Failure{Error::kInvalidArgument};
  }
  return {};
}

}  // namespace

Result<Vcpu*> FindVcpu(VmState& vm, VcpuIndex index) {
  if (index.raw() >= kMaxVcpus) {
    return Failure{Error::kNoSuchVcpu};
  }
  Vcpu* const vcpu = vm.vcpus[ClampIndex(index.raw(), kMaxVcpus)];
  if (vcpu == nullptr) {
    return Failure{Error::kNoSuchVcpu};
  }
  return vcpu;
}

Result<std::uint64_t> VmCreate(std::uint64_t kind, std::uint64_t ipa_bits, Pfn vm_pfn,
                               Pfn root_pfn) {
  RAVELIN_TRY_ASSIGN(vm_kind, DecodeKind(kind));
  if (ipa_bits > Facts().max_ipa_bits) {
    return Failure{Error::kInvalidArgument};
  }
  RAVELIN_TRY_ASSIGN(geometry, stage2::Geometry::ForIpaBits(ipa_bits));
  if (!IsAligned(root_pfn.raw(), geometry.root_pages().raw())) {
    return Failure{Error::kInvalidArgument};
  }
  RAVELIN_TRY_ASSIGN(handle, CreateVm({.kind = vm_kind,
                                       .geometry = geometry,
                                       .object = {vm_pfn, kVmPages},
                                       .root = {root_pfn, geometry.root_pages()}}));
  return handle.raw();
}

Result<> VcpuCreate(VmHandle handle, VcpuIndex index, Pfn vcpu_pfn, Pfn run_pfn) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  if (index.raw() >= kMaxVcpus) {
    return Failure{Error::kLimit};
  }
  const auto state = vm->state().Lock();
  if (state->phase != VmPhase::kCreated || vm->has_gic()) {
    return Failure{Error::kWrongPhase};
  }
  Vcpu*& slot = state->vcpus[ClampIndex(index.raw(), kMaxVcpus)];
  if (slot != nullptr) {
    return Failure{Error::kExists};
  }
  const auto pages = PageOwnership().Lock();
  RAVELIN_TRY(pages->PinShared(run_pfn));
  const std::array<PfnRange, 1> ranges = {PfnRange{vcpu_pfn, kVcpuPages}};
  if (const auto donated = pages->HostDonateMonitor(ranges, vm->vmid(), state->memory.metadata());
      !donated) {
    const auto unpinned = pages->UnpinShared(run_pfn);
    Invariant(unpinned.has_value(), "what was pinned above can be unpinned");
    return donated;
  }
  auto* const run_page = static_cast<ravelin_run_page*>(arch::LinearAddress(ToPa(run_pfn)));
  slot = new (arch::LinearAddress(ToPa(vcpu_pfn))) Vcpu(*vm, index, run_page, run_pfn);
  return {};
}

Result<> VcpuSetReg(VmHandle handle, VcpuIndex index, std::uint64_t reg, std::uint64_t value) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  std::uint64_t* const target = FindRegister(*vcpu, reg);
  if (target == nullptr) {
    return Failure{Error::kInvalidArgument};
  }
  RAVELIN_TRY(CheckSetReg(*vm, *state, reg, value));
  if (vcpu->status() == VcpuStatus::kRunning) {
    return Failure{Error::kBusy};
  }
  *target = value;
  return {};
}

Result<std::uint64_t> VcpuGetReg(VmHandle handle, VcpuIndex index, std::uint64_t reg) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  if (vm->is_protected()) {
    return Failure{Error::kWrongKind};
  }
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  const std::uint64_t* const source = FindRegister(*vcpu, reg);
  if (source == nullptr) {
    return Failure{Error::kInvalidArgument};
  }
  if (vcpu->status() == VcpuStatus::kRunning) {
    return Failure{Error::kBusy};
  }
  return *source;
}

Result<> VmLaunch(VmHandle handle) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  if (state->phase != VmPhase::kCreated) {
    return Failure{Error::kWrongPhase};
  }
  RAVELIN_TRY_ASSIGN(boot, FindVcpu(*state, VcpuIndex{0}));
  boot->status() = VcpuStatus::kReady;
  state->phase = VmPhase::kRunning;
  return {};
}

Result<std::uint64_t> VcpuRun(VmHandle handle, VcpuIndex index) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  Vcpu* vcpu = nullptr;
  {
    const auto state = vm->state().Lock();
    RAVELIN_TRY_ASSIGN(found, FindVcpu(*state, index));
    vcpu = found;
  }
  return virt::Run(*vcpu,
                   vm->is_protected() ? &pvm_handlers::HandleExit : &vm_handlers::HandleExit);
}

Result<> VmDestroy(VmHandle handle) {
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  if (state->phase == VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
  if (state->running != 0) {
    return Failure{Error::kBusy};
  }
  state->phase = VmPhase::kDying;
  return {};
}

Result<Progress> VmFree(VmHandle handle) { return FreeVm(handle); }

}  // namespace ravelin::call
