// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/vsock_packet.h"

#include <bit>
#include <utility>

namespace ravelin::vmm {
namespace {

// The fields follow one another without gaps; as words of 32 bits they need no packing.
using Words = std::array<std::uint32_t, kVsockHeaderBytes / sizeof(std::uint32_t)>;

constexpr unsigned kWordBits = 32;
constexpr unsigned kHalfBits = 16;

std::uint64_t Wide(std::uint32_t low, std::uint32_t high) {
  return std::uint64_t{high} << kWordBits | low;
}

std::uint32_t Low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t High(std::uint64_t value) { return static_cast<std::uint32_t>(value >> kWordBits); }

}  // namespace

VsockHeader DecodeVsockHeader(const VsockHeaderBytes& bytes) {
  const auto words = std::bit_cast<Words>(bytes);
  return {
      .source_cid = Wide(words[0], words[1]),
      .destination_cid = Wide(words[2], words[3]),
      .source_port = words[4],
      .destination_port = words[5],
      .length = words[6],
      .type = static_cast<std::uint16_t>(words[7]),
      .operation = VsockOperation{static_cast<std::uint16_t>(words[7] >> kHalfBits)},
      .flags = words[8],
      .buffer_bytes = words[9],
      .forwarded_bytes = words[10],
  };
}

VsockHeaderBytes EncodeVsockHeader(const VsockHeader& header) {
  const std::uint32_t operation = std::to_underlying(header.operation);
  return std::bit_cast<VsockHeaderBytes>(Words{
      Low(header.source_cid),
      High(header.source_cid),
      Low(header.destination_cid),
      High(header.destination_cid),
      header.source_port,
      header.destination_port,
      header.length,
      operation << kHalfBits | header.type,
      header.flags,
      header.buffer_bytes,
      header.forwarded_bytes,
  });
}

}  // namespace ravelin::vmm
