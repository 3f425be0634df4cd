// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/mmio_transport.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace ravelin::vmm {
namespace {

constexpr std::uint32_t kMagicValue = 0x74726976;  // "virt"
constexpr std::uint32_t kModernVersion = 2;
constexpr std::uint32_t kVendor = 0x4c564152;  // "RAVL"
// A driver could break and reset its device for ever.
constexpr unsigned kMostComplaints = 4;
constexpr std::uint32_t kDriverBits = VirtioMmio::kAcknowledge | VirtioMmio::kDriver |
                                      VirtioMmio::kDriverOk | VirtioMmio::kFeaturesOk |
                                      VirtioMmio::kFailed;

// A 64-bit value as two registers of 32 bits.
std::uint32_t Half(std::uint64_t value, std::uint32_t select) {
  if (select > 1) return 0;
  return static_cast<std::uint32_t>(value >> (32 * select));
}

void SetHalf(std::uint64_t& value, std::uint32_t select, std::uint32_t half) {
  if (select > 1) return;
  const std::uint64_t mask = std::uint64_t{0xffffffff} << (32 * select);
  value = (value & ~mask) | std::uint64_t{half} << (32 * select);
}

}  // namespace

VirtioMmio::VirtioMmio(VirtioDevice& device, Links links)
    : device_(&device),
      links_(std::move(links)),
      queues_(device.queue_count(), Virtqueue{links_.memory}),
      setups_(device.queue_count()),
      complaints_left_(kMostComplaints) {
  device.OnRequest([this](std::size_t queue) {
    if (IsRunning()) links_.notify(queue);
  });
}

std::uint64_t VirtioMmio::Read(std::uint64_t offset, unsigned size) {
  if (offset >= kConfig) return ReadConfig(offset - kConfig, size);
  return size == sizeof(std::uint32_t) ? ReadRegister(offset) : 0;
}

void VirtioMmio::Write(std::uint64_t offset, unsigned size, std::uint64_t value) {
  if (offset >= kConfig || size != sizeof(std::uint32_t)) return;
  WriteRegister(offset, static_cast<std::uint32_t>(value));
}

std::uint64_t VirtioMmio::ReadConfig(std::uint64_t offset, unsigned size) const {
  const auto config = device_->config();
  if (offset >= config.size()) return 0;
  std::uint64_t value = 0;
  std::memcpy(&value, &config[offset], std::min<std::size_t>(size, config.size() - offset));
  return value;
}

std::uint32_t VirtioMmio::ReadRegister(std::uint64_t offset) const {
  switch (offset) {
    case kMagic:
      return kMagicValue;
    case kVersion:
      return kModernVersion;
    case kDeviceId:
      return std::to_underlying(device_->type());
    case kVendorId:
      return kVendor;
    case kDeviceFeatures:
      return Half(OfferedFeatures(), device_features_select_);
    case kQueueSizeMax:
      return queue_select_ < queues_.size() ? Virtqueue::kMostEntries : 0;
    case kQueueReady:
      return queue_select_ < queues_.size() && queues_[queue_select_].enabled() ? 1 : 0;
    case kInterruptStatus:
      return interrupts_;
    case kStatus:
      return status_;
    case kSharedMemoryLength:
    case kSharedMemoryLength + 4:
    case kSharedMemoryBase:
    case kSharedMemoryBase + 4:
      return ~std::uint32_t{0};  // there is none
    default:
      return 0;
  }
}

void VirtioMmio::WriteRegister(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case kDeviceFeaturesSelect:
      device_features_select_ = value;
      break;
    case kDriverFeatures:
      if ((status_ & kFeaturesOk) == 0) SetHalf(driver_features_, driver_features_select_, value);
      break;
    case kDriverFeaturesSelect:
      driver_features_select_ = value;
      break;
    case kQueueSelect:
      queue_select_ = value;
      break;
    case kQueueNotify:
      if (IsRunning() && value < queues_.size()) links_.notify(value);
      break;
    case kInterruptAcknowledge:
      SetInterrupts(interrupts_ & ~value);
      break;
    case kStatus:
      SetStatus(value);
      break;
    default:
      WriteQueueRegister(offset, value);
  }
}

