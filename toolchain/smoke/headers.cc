// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "toolchain/smoke/headers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <span>

namespace ravelin::smoke {
namespace {

std::optional<std::uint32_t> Largest(std::span<const std::uint32_t> values) {
  const auto largest = std::max_element(values.begin(), values.end());
  if (largest == values.end() || *largest == 0) return std::nullopt;
  return *largest;
}

}  // namespace

std::expected<std::uint32_t, std::uint64_t> LargestPowerOfTwo(std::string_view text) {
  std::array<std::uint32_t, 16> powers{};
  const auto count = std::min(text.size(), powers.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    powers[i] = std::has_single_bit(byte) ? byte : 0U;
  }
  const auto largest = Largest(std::span{powers}.first(count));
  if (!largest) return std::unexpected(std::uint64_t{text.size()});
  return *largest;
}

}  // namespace ravelin::smoke
