// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// WFI of both kinds of VM: all that the host learns of a wait.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hyp/abi/run_page.h"
#include "hyp/arch/world.h"
#include "hyp/base/bits.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// WFI: the host may run something else until the deadline of the guest's virtual timer, if that is
// enabled and not masked (CNTV_CTL_EL0). WFE is not trapped.
inline Disposition WaitForInterrupt(Vcpu& vcpu) {
  vcpu.SkipInstruction();
  const TimerState timer = arch::LiveTimer();
  const bool armed = (timer.ctl & (Bit(0) | Bit(1))) == Bit(0);
  return vcpu.Exit(
      {.reason = RAVELIN_EXIT_WFX, .deadline = armed ? std::max<std::uint64_t>(timer.cval, 1) : 0});
}

}  // namespace ravelin::virt
