// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Guest memory as a virtio device addresses it.
//
// A protected guest names shared memory by its alias: the address with the highest bit of the IPA
// set. This is the one place that takes the bit off. Every access is checked against the memory
// slot; a page that the guest has not shared is an error and never a signal.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/virtio/segments.h"

namespace ravelin::vmm {

// What a driver writes into a ring or a queue register.
enum class DmaAddress : std::uint64_t {};

constexpr std::uint64_t Raw(DmaAddress address) { return std::to_underlying(address); }

class DmaMemory {
 public:
  // `shared_alias`: the alias bit of a protected VM, 0 for a normal one. `memory` must outlive
  // this.
  DmaMemory(GuestMemory& memory, std::uint64_t shared_alias)
      : memory_(&memory), shared_alias_(shared_alias) {}

  [[nodiscard]] Result<void> Read(DmaAddress from, std::span<std::byte> to) const {
    return memory_->CopyOut(Translate(from), to);
  }

  [[nodiscard]] Result<void> Write(DmaAddress to, std::span<const std::byte> from) const {
    return memory_->CopyIn(Translate(to), from);
  }

  // The same range for a system call. The process must not follow the pointer.
  [[nodiscard]] Result<iovec> Window(DmaAddress start, std::uint32_t bytes) const {
    const auto place = memory_->Locate(Translate(start), bytes);
    if (!place) return Failure{place.error()};
    return iovec{.iov_base = *place, .iov_len = bytes};
  }

  // All of the segments' bytes; `to` has room for as many.
  [[nodiscard]] Result<void> Gather(const Segments& from, std::span<std::byte> to) const;
  // Fills the segments' first bytes; they have room for `from`.
  [[nodiscard]] Result<void> Scatter(std::span<const std::byte> from, const Segments& to) const;

 private:
  [[nodiscard]] Ipa Translate(DmaAddress address) const {
    return Ipa{Raw(address) & ~shared_alias_};
  }

  GuestMemory* memory_;
  std::uint64_t shared_alias_;
};

}  // namespace ravelin::vmm
