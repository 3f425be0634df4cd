// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The host's side of a VM's interrupt controller: where it is, and which interrupts the host may
// raise.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/virt/gic/delivery.h"
#include "hyp/vm/vm.h"

namespace ravelin::gic {

// VM_SET_GIC. The lock of `vm` is held as `state`.
Result<> SetUp(Vm& vm, VmState& state, Ipa distributor, Ipa redistributors, std::uint64_t intids);

// VM_ALLOW_IRQ: the host may raise the interrupts of `mask`, the lowest of which is `first`.
Result<> Allow(Vm& vm, const VmState& state, std::uint64_t first, std::uint32_t mask);

// VM_IRQ_LINE. `level`: RAVELIN_LINE_*.
Result<WakeSet> SetLevel(Vm& vm, std::uint64_t intid, std::uint64_t level);

}  // namespace ravelin::gic
