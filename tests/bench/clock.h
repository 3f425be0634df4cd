// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Instructions that this CPU executed in other exception levels, counted by the physical counter.
// Exact where the machine advances it by the same time for each instruction (QEMU -icount shift=0:
// 1 ns), and only there. The performance monitors cannot be used: the monitor stops them at EL2.
#pragma once

#include <array>
#include <cstdint>

namespace ravelin::bench {

using Words = std::array<std::uint64_t, 7>;  // x0..x6

struct Sample {
  std::uint64_t instructions;  // beside the measured one
  std::array<std::uint64_t, 4> out;
};

// Host call or firmware call with these registers.
Sample MeasureCall(const Words& in);
Sample MeasureFirmwareCall(const Words& in);
// A read of 8 bytes, which may fault; an exception that EL1 takes is counted, too.
Sample MeasureAccess(std::uint64_t address);

// Whether 100 instructions are counted as 100, from any phase of the counter.
bool IsExact();

}  // namespace ravelin::bench
