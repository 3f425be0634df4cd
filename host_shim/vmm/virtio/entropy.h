// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// virtio entropy device (section 5.4): random bytes of the host's kernel.
#pragma once

#include "host_shim/vmm/virtio/device.h"

namespace ravelin::vmm {

class VirtioEntropy final : public VirtioDevice {
 public:
  // No request gets more than this.
  static constexpr std::uint32_t kMostBytes = 4096;

  [[nodiscard]] VirtioType type() const override { return VirtioType::kEntropy; }
  [[nodiscard]] std::size_t queue_count() const override { return 1; }
  [[nodiscard]] Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) override;
};

}  // namespace ravelin::vmm
