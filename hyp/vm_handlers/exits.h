// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Exits of normal VMs: their memory is the host's, lent, and the host emulates what they access.
#pragma once

#include "hyp/arch/world.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::vm_handlers {

Disposition HandleExit(Vcpu& vcpu, const arch::Syndrome& syndrome);

}  // namespace ravelin::vm_handlers
