// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Exits of protected VMs: the restricted table. What leaves EL2 per exception class:
//
//   WFI                          that the guest waits, and its timers' deadline
//   SGI, CPU_ON, GIC registers   which vCPUs are to run, if they waited or were off
//   end of an SPI of the host    its number, if the host has asked to be told
//   data abort, guarded page     IPA, direction, size, value written; never the register
//   data abort elsewhere,        the page and read, write or execute
//     instruction abort
//   guarded page, not decoded    the IPA; the host may only answer with an external abort
//   PSCI SYSTEM_OFF and such     the event
//   anything else                nothing: served here, or undefined to the guest
#pragma once

#include "hyp/arch/world.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::pvm_handlers {

Disposition HandleExit(Vcpu& vcpu, const arch::Syndrome& syndrome);

}  // namespace ravelin::pvm_handlers
