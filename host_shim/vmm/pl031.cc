// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/pl031.h"

#include <array>

namespace ravelin::vmm {
namespace {

constexpr std::uint32_t kEnabled = 1;

// RTCPeriphID0 to 3, RTCPCellID0 to 3.
constexpr std::array<std::uint8_t, 8> kIdentity = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace

std::uint64_t Pl031::Read(std::uint64_t offset, unsigned /*size*/) {
  if (offset >= kIdentification && offset < kPageSize && offset % 4 == 0) {
    return kIdentity[(offset - kIdentification) / 4];
  }
  if (offset == kData) return now_();
  return offset == kControl ? kEnabled : 0;
}

void Pl031::Write(std::uint64_t /*offset*/, unsigned /*size*/, std::uint64_t /*value*/) {}

}  // namespace ravelin::vmm
