// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Exceptions that the monitor injects into EL1, of the host or of a guest: what the CPU does on
// exception entry (Arm ARM D1.3, AArch64.TakeException), done to the live EL1 state (arch/world.h).
// Each returns where EL1 goes on.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/base/types.h"
#include "hyp/vm/context.h"
#include "hyp/vm/syndrome.h"

namespace ravelin::inject {

// The instruction at `at` is undefined.
ExecutionPoint Undefined(ExecutionPoint at);

struct DataAbort {
  std::uint64_t status = kStatusExternal;  // kStatusExternal or kStatusAlignment
  bool write = false;
  bool cache_maintenance = false;
  std::optional<std::uint64_t> far;  // without it FAR_EL1 is marked as not valid
};
ExecutionPoint Data(ExecutionPoint at, const DataAbort& abort);

// A synchronous external abort on the instruction fetch at `far`.
ExecutionPoint Instruction(ExecutionPoint at, std::optional<std::uint64_t> far);

}  // namespace ravelin::inject
