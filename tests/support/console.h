// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The UART (PL011). One CPU prints at a time: the boot CPU while the others are off.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace ravelin {

void SetConsole(std::uint64_t uart);

// Printed as 0x...
struct Hex {
  std::uint64_t value;
};

void PrintOne(std::string_view text);
void PrintOne(Hex hex);
void PrintOne(std::uint64_t number);
void PrintOne(std::int64_t number);

template <typename... Parts>
void Print(const Parts&... parts) {
  (PrintOne(parts), ...);
}

}  // namespace ravelin
