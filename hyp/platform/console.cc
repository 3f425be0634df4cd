// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/platform/console.h"

#include <array>

#include "hyp/arch/aarch64/layout.h"

namespace ravelin::console {
namespace {

// PL011 registers and bits (DDI 0183).
constexpr std::uint64_t kData = 0x00;
constexpr std::uint64_t kFlags = 0x18;
constexpr std::uint32_t kTransmitFull = 1u << 5;

constinit Va uart{RAVELIN_EARLY_UART};

volatile std::uint32_t& Register(std::uint64_t offset) {
  return *reinterpret_cast<volatile std::uint32_t*>(uart.raw() + offset);
}

}  // namespace

void SetUart(Va base) { uart = base; }

void Put(char character) {
  if (uart == Va{0}) {
    return;
  }
  while ((Register(kFlags) & kTransmitFull) != 0) {
  }
  Register(kData) = static_cast<unsigned char>(character);
}

void Write(std::string_view text) {
  for (const char character : text) {
    Put(character);
  }
}

void Write(Hex number) {
  Write(std::string_view("0x"));
  bool started = false;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const std::uint64_t digit = (number.value >> shift) & 0xf;
    started = started || digit != 0 || shift == 0;
    if (started) {
      Put("0123456789abcdef"[digit]);
    }
  }
}

void Write(std::uint64_t number) {
  std::array<char, 20> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) {
    Put(digits[--count]);
  }
}

}  // namespace ravelin::console
