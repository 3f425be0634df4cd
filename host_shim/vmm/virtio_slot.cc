// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio_slot.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace ravelin::vmm {

Result<std::unique_ptr<VirtioSlot>> VirtioSlot::Create(Parts parts, EventLoop& loop) {
  std::unique_ptr<VirtioSlot> slot{new VirtioSlot};
  slot->device_ = std::move(parts.device);
  slot->line_ = std::move(parts.line);
  slot->transport_ = std::make_unique<VirtioMmio>(
      *slot->device_, VirtioMmio::Links{.memory = parts.memory,
                                        .line = *slot->line_,
                                        .notify =
                                            [raw = slot.get()](std::size_t queue) {
                                              ::eventfd_write(raw->doorbells_[queue].get(), 1);
                                            },
                                        .complain = std::move(parts.complain),
                                        .required_features = parts.required_features});
  for (std::size_t queue = 0; queue < slot->device_->queue_count(); ++queue) {
    if (auto added = slot->AddDoorbell(queue, loop); !added) return Failure{added.error()};
  }
  return slot;
}

Result<void> VirtioSlot::AddDoorbell(std::size_t queue, EventLoop& loop) {
  const UniqueFd& bell =
      doorbells_.emplace_back(UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)});
  if (!bell.ok()) return ErrnoFailure("cannot make an event file");
  const int fd = bell.get();
  const auto watch = loop.Add(fd, EPOLLIN, [this, queue, fd](std::uint32_t) {
    eventfd_t rings = 0;
    ::eventfd_read(fd, &rings);
    transport_->Serve(queue);
  });
  if (!watch) return Failure{watch.error()};
  return {};
}

}  // namespace ravelin::vmm
