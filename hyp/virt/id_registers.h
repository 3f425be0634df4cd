// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a guest reads from the feature identification registers (Op0 3, Op1 0, CRn 0, CRm 1 to 7;
// Arm ARM D23.2, trapped by HCR_EL2.TID3): the CPU's value, of which only allow-listed fields
// remain. A feature that is new or not listed does not exist for the guest.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::virt {

// `system_register` as Esr::system_register() gives it. Nothing: not an identification register of
// this group.
std::optional<std::uint64_t> ReadIdRegister(std::uint64_t system_register);

// Completes a trapped access if it reads such a register. False: it does not.
bool ServeIdRegister(Vcpu& vcpu, Esr esr);

}  // namespace ravelin::virt
