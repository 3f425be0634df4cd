// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/segments.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ravelin::vmm {

void Segments::Append(const iovec& range) {
  if (range.iov_len == 0) return;
  ranges_.push_back(range);
  bytes_ += range.iov_len;
}

Segments Segments::TakeFront(std::uint64_t bytes) {
  Segments front;
  Segments rest;
  for (const iovec& range : ranges_) {
    const std::size_t taken = std::min<std::uint64_t>(range.iov_len, bytes - front.bytes_);
    front.Append({.iov_base = range.iov_base, .iov_len = taken});
    rest.Append({.iov_base = static_cast<std::byte*>(range.iov_base) + taken,
                 .iov_len = range.iov_len - taken});
  }
  *this = std::move(rest);
  return front;
}

Segments Segments::TakeBack(std::uint64_t bytes) {
  Segments front = TakeFront(bytes_ - std::min(bytes, bytes_));
  std::swap(*this, front);
  return front;
}

}  // namespace ravelin::vmm
