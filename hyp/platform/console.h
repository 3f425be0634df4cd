// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The monitor's reports on the UART: the banner, refusals and the panic report. The host uses the
// same UART afterwards, so the monitor is silent once the host runs, except when it stops the
// machine. Only one CPU reports at a time: the one that boots, or the first that panics.
#pragma once

#include <cstdint>
#include <string_view>

#include "hyp/base/types.h"

namespace ravelin::console {

// Where the registers of a PL011 (PrimeCell UART, DDI 0183) are mapped; 0 = there is none, and
// reports go nowhere. The early UART until set.
void SetUart(Va base);

struct Hex {
  std::uint64_t value;
};

void Put(char character);
void Write(std::string_view text);
void Write(Hex number);            // 0x..., no leading zeros
void Write(std::uint64_t number);  // decimal

// Writes the parts one after the other and ends the line.
template <typename... Parts>
void Line(const Parts&... parts) {
  Write(std::string_view("Ravelin: "));
  (Write(parts), ...);
  Write(std::string_view("\r\n"));
}

}  // namespace ravelin::console
