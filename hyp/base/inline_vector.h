// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// InlineVector: a list with a fixed capacity and no allocation.
#pragma once

#include <array>
#include <cstddef>

#include "hyp/base/invariant.h"
#include "hyp/base/result.h"

namespace ravelin {

template <typename T, std::size_t kCapacity>
class InlineVector {
 public:
  // kLimit if the list is full.
  [[nodiscard]] constexpr Result<> Add(const T& item) {
    if (size_ == kCapacity) {
      return Failure{Error::kLimit};
    }
    items_[size_++] = item;
    return {};
  }

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }

  constexpr T& operator[](std::size_t index) {
    Invariant(index < size_, "a list is read within its size");
    return items_[index];
  }
  constexpr const T& operator[](std::size_t index) const {
    Invariant(index < size_, "a list is read within its size");
    return items_[index];
  }

  constexpr T* begin() { return items_.data(); }
  constexpr T* end() { return items_.data() + size_; }
  constexpr const T* begin() const { return items_.data(); }
  constexpr const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, kCapacity> items_{};
  std::size_t size_ = 0;
};

}  // namespace ravelin
