// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/error.h"

#include <array>
#include <charconv>

namespace ravelin::vmm {

std::string Hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return "0x" + std::string{digits.data(), end.ptr};
}

}  // namespace ravelin::vmm
