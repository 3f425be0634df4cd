// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Accesses of a guest to its interrupt controller: the frames in memory, and the registers of the
// CPU interface that trap.
#pragma once

#include <optional>

#include "hyp/arch/world.h"
#include "hyp/base/types.h"
#include "hyp/virt/gic/delivery.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::gic {

// Serves a data abort at `ipa`, or returns nothing if that is not in a frame.
std::optional<Disposition> ServeAbort(Vcpu& vcpu, const arch::Syndrome& syndrome, Ipa ipa);

// A write to ICC_SGI1R_EL1, or to a register that makes SGIs of group 0 only.
enum class SgiGroups : std::uint8_t { kBoth, kGroup0 };
Disposition SendSgi(Vcpu& vcpu, std::uint64_t value, SgiGroups groups);

// The guest goes on, or the host is told first whom to wake.
Disposition ResumeOrWake(Vcpu& vcpu, const WakeSet& wakes);

}  // namespace ravelin::gic
