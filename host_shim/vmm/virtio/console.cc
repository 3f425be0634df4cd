// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/console.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ravelin::vmm {
namespace {

constexpr std::size_t kPart = 4096;
// What one request may print. Linux's driver sends less.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;

}  // namespace

Result<void> VirtioConsole::Serve(std::size_t index, std::span<Virtqueue> queues) {
  return index == kSendQueue ? Send(queues[index]) : Receive(queues[index]);
}

Result<void> VirtioConsole::Send(Virtqueue& queue) {
  return ServeChains(kSendQueue, queue, [&](Chain& chain) -> Result<void> {
    auto sent = SendAll(queue.memory(), chain.readable.TakeFront(kMostBytes));
    return sent ? queue.Push(chain, 0) : sent;
  });
}

Result<void> VirtioConsole::SendAll(const DmaMemory& memory, Segments from) {
  std::array<std::byte, kPart> bytes{};
  while (from.bytes() != 0) {
    const Segments part = from.TakeFront(kPart);
    const auto taken = std::span{bytes}.first(part.bytes());
    if (auto gathered = memory.Gather(part, taken); !gathered) return gathered;
    send_(taken);
  }
  return {};
}

void VirtioConsole::Take(std::span<const std::byte> bytes) {
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  RequestService(kReceiveQueue);
}

Result<void> VirtioConsole::Receive(Virtqueue& queue) {
  const auto has_input = [this] { return !input_.empty(); };
  auto served = ServeChainsWhile(has_input, kReceiveQueue, queue,
                                 [&](Chain& chain) { return Fill(queue, chain); });
  AnnounceRoom();
  return served;
}

Result<void> VirtioConsole::Fill(Virtqueue& queue, Chain& chain) {
  const Segments room = chain.writable.TakeFront(input_.size());
  const auto end = input_.begin() + static_cast<std::ptrdiff_t>(room.bytes());
  const std::vector<std::byte> bytes{input_.begin(), end};
  input_.erase(input_.begin(), end);
  if (auto put = queue.memory().Scatter(bytes, room); !put) return put;
  return queue.Push(chain, static_cast<std::uint32_t>(bytes.size()));
}

}  // namespace ravelin::vmm
