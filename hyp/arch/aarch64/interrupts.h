// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The GIC as EL2 sees it, for boot and the world switch. The rest is hyp/arch/interrupts.h.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "hyp/boot/arena.h"
#include "hyp/vm/context.h"

namespace ravelin {

// Consecutive redistributors (IHI 0069, 12.10).
struct RedistributorRegion {
  Pa first;
  std::uint64_t size = 0;
  std::uint64_t stride = 0;  // 0: as GICR_TYPER says
};

// Finds the redistributors of CPUs in the region, and maps the page of each that EL2 needs.
void FindRedistributors(const RedistributorRegion& region, boot::Arena& arena);

// Empty list registers: they are UNKNOWN at reset.
void InitListRegisters();

// The CPU interface of a guest, between its memory and the CPU; the list registers are empty.
void LoadGic(const GicContext& gic);
void StoreGic(GicContext& gic);

}  // namespace ravelin
