// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that repeat with their seed; no state but the object's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ravelin::storm {

// xorshift64*: the same sequence for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x1234567) {
    if (state_ == 0) {
      state_ = 1;
    }
    Next();
  }

  std::uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // 0 .. limit - 1.
  std::uint64_t Below(std::uint64_t limit) { return (Next() >> 32) % limit; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  template <typename T, std::size_t kSize>
  T Pick(const std::array<T, kSize>& values) {
    return values[Below(kSize)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ravelin::storm
