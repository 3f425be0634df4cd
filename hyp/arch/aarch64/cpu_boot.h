// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What EnableMmu and SecondaryEntry (head.S) read with the MMU off. The offsets are those of
// layout.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hyp/arch/aarch64/layout.h"

namespace ravelin {

struct CpuBoot {
  std::uint64_t ttbr;
  std::uint64_t tcr;
  std::uint64_t mair;
  std::uint64_t sctlr;
  std::uint64_t per_cpu;
  std::uint64_t stack;
  std::uint64_t vectors;
};
static_assert(offsetof(CpuBoot, ttbr) == CPU_BOOT_TTBR);
static_assert(offsetof(CpuBoot, tcr) == CPU_BOOT_TCR);
static_assert(offsetof(CpuBoot, mair) == CPU_BOOT_MAIR);
static_assert(offsetof(CpuBoot, sctlr) == CPU_BOOT_SCTLR);
static_assert(offsetof(CpuBoot, per_cpu) == CPU_BOOT_PERCPU);
static_assert(offsetof(CpuBoot, stack) == CPU_BOOT_STACK);
static_assert(offsetof(CpuBoot, vectors) == CPU_BOOT_VECTORS);

}  // namespace ravelin
