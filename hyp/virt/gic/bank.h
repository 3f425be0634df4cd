// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a bank of 32 interrupts says of each of them (IHI 0069, 4.1.2: the states of an interrupt).
#pragma once

#include <bit>
#include <cstdint>

#include "hyp/vm/interrupts.h"

namespace ravelin::gic {

inline constexpr std::uint32_t kEnableGroup0 = 1u << 0;
inline constexpr std::uint32_t kEnableGroup1 = 1u << 1;

constexpr std::uint32_t BitOf(unsigned intid) { return 1u << (intid % kBankSize); }

// Calls `serve` with the position of each bit that is set.
template <typename Serve>
constexpr void ForEachBit(std::uint32_t bits, Serve serve) {
  for (; bits != 0; bits &= bits - 1) {
    serve(static_cast<unsigned>(std::countr_zero(bits)));
  }
}

constexpr std::uint32_t PendingIn(const Bank& bank) {
  return bank.latched | (bank.line & ~bank.edge);
}

// Pending, enabled, of an enabled group. A level that is active already is looked at again when it
// ends.
constexpr std::uint32_t DeliverableIn(const Bank& bank, std::uint32_t control) {
  const std::uint32_t groups = ((control & kEnableGroup1) != 0 ? bank.group : 0) |
                               ((control & kEnableGroup0) != 0 ? ~bank.group : 0);
  return PendingIn(bank) & bank.enabled & groups & ~(bank.active & ~bank.edge);
}

// A new level on an interrupt's input. True: the interrupt may have become pending, or is it no
// longer.
constexpr bool SetLine(Bank& bank, std::uint32_t bit, bool high) {
  const bool was_high = (bank.line & bit) != 0;
  if (was_high == high) {
    return false;
  }
  bank.line = high ? bank.line | bit : bank.line & ~bit;
  if (high) {
    bank.latched |= bank.edge & bit;
  }
  return high || (bank.edge & bit) == 0;
}

}  // namespace ravelin::gic
