// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/dma.h"

#include <algorithm>

namespace ravelin::vmm {

Result<void> DmaMemory::Gather(const Segments& from, std::span<std::byte> to) const {
  for (const iovec& range : from.ranges()) {
    const auto part = to.first(range.iov_len);
    const auto* place = static_cast<const std::byte*>(range.iov_base);
    if (auto loaded = memory_->copier().Load(part, place); !loaded) return loaded;
    to = to.subspan(range.iov_len);
  }
  return {};
}

Result<void> DmaMemory::Scatter(std::span<const std::byte> from, const Segments& to) const {
  for (const iovec& range : to.ranges()) {
    const auto part = from.first(std::min(from.size(), range.iov_len));
    auto* place = static_cast<std::byte*>(range.iov_base);
    if (auto stored = memory_->copier().Store(place, part); !stored) return stored;
    from = from.subspan(part.size());
  }
  return {};
}

}  // namespace ravelin::vmm
