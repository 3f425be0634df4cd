// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The header of a vsock packet (Virtual I/O Device 1.2, section 5.10.6).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace ravelin::vmm {

inline constexpr std::size_t kVsockHeaderBytes = 44;
inline constexpr std::uint64_t kHostCid = 2;

enum class VsockOperation : std::uint16_t {
  kRequest = 1,
  kResponse = 2,
  kReset = 3,
  kShutdown = 4,
  kData = 5,
  kCreditUpdate = 6,
  kCreditRequest = 7,
};

// Flags of kShutdown: what the sender of the packet will not do any more.
inline constexpr std::uint32_t kNoReceive = 1;
inline constexpr std::uint32_t kNoSend = 2;

// The two ends of a stream.
struct VsockPorts {
  std::uint32_t guest = 0;
  std::uint32_t host = 0;
  auto operator<=>(const VsockPorts&) const = default;
};

struct VsockHeader {
  static constexpr std::uint16_t kStream = 1;

  std::uint64_t source_cid = 0;
  std::uint64_t destination_cid = 0;
  std::uint32_t source_port = 0;
  std::uint32_t destination_port = 0;
  std::uint32_t length = 0;  // of the data behind the header
  std::uint16_t type = kStream;
  VsockOperation operation{};
  std::uint32_t flags = 0;
  std::uint32_t buffer_bytes = 0;     // the sender's buffer for this stream
  std::uint32_t forwarded_bytes = 0;  // how many bytes have ever left that buffer
};

using VsockHeaderBytes = std::array<std::byte, kVsockHeaderBytes>;

VsockHeader DecodeVsockHeader(const VsockHeaderBytes& bytes);
VsockHeaderBytes EncodeVsockHeader(const VsockHeader& header);

}  // namespace ravelin::vmm