void VirtioMmio::WriteQueueRegister(std::uint64_t offset, std::uint32_t value) {
  if (queue_select_ >= queues_.size() || !MaySetUpQueues()) return;
  if (offset == kQueueReady) return SetQueueReady(value == 1);
  // They count when the queue becomes ready, and not before it has been made unready.
  QueueSetup& setup = setups_[queue_select_];
  switch (offset) {
    case kQueueSize:
      // One that does not fit 16 bits is as wrong as 0.
      setup.size = value <= Virtqueue::kMostEntries ? static_cast<std::uint16_t>(value) : 0;
      break;
    case kQueueDescriptors:
    case kQueueDescriptors + 4:
    case kQueueAvailable:
    case kQueueAvailable + 4:
    case kQueueUsed:
    case kQueueUsed + 4:
      SetHalf(setup.addresses[(offset - kQueueDescriptors) / 16], offset % 16 / 4, value);
      break;
    default:
      break;
  }
}

void VirtioMmio::SetQueueReady(bool ready) {
  Virtqueue& queue = queues_[queue_select_];
  if (!ready) return queue.Disable();
  if (queue.enabled()) return;
  const QueueSetup& setup = setups_[queue_select_];
  const auto enabled = queue.Enable(setup.size, {.descriptors = DmaAddress{setup.addresses[0]},
                                                 .available = DmaAddress{setup.addresses[1]},
                                                 .used = DmaAddress{setup.addresses[2]}});
  if (!enabled) Break(enabled.error().text);
}

// Section 3.1.1: what the driver has reported stays until the reset.
void VirtioMmio::SetStatus(std::uint32_t value) {
  if (value == 0) return Reset();
  std::uint32_t wanted = status_ | (value & kDriverBits);
  const bool negotiates = (wanted & kFeaturesOk) != 0 && (status_ & kFeaturesOk) == 0;
  if (negotiates && !AcceptsFeatures()) wanted &= ~std::uint32_t{kFeaturesOk};
  if ((wanted & kFeaturesOk) == 0) wanted &= ~std::uint32_t{kDriverOk};
  status_ = wanted;
}

std::uint64_t VirtioMmio::OfferedFeatures() const {
  return device_->features() | kFeatureIndirect | kFeatureVersion1 | links_.required_features;
}

bool VirtioMmio::AcceptsFeatures() const {
  const std::uint64_t required = kFeatureVersion1 | links_.required_features;
  return (driver_features_ & ~OfferedFeatures()) == 0 && (driver_features_ & required) == required;
}

bool VirtioMmio::IsRunning() const {
  return (status_ & (kDriverOk | kNeedsReset | kFailed)) == kDriverOk;
}

bool VirtioMmio::MaySetUpQueues() const {
  return (status_ & (kFeaturesOk | kNeedsReset)) == kFeaturesOk;
}

void VirtioMmio::Reset() {
  device_->Reset();
  for (Virtqueue& queue : queues_) queue.Disable();
  setups_.assign(setups_.size(), {});
  status_ = 0;
  device_features_select_ = 0;
  driver_features_select_ = 0;
  driver_features_ = 0;
  queue_select_ = 0;
  SetInterrupts(0);
}

void VirtioMmio::Serve(std::size_t queue) {
  if (!IsRunning() || queue >= queues_.size()) return;
  const auto served = device_->Serve(queue, queues_);
  if (!served) return Break(served.error().text);
  RaiseForUsedBuffers();
}

void VirtioMmio::Break(std::string_view why) {
  if (complaints_left_ != 0) {
    --complaints_left_;
    links_.complain("virtio device " + std::to_string(std::to_underlying(device_->type())) +
                    " waits for a reset: " + std::string{why});
  }
  status_ |= kNeedsReset;
  if ((status_ & kDriverOk) != 0) SetInterrupts(interrupts_ | kConfigChange);
}

void VirtioMmio::RaiseForUsedBuffers() {
  bool wanted = false;
  for (Virtqueue& queue : queues_) wanted |= queue.TakeInterrupt();
  if (wanted) SetInterrupts(interrupts_ | kUsedBuffer);
}

void VirtioMmio::SetInterrupts(std::uint32_t status) {
  const bool was_high = interrupts_ != 0;
  interrupts_ = status;
  if (was_high != (status != 0)) links_.line.Set(status != 0);
}

}  // namespace ravelin::vmm
