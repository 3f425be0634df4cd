// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The relay between the host's PSCI calls (DEN 0022) and the firmware. Every call that starts or
// wakes a CPU gets the monitor's own entry point, so that stage 2 and traps are set before the
// first EL1 instruction; the host's entry point and context wait in the CPU's PerCpu. What stops
// the machine scrubs protected memory first.
#pragma once

#include "hyp/arch/aarch64/smc.h"
#include "hyp/base/types.h"

namespace ravelin::psci {

// True for function identifiers of PSCI.
bool IsPsci(std::uint64_t function);

// Serves a PSCI call of the host; x0..x3 of the result. Does not return if the call switches the
// CPU or the machine off.
SmcResults Serve(const SmcArguments& call);

}  // namespace ravelin::psci
