// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// General registers on the stack of the monitor (vectors.S).
#pragma once

#include <array>
#include <cstdint>

#include "hyp/arch/aarch64/layout.h"

namespace ravelin {

// All of them: of the monitor in its panic report, of the host at its first instruction.
struct TrapFrame {
  std::array<std::uint64_t, 31> x;
  std::uint64_t padding;
};
static_assert(sizeof(TrapFrame) == FRAME_SIZE);

// The host's while the monitor serves one of its traps. The others are in the hands of the compiled
// code, which preserves them (AAPCS64, 6.1.1); PC and PSTATE stay in ELR_EL2 and SPSR_EL2.
struct HostFrame {
  std::array<std::uint64_t, 19> x;  // x0..x18
  std::uint64_t x29;
  std::uint64_t x30;
  std::uint64_t padding;
};
static_assert(sizeof(HostFrame) == HOST_FRAME_SIZE);

}  // namespace ravelin
