// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// For tests: a driver that puts into guest memory whatever the test wants, right or wrong.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host_shim/vmm/interrupt_line.h"
#include "host_shim/vmm/virtio/queue.h"

namespace ravelin::vmm::test {

inline constexpr Ipa kBase{0x80000000};
inline constexpr std::uint64_t kMemoryBytes = 64 * kPageSize;

inline constexpr std::uint16_t kNext = 1;
inline constexpr std::uint16_t kWrite = 2;
inline constexpr std::uint16_t kIndirect = 4;

struct RawDescriptor {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  std::uint16_t flags = 0;
  std::uint16_t next = 0;
};

struct UsedEntry {
  std::uint32_t id;
  std::uint32_t length;
  bool operator==(const UsedEntry&) const = default;
};

// Guest memory with typed access.
class TestMemory {
 public:
  template <typename Value>
  void Put(std::uint64_t address, const Value& value) {
    const auto bytes = std::bit_cast<std::array<std::byte, sizeof(Value)>>(value);
    if (!memory_.CopyIn(Ipa{address}, bytes)) std::abort();
  }

  template <typename Value>
  Value Get(std::uint64_t address) const {
    std::array<std::byte, sizeof(Value)> bytes{};
    if (!memory_.CopyOut(Ipa{address}, bytes)) std::abort();
    return std::bit_cast<Value>(bytes);
  }

  void PutText(std::uint64_t address, const std::string& text) {
    if (!memory_.CopyIn(Ipa{address}, std::as_bytes(std::span{text}))) std::abort();
  }

  std::string GetText(std::uint64_t address, std::size_t size) const {
    std::string text(size, '\0');
    if (!memory_.CopyOut(Ipa{address}, std::as_writable_bytes(std::span{text}))) std::abort();
    return text;
  }

  GuestMemory& memory() { return memory_; }

 private:
  GuestMemory memory_ = *GuestMemory::Create(kBase, kMemoryBytes);
};

// One queue's rings at their places in a TestMemory, each in a page of its own.
class TestRing {
 public:
  // `page`: the first of three pages.
  TestRing(TestMemory& memory, std::uint64_t page, std::uint16_t size)
      : memory_(&memory), start_(Raw(kBase) + page * kPageSize), size_(size) {}

  [[nodiscard]] QueueAddresses addresses(std::uint64_t alias = 0) const {
    return {.descriptors = DmaAddress{start_ | alias},
            .available = DmaAddress{available() | alias},
            .used = DmaAddress{used() | alias}};
  }
  [[nodiscard]] std::uint16_t size() const { return size_; }

  void SetDescriptor(std::uint16_t index, const RawDescriptor& descriptor) {
    memory_->Put(start_ + sizeof(RawDescriptor) * index, descriptor);
  }

  // Offers a chain that starts at `head`.
  void Offer(std::uint16_t head) {
    memory_->Put(available() + 4 + std::uint64_t{2} * (offered_ % size_), head);
    SetAvailableIndex(static_cast<std::uint16_t>(offered_ + 1));
  }

  // Writes a chain's descriptors from number `first` on, and offers it.
  void OfferChain(std::vector<RawDescriptor> chain, std::uint16_t first = 0) {
    std::uint16_t number = first;
    for (RawDescriptor& descriptor : chain) {
      if (&descriptor != &chain.back()) {
        descriptor.flags |= kNext;
        descriptor.next = static_cast<std::uint16_t>(number + 1);
      }
      SetDescriptor(number++, descriptor);
    }
    Offer(first);
  }

  void SetAvailableIndex(std::uint16_t index) {
    offered_ = index;
    memory_->Put(available() + 2, index);
  }
  void SetAvailableFlags(std::uint16_t flags) { memory_->Put(available(), flags); }

  [[nodiscard]] std::uint16_t used_index() const { return memory_->Get<std::uint16_t>(used() + 2); }
  [[nodiscard]] UsedEntry used_entry(std::uint16_t slot) const {
    return memory_->Get<UsedEntry>(used() + 4 + sizeof(UsedEntry) * slot);
  }

 private:
  [[nodiscard]] std::uint64_t available() const { return start_ + kPageSize; }
  [[nodiscard]] std::uint64_t used() const { return start_ + 2 * kPageSize; }

  TestMemory* memory_;
  std::uint64_t start_;
  std::uint16_t size_;
  std::uint16_t offered_ = 0;
};

class TestLine final : public InterruptLine {
 public:
  void Set(bool high) override {
    is_high = high;
    ++changes;
  }

  bool is_high = false;
  int changes = 0;
};

}  // namespace ravelin::vmm::test
