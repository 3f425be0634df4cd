// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/pl011.h"

#include <array>

namespace ravelin::vmm {
namespace {

constexpr std::uint32_t kKnownInterrupts = 0x7ff;

// UARTPeriphID0 to 3, UARTPCellID0 to 3 of revision r1p5, by which Linux chooses its driver.
constexpr std::array<std::uint8_t, 8> kIdentity = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace

std::uint64_t Pl011::Read(std::uint64_t offset, unsigned /*size*/) { return ReadRegister(offset); }

std::uint32_t Pl011::ReadRegister(std::uint64_t offset) {
  if (offset >= kIdentification && offset < kPageSize && offset % 4 == 0) {
    return kIdentity[(offset - kIdentification) / 4];
  }
  switch (offset) {
    case kData:
      return Receive();
    case kFlags:
      return kSendEmpty | (input_.empty() ? kReceiveEmpty : 0);
    case kLineControl:
      return line_control_;
    case kControl:
      return control_;
    case kInterruptMask:
      return mask_;
    case kRawInterrupts:
      return RawInterrupts();
    case kMaskedInterrupts:
      return RawInterrupts() & mask_;
    default:
      return 0;
  }
}

void Pl011::Write(std::uint64_t offset, unsigned /*size*/, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  switch (offset) {
    case kData:
      send_(static_cast<char>(word & 0xff));
      sent_ = kSend;
      break;
    case kLineControl:
      line_control_ = word & 0xff;
      break;
    case kControl:
      control_ = word & 0xffff;
      break;
    case kInterruptMask:
      mask_ = word & kKnownInterrupts;
      break;
    case kInterruptClear:
      sent_ &= ~word;
      break;
    default:
      break;
  }
  UpdateLine();
}

void Pl011::Take(std::span<const std::byte> bytes) {
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  UpdateLine();
}

std::uint32_t Pl011::Receive() {
  if (input_.empty()) return 0;
  const auto value = std::to_integer<std::uint32_t>(input_.front());
  input_.pop_front();
  UpdateLine();
  AnnounceRoom();
  return value;
}

std::uint32_t Pl011::RawInterrupts() const {
  return sent_ | (input_.empty() ? 0 : kReceive | kReceiveTimeout);
}

void Pl011::UpdateLine() {
  const bool high = (RawInterrupts() & mask_) != 0;
  if (line_ == nullptr || high == line_high_) return;
  line_high_ = high;
  line_->Set(high);
}

}  // namespace ravelin::vmm
