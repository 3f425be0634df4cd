// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls that every guest has, whatever its kind: PSCI (DEN 0022) and the SMCCC queries (DEN 0028),
// by HVC or SMC. They are served here; the host learns only that a VM goes down.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// Serves the call in X0, or returns nothing if it is not one of these.
std::optional<Disposition> ServeCommonCall(Vcpu& vcpu);

// Leaves a call's results in X0..X3.
Disposition Answer(Vcpu& vcpu, std::uint64_t x0, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                   std::uint64_t x3 = 0);
Disposition AnswerNotSupported(Vcpu& vcpu);

}  // namespace ravelin::virt
