// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A PL011 UART (Arm DDI 0183) as Linux's early console and amba-pl011 driver use it: it sends at
// once, so its transmit FIFO is always empty; the receive interrupt is high as long as there is
// something to read. Baud rate, line control and DMA registers do nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>

#include "host_shim/vmm/input.h"
#include "host_shim/vmm/interrupt_line.h"
#include "host_shim/vmm/mmio.h"

namespace ravelin::vmm {

class Pl011 final : public MmioDevice, public InputSink {
 public:
  enum Register : std::uint64_t {
    kData = 0x00,                // UARTDR
    kFlags = 0x18,               // UARTFR
    kIntegerBaudRate = 0x24,     // UARTIBRD
    kFractionalBaudRate = 0x28,  // UARTFBRD
    kLineControl = 0x2c,         // UARTLCR_H
    kControl = 0x30,             // UARTCR
    kFifoLevels = 0x34,          // UARTIFLS
    kInterruptMask = 0x38,       // UARTIMSC
    kRawInterrupts = 0x3c,       // UARTRIS
    kMaskedInterrupts = 0x40,    // UARTMIS
    kInterruptClear = 0x44,      // UARTICR
    kIdentification = 0xfe0,     // UARTPeriphID0 to UARTPCellID3
  };

  static constexpr std::uint32_t kReceiveEmpty = 1 << 4;  // UARTFR.RXFE
  static constexpr std::uint32_t kSendEmpty = 1 << 7;     // UARTFR.TXFE
  static constexpr std::uint32_t kReceive = 1 << 4;       // interrupt bits
  static constexpr std::uint32_t kSend = 1 << 5;
  static constexpr std::uint32_t kReceiveTimeout = 1 << 6;

  static constexpr std::size_t kInputBytes = 256;

  // `line` may be null: a UART without an interrupt. It must outlive the device.
  Pl011(std::function<void(char)> send, InterruptLine* line)
      : send_(std::move(send)), line_(line) {}

  [[nodiscard]] std::uint64_t Read(std::uint64_t offset, unsigned size) override;
  void Write(std::uint64_t offset, unsigned size, std::uint64_t value) override;

  [[nodiscard]] std::size_t Room() const override { return kInputBytes - input_.size(); }
  void Take(std::span<const std::byte> bytes) override;

 private:
  [[nodiscard]] std::uint32_t ReadRegister(std::uint64_t offset);
  [[nodiscard]] std::uint32_t Receive();
  [[nodiscard]] std::uint32_t RawInterrupts() const;
  void UpdateLine();

  std::function<void(char)> send_;
  InterruptLine* line_;
  std::deque<std::byte> input_;
  std::uint32_t mask_ = 0;
  std::uint32_t sent_ = 0;         // kSend after a character was sent, until it is cleared
  std::uint32_t control_ = 0x300;  // the reset value: both directions enabled
  std::uint32_t line_control_ = 0;
  bool line_high_ = false;
};

}  // namespace ravelin::vmm
