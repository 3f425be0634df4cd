// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/psci.h"

#include <array>

#include "hyp/abi/guest_call.h"
#include "hyp/abi/run_page.h"
#include "hyp/base/bits.h"
#include "hyp/virt/gic/mmio.h"
#include "hyp/virt/smccc.h"
#include "hyp/virt/wait.h"
#include "hyp/vm/vm.h"

namespace ravelin::virt {
namespace {

constexpr std::uint64_t k64Bit = Bit(30);
constexpr std::uint64_t kVersion11 = 0x10001;
constexpr std::uint64_t kMigrationNotNeeded = 2;
constexpr std::uint64_t kPowerOn = 0;
constexpr std::uint64_t kPowerOff = 1;
constexpr unsigned kHighestLevel = 3;
constexpr std::uint64_t kAffinity = Field<39, 32>::kMask | Field<23, 0>::kMask;

// The arguments, of which a 32-bit call has only the lower halves.
struct Arguments {
  explicit Arguments(const Vcpu& vcpu) {
    const bool wide = (vcpu.X(0) & k64Bit) != 0;
    for (unsigned i = 0; i < values.size(); ++i) {
      values[i] = wide ? vcpu.X(i + 1) : Field<31, 0>::Get(vcpu.X(i + 1));
    }
  }
  std::array<std::uint64_t, 3> values{};
};

Disposition AnswerStatus(Vcpu& vcpu, int status) {
  return Answer(vcpu, static_cast<std::uint64_t>(std::int64_t{status}));
}

// The vCPU whose affinity is `mpidr`; nullptr: there is none. The VM's lock is held.
Vcpu* FindTarget(VmState& state, std::uint64_t mpidr) {
  const auto index = (mpidr & ~kAffinity) == 0 ? Vm::VcpuWithAffinity(mpidr) : std::nullopt;
  return index ? state.vcpus[*index] : nullptr;
}

bool IsOn(Vcpu& vcpu) {
  const VcpuStatus status = vcpu.status();
  return status == VcpuStatus::kReady || status == VcpuStatus::kRunning;
}

bool IsEntryPoint(const Vm& vm, std::uint64_t address) {
  return IsAligned(address, 4) && vm.geometry().Contains(Ipa{address});
}

Disposition Version(Vcpu& vcpu) { return Answer(vcpu, kVersion11); }

Disposition MigrateInfoType(Vcpu& vcpu) { return Answer(vcpu, kMigrationNotNeeded); }

// A standby state, whatever the guest asks for: it keeps its registers.
Disposition CpuSuspend(Vcpu& vcpu) {
  AnswerStatus(vcpu, RAVELIN_PSCI_SUCCESS);
  return Wait(vcpu);
}

Disposition CpuOff(Vcpu& vcpu) {
  vcpu.BecomeAfterExit(VcpuStatus::kOff);
  return vcpu.Exit({.reason = RAVELIN_EXIT_SYSTEM_EVENT, .event = RAVELIN_EVENT_CPU_OFF});
}

// CPU_ON(target, entry point, context)
Disposition CpuOn(Vcpu& vcpu) {
  const auto [target, entry, context] = Arguments(vcpu).values;
  gic::WakeSet wakes;
  {
    const auto state = vcpu.vm().state().Lock();
    Vcpu* const other = FindTarget(*state, target);
    if (other == nullptr) {
      return AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_PARAMETERS);
    }
    if (IsOn(*other)) {
      return AnswerStatus(vcpu, RAVELIN_PSCI_ALREADY_ON);
    }
    if (other->status() != VcpuStatus::kOff) {
      return AnswerStatus(vcpu, RAVELIN_PSCI_INTERNAL_FAILURE);
    }
    if (!IsEntryPoint(vcpu.vm(), entry)) {
      return AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_ADDRESS);
    }
    other->Reset(entry, context);
    other->status() = VcpuStatus::kReady;
    wakes.Add(other->index());
  }
  AnswerStatus(vcpu, RAVELIN_PSCI_SUCCESS);
  return gic::ResumeOrWake(vcpu, wakes);
}

