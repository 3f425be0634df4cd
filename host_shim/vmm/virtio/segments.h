// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Ranges of guest memory that belong to one request, used up from either end. They were checked
// against the memory slot when they were appended, and are for system calls and GuestMemory only:
// the process must not follow a pointer to them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ravelin::vmm {

class Segments {
 public:
  void Append(const iovec& range);

  // The first, or last, `bytes` become a list of their own; fewer if there are fewer.
  Segments TakeFront(std::uint64_t bytes);
  Segments TakeBack(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::span<const iovec> ranges() const { return ranges_; }

 private:
  std::vector<iovec> ranges_;
  std::uint64_t bytes_ = 0;
};

}  // namespace ravelin::vmm
