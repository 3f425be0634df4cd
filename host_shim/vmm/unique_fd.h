// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A file descriptor that is closed with its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace ravelin::vmm {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Close(); }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, kNone)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ != kNone; }

  void Close() {
    if (fd_ != kNone) ::close(std::exchange(fd_, kNone));
  }

 private:
  static constexpr int kNone = -1;

  int fd_ = kNone;
};

}  // namespace ravelin::vmm
