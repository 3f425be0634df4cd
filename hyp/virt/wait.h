// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// WFI of both kinds of VM: all that the host learns of a wait.
#pragma once

#include "hyp/abi/run_page.h"
#include "hyp/virt/gic/delivery.h"
#include "hyp/vm/vcpu.h"
#include "hyp/vm/vm.h"

namespace ravelin::virt {

// The host may run something else until one of the guest's timers fires, or the vCPU is woken.
inline Disposition ExitToWait(Vcpu& vcpu) {
  return vcpu.Exit({.reason = RAVELIN_EXIT_WFX, .deadline = gic::TimerDeadline(vcpu)});
}

inline Disposition Wait(Vcpu& vcpu) {
  return vcpu.vm().has_gic() && gic::HasInterrupt(vcpu) ? Disposition::kResume : ExitToWait(vcpu);
}

// WFI. WFE is not trapped.
inline Disposition WaitForInterrupt(Vcpu& vcpu) {
  vcpu.SkipInstruction();
  return Wait(vcpu);
}

}  // namespace ravelin::virt
