// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/console.h"

#include <array>
#include <cstddef>

namespace ravelin {
namespace {

constinit std::uint64_t uart_base = 0;

void PutCharacter(char character) {
  if (uart_base != 0) {
    *reinterpret_cast<volatile std::uint32_t*>(uart_base) = static_cast<unsigned char>(character);
  }
}

void PrintDigits(std::uint64_t value, std::uint64_t base) {
  std::array<char, 20> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) {
    PutCharacter(digits[--count]);
  }
}

}  // namespace

void SetConsole(std::uint64_t uart) { uart_base = uart; }

void PrintOne(std::string_view text) {
  for (const char character : text) {
    PutCharacter(character);
  }
}

void PrintOne(Hex hex) {
  PrintOne(std::string_view("0x"));
  PrintDigits(hex.value, 16);
}

void PrintOne(std::uint64_t number) { PrintDigits(number, 10); }

void PrintOne(std::int64_t number) {
  if (number < 0) {
    PutCharacter('-');
  }
  const auto bits = static_cast<std::uint64_t>(number);
  PrintDigits(number < 0 ? ~bits + 1 : bits, 10);
}

}  // namespace ravelin
