// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The host ABI (hyp/abi/host_call.h): decode, act, encode. One table row per call; a handler takes
// typed arguments and returns a Result. What is reserved, out of range, unknown or out of phase is
// refused here, before a handler runs.
#pragma once

#include <array>
#include <cstdint>

namespace ravelin::call {

using Registers = std::array<std::uint64_t, 7>;  // x0..x6
using Results = std::array<std::uint64_t, 4>;    // x0..x3

Results Dispatch(const Registers& registers);

}  // namespace ravelin::call
