// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// virtio console (section 5.3) with one port: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <utility>

#include "host_shim/vmm/input.h"
#include "host_shim/vmm/virtio/device.h"

namespace ravelin::vmm {

class VirtioConsole final : public VirtioDevice, public InputSink {
 public:
  static constexpr std::size_t kReceiveQueue = 0;
  static constexpr std::size_t kSendQueue = 1;
  static constexpr std::size_t kInputBytes = 4096;

  explicit VirtioConsole(std::function<void(std::span<const std::byte>)> send)
      : send_(std::move(send)) {}

  [[nodiscard]] VirtioType type() const override { return VirtioType::kConsole; }
  [[nodiscard]] std::size_t queue_count() const override { return 2; }
  [[nodiscard]] Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) override;

  [[nodiscard]] std::size_t Room() const override { return kInputBytes - input_.size(); }
  void Take(std::span<const std::byte> bytes) override;

 private:
  [[nodiscard]] Result<void> Send(Virtqueue& queue);
  [[nodiscard]] Result<void> SendAll(const DmaMemory& memory, Segments from);
  [[nodiscard]] Result<void> Receive(Virtqueue& queue);
  [[nodiscard]] Result<void> Fill(Virtqueue& queue, Chain& chain);

  std::function<void(std::span<const std::byte>)> send_;
  std::deque<std::byte> input_;
};

}  // namespace ravelin::vmm
