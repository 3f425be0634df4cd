// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The run loop: from a host call into the guest, and back when the host is needed.
#pragma once

#include <cstdint>

#include "hyp/arch/world.h"
#include "hyp/base/result.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// The handler of the VM's kind for synchronous exits.
using SynchronousHandler = Disposition (*)(Vcpu& vcpu, const arch::Syndrome& syndrome);

// Runs the vCPU until the host is needed; the reason (RAVELIN_EXIT_*).
// kWrongPhase, kBusy: see VCPU_RUN; kWrongState: the host is in SME streaming mode.
Result<std::uint64_t> Run(Vcpu& vcpu, SynchronousHandler handler);

}  // namespace ravelin::virt
