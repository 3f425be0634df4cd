// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A virtio device in its place on the bus: registers, interrupt line, and a doorbell for each
// queue.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "host_shim/vmm/event_loop.h"
#include "host_shim/vmm/interrupt_line.h"
#include "host_shim/vmm/mmio.h"
#include "host_shim/vmm/unique_fd.h"
#include "host_shim/vmm/virtio/device.h"
#include "host_shim/vmm/virtio/mmio_transport.h"

namespace ravelin::vmm {

class VirtioSlot {
 public:
  struct Parts {
    std::unique_ptr<VirtioDevice> device;
    std::unique_ptr<InterruptLine> line;
    DmaMemory memory;
    std::uint64_t required_features;
    std::function<void(std::string_view)> complain;
  };

  // The queues are served by `loop`, which must outlive the slot's last use but not the slot.
  static Result<std::unique_ptr<VirtioSlot>> Create(Parts parts, EventLoop& loop);

  [[nodiscard]] VirtioMmio& registers() { return *transport_; }
  // One for each queue: written when the driver has rung it.
  [[nodiscard]] const std::vector<UniqueFd>& doorbells() const { return doorbells_; }

 private:
  VirtioSlot() = default;

  [[nodiscard]] Result<void> AddDoorbell(std::size_t queue, EventLoop& loop);

  std::unique_ptr<VirtioDevice> device_;
  std::unique_ptr<InterruptLine> line_;
  std::vector<UniqueFd> doorbells_;
  std::unique_ptr<VirtioMmio> transport_;
};

}  // namespace ravelin::vmm
