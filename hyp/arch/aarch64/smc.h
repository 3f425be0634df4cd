// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls to the firmware (SMCCC, DEN 0028): SMC #0, x0..x7 in, x0..x3 out.
#pragma once

#include <array>
#include <cstdint>

namespace ravelin {

using SmcArguments = std::array<std::uint64_t, 8>;
using SmcResults = std::array<std::uint64_t, 4>;

// Firmware of SMCCC 1.0 may change x4..x17: they are all clobbered here.
inline SmcResults Smc(const SmcArguments& a) {
  register std::uint64_t x0 asm("x0") = a[0];
  register std::uint64_t x1 asm("x1") = a[1];
  register std::uint64_t x2 asm("x2") = a[2];
  register std::uint64_t x3 asm("x3") = a[3];
  register std::uint64_t x4 asm("x4") = a[4];
  register std::uint64_t x5 asm("x5") = a[5];
  register std::uint64_t x6 asm("x6") = a[6];
  register std::uint64_t x7 asm("x7") = a[7];
  asm volatile("smc #0"
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
               :
               : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
  return {x0, x1, x2, x3};
}

}  // namespace ravelin
