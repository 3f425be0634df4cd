// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The header of an arm64 Linux Image (Linux, Documentation/arm64/booting.rst).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host_shim/vmm/error.h"

namespace ravelin::vmm {

inline constexpr std::size_t kImageHeaderBytes = 64;
// The image goes to text_offset behind an address of this alignment.
inline constexpr std::uint64_t kImageAlignment = std::uint64_t{2} << 20;

struct ImageHeader {
  std::uint64_t text_offset;
  std::uint64_t image_size;  // in memory: more than the file has, and the kernel's to write to
};

// `start`: the first bytes of the file. An error says why the file cannot be started.
Result<ImageHeader> ParseImageHeader(std::span<const std::byte> start);

}  // namespace ravelin::vmm
