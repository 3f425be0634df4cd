// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Bit fields of 64-bit registers and descriptors, written as in the Arm ARM: Field<high, low>.
#pragma once

#include <cstdint>
#include <type_traits>

namespace ravelin {

constexpr std::uint64_t Bit(unsigned position) { return std::uint64_t{1} << position; }

template <unsigned kHigh, unsigned kLow>
struct Field {
  static_assert(kLow <= kHigh && kHigh < 64);

  static constexpr unsigned kWidth = kHigh - kLow + 1;
  static constexpr std::uint64_t kMax = ~std::uint64_t{0} >> (64 - kWidth);
  static constexpr std::uint64_t kMask = kMax << kLow;

  static constexpr std::uint64_t Get(std::uint64_t word) { return (word >> kLow) & kMax; }
  static constexpr std::uint64_t Make(std::uint64_t value) { return (value & kMax) << kLow; }
  static constexpr std::uint64_t Set(std::uint64_t word, std::uint64_t value) {
    return (word & ~kMask) | Make(value);
  }
};

// `value`, of which the compiler now knows nothing. Not code: an empty instruction sequence.
constexpr std::uint64_t Opaque(std::uint64_t value) {
  if (!std::is_constant_evaluated()) {
    asm("" : "+r"(value));
  }
  return value;
}

// Clamps an index that is already known to be below `size`, also under speculation: a mispredicted
// range check yields 0 and not an index out of range (CVE-2017-5753). Branch-free, and opaque, so
// that the compiler does not remove it as useless behind that very check.
constexpr std::uint64_t ClampIndex(std::uint64_t index, std::uint64_t size) {
  const std::uint64_t unchecked = Opaque(index);
  // The top bit is clear exactly if unchecked < size, for a size below 2^63.
  const auto outside = static_cast<std::int64_t>(unchecked | (size - 1 - unchecked));
  return unchecked & ~static_cast<std::uint64_t>(outside >> 63);
}

}  // namespace ravelin
