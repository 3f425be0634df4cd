// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/vsock_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "host_shim/vmm/virtio/vsock_packet.h"

namespace ravelin::vmm {
namespace {

constexpr std::size_t kPart = 4096;

}  // namespace

void VsockStream::Open(std::string_view greeting) {
  phase_ = Phase::kOpen;
  const auto bytes = std::as_bytes(std::span{greeting});
  output_.insert(output_.end(), bytes.begin(), bytes.end());
  greeting_left_ = bytes.size();
}

void VsockStream::NoteCredit(std::uint32_t buffer_bytes, std::uint32_t forwarded_bytes) {
  guest_buffer_ = buffer_bytes;
  guest_forwarded_ = forwarded_bytes;
}

std::uint32_t VsockStream::Credit() const {
  const std::uint32_t under_way = sent_ - guest_forwarded_;
  return under_way < guest_buffer_ ? guest_buffer_ - under_way : 0;
}

bool VsockStream::Take(std::span<const std::byte> bytes) {
  const std::size_t held = output_.size() - greeting_left_;
  const bool may_send = phase_ == Phase::kOpen && (guest_shutdown_ & kNoSend) == 0;
  if (!may_send || bytes.size() > kBufferBytes - held) return false;
  output_.insert(output_.end(), bytes.begin(), bytes.end());
  return true;
}

bool VsockStream::Flush() {
  std::array<std::byte, kPart> part{};
  while (!output_.empty()) {
    const std::size_t wanted = std::min(output_.size(), part.size());
    std::copy_n(output_.begin(), wanted, part.begin());
    const ssize_t sent = ::send(socket_.get(), part.data(), wanted, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    const auto count = static_cast<std::size_t>(sent);
    output_.erase(output_.begin(), output_.begin() + sent);
    const std::size_t greeting = std::min(greeting_left_, count);
    greeting_left_ -= greeting;
    forwarded_ += static_cast<std::uint32_t>(count - greeting);
  }
  if ((guest_shutdown_ & kNoSend) != 0) ::shutdown(socket_.get(), SHUT_WR);
  return true;
}

bool VsockStream::WantsInput() const {
  return !host_ended_ && (guest_shutdown_ & kNoReceive) == 0 && Credit() != 0;
}

VsockStream::ReadResult VsockStream::Read(std::span<std::byte> bytes) {
  if (!WantsInput()) return {Reading::kLater};
  const std::size_t wanted = std::min<std::size_t>(bytes.size(), Credit());
  const ssize_t count = ::recv(socket_.get(), bytes.data(), wanted, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {Reading::kLater};
  if (count <= 0) {
    host_ended_ = true;
    return {Reading::kEnd};
  }
  sent_ += static_cast<std::uint32_t>(count);
  return {Reading::kData, static_cast<std::size_t>(count)};
}

void VsockStream::NoteShutdown(std::uint32_t flags) { guest_shutdown_ |= flags; }

bool VsockStream::IsOver() const {
  const bool guest_sends = (guest_shutdown_ & kNoSend) == 0;
  const bool guest_receives = (guest_shutdown_ & kNoReceive) == 0 && !host_ended_;
  return !guest_sends && !guest_receives && output_.empty();
}

}  // namespace ravelin::vmm
