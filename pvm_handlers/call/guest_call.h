// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a protected guest may ask for: the calls of every guest, and the pKVM guest interface
// (hyp/abi/guest_call.h; Linux, Documentation/virt/kvm/arm/hypercalls.rst). Nothing reaches the
// host, except that a page which the guest names is missing.
#pragma once

#include "hyp/vm/vcpu.h"

namespace ravelin::pvm_handlers {

// Serves the call in X0..X7. The PC is behind the HVC or SMC.
Disposition ServeCall(Vcpu& vcpu);

}  // namespace ravelin::pvm_handlers
