// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// PSCI 1.1 (DEN 0022) for guests. The power states of vCPUs are the monitor's: the host cannot run
// one that is off, nor choose where one starts that the guest switches on. It learns who is to run,
// and that a VM goes down.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// Serves the call in X0, or returns nothing if it is not of PSCI.
std::optional<Disposition> ServePsci(Vcpu& vcpu);

}  // namespace ravelin::virt