// AFFINITY_INFO(target, level): on, if one of those that agree with the target above the level is.
Disposition AffinityInfo(Vcpu& vcpu) {
  const auto [target, level, unused] = Arguments(vcpu).values;
  if (level > kHighestLevel || (target & ~kAffinity) != 0) {
    return AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_PARAMETERS);
  }
  const std::uint64_t compared = level == kHighestLevel ? 0 : ~std::uint64_t{0} << (8 * level);
  const auto state = vcpu.vm().state().Lock();
  bool found = false;
  bool is_on = false;
  for (std::uint32_t i = 0; i < kMaxVcpus; ++i) {
    if (state->vcpus[i] != nullptr && ((Vm::AffinityOf(i) ^ target) & compared) == 0) {
      found = true;
      is_on = is_on || IsOn(*state->vcpus[i]);
    }
  }
  return found ? Answer(vcpu, is_on ? kPowerOn : kPowerOff)
               : AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_PARAMETERS);
}

Disposition PowerDown(Vcpu& vcpu, std::uint64_t event) {
  vcpu.BecomeAfterExit(VcpuStatus::kOff);
  return vcpu.Exit({.reason = RAVELIN_EXIT_SYSTEM_EVENT, .event = event});
}

Disposition SystemOff(Vcpu& vcpu) { return PowerDown(vcpu, RAVELIN_EVENT_SHUTDOWN); }

Disposition SystemReset(Vcpu& vcpu) { return PowerDown(vcpu, RAVELIN_EVENT_RESET); }

// SYSTEM_RESET2(type, cookie): a warm reset is a reset; there are no vendor types.
Disposition SystemReset2(Vcpu& vcpu) {
  return Arguments(vcpu).values[0] == 0 ? SystemReset(vcpu)
                                        : AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_PARAMETERS);
}

bool OthersAreOff(Vcpu& vcpu) {
  const auto state = vcpu.vm().state().Lock();
  for (Vcpu* const other : state->vcpus) {
    if (other != nullptr && other != &vcpu && IsOn(*other)) {
      return false;
    }
  }
  return true;
}

// SYSTEM_SUSPEND(entry point, context): as WFI, after which the vCPU starts anew.
Disposition SystemSuspend(Vcpu& vcpu) {
  const auto [entry, context, unused] = Arguments(vcpu).values;
  if (!IsEntryPoint(vcpu.vm(), entry)) {
    return AnswerStatus(vcpu, RAVELIN_PSCI_INVALID_ADDRESS);
  }
  if (!OthersAreOff(vcpu)) {
    return AnswerStatus(vcpu, RAVELIN_PSCI_DENIED);
  }
  vcpu.ResetAfterExit(entry, context);
  return ExitToWait(vcpu);
}

Disposition Features(Vcpu& vcpu);

struct PsciCall {
  std::uint32_t function;
  bool has_64bit;
  Disposition (*serve)(Vcpu& vcpu);
};

constexpr auto kCalls = std::to_array<PsciCall>({
    {RAVELIN_PSCI_VERSION, false, Version},
    {RAVELIN_PSCI_CPU_SUSPEND, true, CpuSuspend},
    {RAVELIN_PSCI_CPU_OFF, false, CpuOff},
    {RAVELIN_PSCI_CPU_ON, true, CpuOn},
    {RAVELIN_PSCI_AFFINITY_INFO, true, AffinityInfo},
    {RAVELIN_PSCI_MIGRATE_INFO_TYPE, false, MigrateInfoType},
    {RAVELIN_PSCI_SYSTEM_OFF, false, SystemOff},
    {RAVELIN_PSCI_SYSTEM_RESET, false, SystemReset},
    {RAVELIN_PSCI_FEATURES, false, Features},
    {RAVELIN_PSCI_SYSTEM_SUSPEND, true, SystemSuspend},
    {RAVELIN_PSCI_SYSTEM_RESET2, true, SystemReset2},
});

const PsciCall* Find(std::uint64_t function) {
  for (const PsciCall& call : kCalls) {
    if (function == call.function || (call.has_64bit && function == (call.function | k64Bit))) {
      return &call;
    }
  }
  return nullptr;
}

// FEATURES(function): no call has any flags. SMCCC_VERSION says that there is SMCCC 1.1 or later.
Disposition Features(Vcpu& vcpu) {
  const std::uint64_t function = vcpu.X(1);
  const bool exists = Find(function) != nullptr || function == RAVELIN_SMCCC_VERSION;
  return AnswerStatus(vcpu, exists ? RAVELIN_PSCI_SUCCESS : RAVELIN_PSCI_NOT_SUPPORTED);
}

}  // namespace

std::optional<Disposition> ServePsci(Vcpu& vcpu) {
  const PsciCall* const call = Find(vcpu.X(0));
  return call == nullptr ? std::nullopt : std::optional(call->serve(vcpu));
}

}  // namespace ravelin::virt
