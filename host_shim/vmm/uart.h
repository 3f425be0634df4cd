// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The data and flag registers of a PL011 UART (Arm DDI 0183): enough for a guest that prints. The
// transmit FIFO is never full, nothing is ever received.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "host_shim/vmm/mmio.h"

namespace ravelin::vmm {

// Takes one whole line, without its end.
using LineSink = std::function<void(std::string_view)>;

class Uart final : public MmioDevice {
 public:
  static constexpr std::uint64_t kDataRegister = 0x00;    // UARTDR
  static constexpr std::uint64_t kFlagRegister = 0x18;    // UARTFR
  static constexpr std::uint64_t kReceiveEmpty = 1 << 4;  // UARTFR.RXFE
  static constexpr std::uint64_t kSendEmpty = 1 << 7;     // UARTFR.TXFE
  // A guest that never ends its line gets it cut here.
  static constexpr std::size_t kLongestLine = 256;

  explicit Uart(LineSink sink) : sink_(std::move(sink)) {}

  [[nodiscard]] std::uint64_t Read(std::uint64_t offset, unsigned size) override;
  void Write(std::uint64_t offset, unsigned size, std::uint64_t value) override;
  // Hands out a line that has not ended yet.
  void Flush();

 private:
  void Put(char character);

  LineSink sink_;
  std::string line_;
};

}  // namespace ravelin::vmm
