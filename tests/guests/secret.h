// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The secret of secret_guest: 64 bytes that look random. Only the guest ever has them in memory. An
// attack looks for them by MaskedSecretWord, so that it cannot find its own copy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ravelin {

inline constexpr std::size_t kSecretWords = 8;
inline constexpr std::uint64_t kSecretMask = 0x5a5a5a5a5a5a5a5a;
inline constexpr std::uint64_t kSecretSeed = 0x526176656c696e21;

// splitmix64 (Steele, Lea and Flood 2014).
constexpr std::uint64_t MixedWord(std::uint64_t seed, std::size_t index) {
  std::uint64_t word = seed + (index + 1) * 0x9e3779b97f4a7c15;
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
  word = (word ^ word >> 27) * 0x94d049bb133111eb;
  return word ^ word >> 31;
}

constexpr std::uint64_t MaskedSecretWord(std::size_t index) {
  return MixedWord(kSecretSeed, index) ^ kSecretMask;
}

}  // namespace ravelin
