// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The host's general registers while the monitor serves one of its traps (vectors.S). Its PC and
// PSTATE stay in ELR_EL2 and SPSR_EL2.
#pragma once

#include <array>
#include <cstdint>

#include "hyp/arch/aarch64/layout.h"

namespace ravelin {

struct TrapFrame {
  std::array<std::uint64_t, 31> x;
  std::uint64_t padding;
};
static_assert(sizeof(TrapFrame) == FRAME_SIZE);

}  // namespace ravelin
