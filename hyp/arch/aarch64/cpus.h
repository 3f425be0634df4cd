// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The physical CPUs of the machine: their PerCpu data, stacks, and the first host instruction of
// each.
#pragma once

#include <cstdint>
#include <span>

#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/boot/arena.h"

namespace ravelin {

// Bytes of the carve-out that one CPU takes.
std::uint64_t PerCpuBytes();

// Allocates and fills a PerCpu for each MPIDR; the one of this CPU becomes ThisCpu(). `image`:
// where the image runs.
void StartCpus(std::span<const std::uint64_t> mpidrs, Pa image, boot::Arena& arena);

// False: no MPIDR of StartCpus is this CPU's.
bool IsThisCpuKnown();

std::uint64_t CpuCount();
PerCpu& CpuAt(std::uint64_t index);

// The physical address of a symbol of the image.
std::uint64_t PhysicalOf(std::uint64_t link_address);

// Enters the host at EL1, MMU off, interrupts masked, with x0 = `argument`. Does not return.
[[noreturn]] void EnterHostAt(std::uint64_t entry, std::uint64_t argument);

}  // namespace ravelin
