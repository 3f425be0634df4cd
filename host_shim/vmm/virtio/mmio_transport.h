// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A virtio device behind the registers of virtio over MMIO, version 2 (Virtual I/O Device 1.2,
// section 4.2; no legacy interface).
//
// The driver is not trusted: registers out of turn are ignored, and a queue that breaks a rule
// leaves the device in DEVICE_NEEDS_RESET, where it does nothing until the driver resets it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "host_shim/vmm/interrupt_line.h"
#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/virtio/device.h"
#include "host_shim/vmm/virtio/dma.h"
#include "host_shim/vmm/virtio/queue.h"

namespace ravelin::vmm {

// Feature bits of every device, section 6.
inline constexpr std::uint64_t kFeatureIndirect = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kFeatureVersion1 = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kFeatureAccessPlatform = std::uint64_t{1} << 33;

class VirtioMmio final : public MmioDevice {
 public:
  enum Register : std::uint64_t {
    kMagic = 0x000,
    kVersion = 0x004,
    kDeviceId = 0x008,
    kVendorId = 0x00c,
    kDeviceFeatures = 0x010,
    kDeviceFeaturesSelect = 0x014,
    kDriverFeatures = 0x020,
    kDriverFeaturesSelect = 0x024,
    kQueueSelect = 0x030,
    kQueueSizeMax = 0x034,
    kQueueSize = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kInterruptStatus = 0x060,
    kInterruptAcknowledge = 0x064,
    kStatus = 0x070,
    kQueueDescriptors = 0x080,
    kQueueAvailable = 0x090,
    kQueueUsed = 0x0a0,
    kSharedMemoryLength = 0x0b0,
    kSharedMemoryBase = 0x0b8,
    kConfig = 0x100,
  };

  enum Status : std::uint32_t {
    kAcknowledge = 1,
    kDriver = 2,
    kDriverOk = 4,
    kFeaturesOk = 8,
    kNeedsReset = 64,
    kFailed = 128,
  };

  static constexpr std::uint32_t kUsedBuffer = 1;  // interrupt status bits
  static constexpr std::uint32_t kConfigChange = 2;

  struct Links {
    DmaMemory memory;
    InterruptLine& line;
    // Has Serve() called soon, by the thread that serves devices.
    std::function<void(std::size_t queue)> notify;
    // Takes a sentence about what the driver did wrong.
    std::function<void(std::string_view)> complain;
    // Further feature bits; the driver has to accept them all.
    std::uint64_t required_features = 0;
  };

  // The device must outlive the transport.
  VirtioMmio(VirtioDevice& device, Links links);

  [[nodiscard]] std::uint64_t Read(std::uint64_t offset, unsigned size) override;
  void Write(std::uint64_t offset, unsigned size, std::uint64_t value) override;

  // Serves a queue if the driver is there.
  void Serve(std::size_t queue);

  [[nodiscard]] std::size_t queue_count() const { return queues_.size(); }

 private:
  // What the driver writes about a queue before it is ready.
  struct QueueSetup {
    std::uint16_t size = 0;
    std::array<std::uint64_t, 3> addresses{};
  };

  [[nodiscard]] std::uint32_t ReadRegister(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t ReadConfig(std::uint64_t offset, unsigned size) const;
  void WriteRegister(std::uint64_t offset, std::uint32_t value);
  void WriteQueueRegister(std::uint64_t offset, std::uint32_t value);
  void SetQueueReady(bool ready);
  void SetStatus(std::uint32_t value);
  [[nodiscard]] std::uint64_t OfferedFeatures() const;
  [[nodiscard]] bool AcceptsFeatures() const;
  [[nodiscard]] bool IsRunning() const;
  [[nodiscard]] bool MaySetUpQueues() const;
  void Reset();
  void Break(std::string_view why);
  void RaiseForUsedBuffers();
  void SetInterrupts(std::uint32_t status);

  VirtioDevice* device_;
  Links links_;
  std::vector<Virtqueue> queues_;
  std::vector<QueueSetup> setups_;
  std::uint32_t status_ = 0;
  std::uint32_t interrupts_ = 0;
  std::uint32_t device_features_select_ = 0;
  std::uint32_t driver_features_select_ = 0;
  std::uint64_t driver_features_ = 0;
  std::uint32_t queue_select_ = 0;
  unsigned complaints_left_;
};

}  // namespace ravelin::vmm
