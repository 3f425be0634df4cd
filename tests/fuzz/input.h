// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one input, taken from the front: every string of bytes means something. Behind the
// end there are zeros.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ravelin::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  std::uint8_t Byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const std::uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

  // `size` bytes as a number, the lowest first.
  std::uint64_t Number(unsigned size) {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < size; ++i) {
      number |= std::uint64_t{Byte()} << (8 * i);
    }
    return number;
  }

  // One of the values, by one byte.
  template <typename T, std::size_t kCount>
  T Pick(const std::array<T, kCount>& values) {
    return values[Byte() % kCount];
  }

  [[nodiscard]] std::span<const std::uint8_t> rest() const { return bytes_; }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Numbers at the edges of what 64 bits, addresses and frames can be.
inline constexpr std::array<std::uint64_t, 16> kEdges{
    0,
    1,
    2,
    0xfff,
    0x1000,
    0x1001,
    0x1ff,
    0x200,
    0x201,
    0xffff'ffff,
    std::uint64_t{1} << 32,
    (std::uint64_t{1} << 52) - 1,
    std::uint64_t{1} << 52,
    std::uint64_t{1} << 63,
    ~std::uint64_t{0} - 1,
    ~std::uint64_t{0},
};

}  // namespace ravelin::fuzz
