// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// One stream between a guest's socket and a Unix socket of the host: the bytes under way, and the
// credit of both sides (section 5.10.6.3). It knows nothing of queues and packets.
//
// Invariant: it holds at most kBufferBytes of the guest's. A guest that sends more than it was
// allowed loses the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <utility>

#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class VsockStream {
 public:
  static constexpr std::uint32_t kBufferBytes = 64 << 10;

  enum class Phase {
    kAwaitsGuest,  // the host has asked; the guest has not answered yet
    kOpen,
  };

  enum class Reading {
    kData,
    kLater,  // nothing there
    kEnd,    // the host will send no more
  };

  struct ReadResult {
    Reading reading = Reading::kLater;
    std::size_t bytes = 0;
  };

  // `socket` does not block.
  VsockStream(UniqueFd socket, Phase phase) : socket_(std::move(socket)), phase_(phase) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] Phase phase() const { return phase_; }

  // The guest has answered; `greeting` goes to the host first.
  void Open(std::string_view greeting);

  // What a packet of the guest says about its buffer.
  void NoteCredit(std::uint32_t buffer_bytes, std::uint32_t forwarded_bytes);
  // How many bytes the guest has room for.
  [[nodiscard]] std::uint32_t Credit() const;

  // Takes the guest's bytes for the host. False: more than it was allowed.
  [[nodiscard]] bool Take(std::span<const std::byte> bytes);
  // Hands them on, as far as the host takes them. False: the host's end is gone.
  [[nodiscard]] bool Flush();
  [[nodiscard]] bool HasOutput() const { return !output_.empty(); }

  // Whether it could read now: the host has not ended, and the guest takes more.
  [[nodiscard]] bool WantsInput() const;
  // Reads the host's bytes for the guest: at most the guest's credit.
  [[nodiscard]] ReadResult Read(std::span<std::byte> bytes);

  // The guest will not receive, or send, any more (kNoReceive, kNoSend).
  void NoteShutdown(std::uint32_t flags);
  // Neither side will send any more, and everything has been handed on.
  [[nodiscard]] bool IsOver() const;

  // For the packets to the guest: how many bytes have ever been handed on.
  [[nodiscard]] std::uint32_t TellForwarded() { return told_ = forwarded_; }
  // The guest should hear of room that it cannot know of.
  [[nodiscard]] bool ShouldTellForwarded() const { return forwarded_ - told_ >= kBufferBytes / 2; }

 private:
  UniqueFd socket_;
  Phase phase_;
  std::deque<std::byte> output_;
  std::size_t greeting_left_ = 0;  // bytes at the front of output_ that are not the guest's
  std::uint32_t forwarded_ = 0;    // counters wrap, as the specification wants
  std::uint32_t told_ = 0;
  std::uint32_t sent_ = 0;  // to the guest
  std::uint32_t guest_buffer_ = 0;
  std::uint32_t guest_forwarded_ = 0;
  std::uint32_t guest_shutdown_ = 0;
  bool host_ended_ = false;
};

}  // namespace ravelin::vmm
