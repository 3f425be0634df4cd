// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A memory mapping that is unmapped with its owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class Mapping {
 public:
  // Zeroed private memory.
  static Result<Mapping> Anonymous(std::size_t bytes);
  // The first `bytes` of what `file` offers, shared with it.
  static Result<Mapping> OfFile(const UniqueFd& file, std::size_t bytes);

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  Mapping(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ravelin::vmm
