// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/run.h"

#include "hyp/abi/run_page.h"
#include "hyp/virt/gic/delivery.h"
#include "hyp/vm/vm.h"

namespace ravelin::virt {
namespace {

// Marks the vCPU as running, if its and its VM's life cycle allow it.
Result<> Claim(Vcpu& vcpu) {
  const auto vm = vcpu.vm().state().Lock();
  if (vm->phase != VmPhase::kRunning) {
    return Failure{Error::kWrongPhase};
  }
  auto expected = VcpuStatus::kReady;
  if (vcpu.status().compare_exchange_strong(expected, VcpuStatus::kRunning)) {
    ++vm->running;
    return {};
  }
  return Failure{expected == VcpuStatus::kRunning ? Error::kBusy : Error::kWrongPhase};
}

void Release(Vcpu& vcpu) {
  const auto vm = vcpu.vm().state().Lock();
  --vm->running;
  vcpu.ApplyReset();
  vcpu.status() = vcpu.TakeStatusAfterExit();
}

Disposition OnInterrupt(Vcpu& vcpu) {
  return vcpu.vm().has_gic() && gic::TakeInterrupt(vcpu) ? Disposition::kResume
                                                         : vcpu.Exit({.reason = RAVELIN_EXIT_IRQ});
}

// One stay in the guest, and what follows from its end.
Disposition Stay(Vcpu& vcpu, SynchronousHandler handler) {
  switch (arch::RunGuest(vcpu.state())) {
    case arch::ExitKind::kIrq:
      return OnInterrupt(vcpu);
    case arch::ExitKind::kSerror:
      return vcpu.Stop(RAVELIN_STOP_SERROR);
    case arch::ExitKind::kSynchronous:
      break;
  }
  return handler(vcpu, arch::ReadSyndrome());
}

void RunUntilExit(Vcpu& vcpu, SynchronousHandler handler) {
  auto disposition = Disposition::kResume;
  while (disposition == Disposition::kResume) {
    if (vcpu.interrupts().attention.load()) {
      if (const auto ended = gic::Refresh(vcpu)) {
        vcpu.Exit({.reason = RAVELIN_EXIT_LINE_FELL, .value = *ended});
        return;
      }
    }
    disposition = Stay(vcpu, handler);
  }
}

// Between the worlds of the host and of the guest.
void RunInWorld(Vcpu& vcpu, const ravelin_reply& reply, SynchronousHandler handler) {
  const bool has_gic = vcpu.vm().has_gic();
  if (has_gic) {
    gic::Enter(vcpu);
  }
  vcpu.ApplyReply(reply);
  RunUntilExit(vcpu, handler);
  if (has_gic) {
    gic::Leave(vcpu);
  }
}

}  // namespace

Result<std::uint64_t> Run(Vcpu& vcpu, SynchronousHandler handler) {
  RAVELIN_TRY(Claim(vcpu));
  const ravelin_reply reply = vcpu.CopyReply();
  if (const auto entered = arch::EnterWorld(vcpu.vm().RegimeOf(vcpu.index()), vcpu.state());
      !entered) {
    Release(vcpu);
    return Failure{entered.error()};
  }
  RunInWorld(vcpu, reply, handler);
  arch::LeaveWorld(vcpu.state());
  if (vcpu.exit_reason() == RAVELIN_EXIT_WFX && vcpu.vm().has_gic() && !gic::Park(vcpu)) {
    vcpu.Exit({.reason = RAVELIN_EXIT_IRQ});
  }
  vcpu.PublishExit();
  const std::uint64_t reason = vcpu.exit_reason();
  Release(vcpu);
  return reason;
}

}  // namespace ravelin::virt
