// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/entropy.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace ravelin::vmm {
namespace {

// getrandom() gives up to this many bytes whole.
constexpr std::size_t kPart = 256;

Result<void> Fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kPart));
    const ssize_t count = ::getrandom(part.data(), part.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return ErrnoFailure("no random bytes");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<void> VirtioEntropy::Serve(std::size_t index, std::span<Virtqueue> queues) {
  Virtqueue& queue = queues[index];
  return ServeChains(index, queue, [&](Chain& chain) -> Result<void> {
    std::array<std::byte, kMostBytes> bytes{};
    const Segments wanted = chain.writable.TakeFront(kMostBytes);
    const auto filled = std::span{bytes}.first(wanted.bytes());
    if (auto got = Fill(filled); !got) return got;
    if (auto put = queue.memory().Scatter(filled, wanted); !put) return put;
    return queue.Push(chain, static_cast<std::uint32_t>(filled.size()));
  });
}

}  // namespace ravelin::vmm
