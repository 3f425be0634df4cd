// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace ravelin::smoke {

/// The largest power of two in `text`'s bytes, or the number of bytes if there is none.
std::expected<std::uint32_t, std::uint64_t> LargestPowerOfTwo(std::string_view text);

}  // namespace ravelin::smoke
