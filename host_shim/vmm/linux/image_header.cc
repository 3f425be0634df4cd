// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/image_header.h"

#include <array>
#include <cstring>

namespace ravelin::vmm {
namespace {

struct RawHeader {
  std::uint32_t code0;
  std::uint32_t code1;
  std::uint64_t text_offset;
  std::uint64_t image_size;
  std::uint64_t flags;
  std::array<std::uint64_t, 3> reserved;
  std::uint32_t magic;
  std::uint32_t pe_header;
};

static_assert(sizeof(RawHeader) == kImageHeaderBytes);

constexpr std::uint32_t kMagic = 0x644d5241;  // "ARM\x64"
constexpr std::uint64_t kBigEndian = 1;
// Far more than any kernel has; keeps sums of sizes and addresses from wrapping.
constexpr std::uint64_t kLargestImage = std::uint64_t{1} << 32;

bool StartsWith(std::span<const std::byte> bytes, std::span<const std::uint8_t> prefix) {
  return bytes.size() >= prefix.size() &&
         std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

bool IsCompressed(std::span<const std::byte> bytes) {
  constexpr std::array<std::uint8_t, 2> kGzip = {0x1f, 0x8b};
  constexpr std::array<std::uint8_t, 4> kZstd = {0x28, 0xb5, 0x2f, 0xfd};
  constexpr std::array<std::uint8_t, 5> kXz = {0xfd, '7', 'z', 'X', 'Z'};
  return StartsWith(bytes, kGzip) || StartsWith(bytes, kZstd) || StartsWith(bytes, kXz);
}

}  // namespace

Result<ImageHeader> ParseImageHeader(std::span<const std::byte> start) {
  if (IsCompressed(start)) return PlainFailure("it is compressed: unpack it to an arm64 Image");
  if (start.size() < sizeof(RawHeader)) return PlainFailure("it is too short for an arm64 Image");
  RawHeader header{};
  std::memcpy(&header, start.data(), sizeof(header));
  if (header.magic != kMagic) return PlainFailure("it is no arm64 Image");
  if ((header.flags & kBigEndian) != 0) return PlainFailure("it is a big-endian Image");
  // Kernels before 3.17 do not say how large they are.
  if (header.image_size == 0) return PlainFailure("its header does not tell its size");
  if (header.image_size > kLargestImage || header.text_offset >= kImageAlignment) {
    return PlainFailure("its header has a size or an offset that cannot be");
  }
  return ImageHeader{.text_offset = header.text_offset, .image_size = header.image_size};
}

}  // namespace ravelin::vmm
