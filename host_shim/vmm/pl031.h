// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A PL031 real-time clock (Arm DDI 0224) that tells the host's time and cannot be set. It has no
// alarm.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "host_shim/vmm/mmio.h"

namespace ravelin::vmm {

class Pl031 final : public MmioDevice {
 public:
  static constexpr std::uint64_t kData = 0x00;             // RTCDR
  static constexpr std::uint64_t kControl = 0x0c;          // RTCCR
  static constexpr std::uint64_t kIdentification = 0xfe0;  // RTCPeriphID0 to RTCPCellID3

  // `now`: seconds since 1970.
  explicit Pl031(std::function<std::uint32_t()> now) : now_(std::move(now)) {}

  [[nodiscard]] std::uint64_t Read(std::uint64_t offset, unsigned size) override;
  void Write(std::uint64_t offset, unsigned size, std::uint64_t value) override;

 private:
  std::function<std::uint32_t()> now_;
};

}  // namespace ravelin::vmm
