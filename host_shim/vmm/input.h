// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Bytes that travel from the host to a guest's console.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>

namespace ravelin::vmm {

// A device that takes input. It holds a bounded number of bytes; whoever feeds it asks for Room()
// first, and is told when there is room again.
class InputSink {
 public:
  virtual ~InputSink() = default;
  [[nodiscard]] virtual std::size_t Room() const = 0;
  // At most Room() bytes.
  virtual void Take(std::span<const std::byte> bytes) = 0;

  void OnRoom(std::function<void()> resume) { resume_ = std::move(resume); }

 protected:
  void AnnounceRoom() const {
    if (resume_) resume_();
  }

 private:
  std::function<void()> resume_;
};

}  // namespace ravelin::vmm
