// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/queue.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <span>

namespace ravelin::vmm {
namespace {

static_assert(std::endian::native == std::endian::little, "virtio 1 is little-endian");

// struct virtq_desc
constexpr std::uint16_t kNext = 1;
constexpr std::uint16_t kWrite = 2;
constexpr std::uint16_t kIndirect = 4;
constexpr std::uint64_t kDescriptorBytes = 16;

// struct virtq_avail: flags, idx, ring
constexpr std::uint16_t kNoInterrupt = 1;
constexpr std::uint64_t kIndexOffset = 2;
constexpr std::uint64_t kRingOffset = 4;
constexpr std::uint64_t kAvailableEntryBytes = 2;
constexpr std::uint64_t kUsedEntryBytes = 8;

// Section 2.7: alignment of the three parts.
constexpr std::uint64_t kDescriptorAlignment = 16;
constexpr std::uint64_t kAvailableAlignment = 2;
constexpr std::uint64_t kUsedAlignment = 4;

constexpr std::uint64_t kLongestChain = std::uint64_t{1} << 32;

// Only for addresses of a part whose whole range was found to be inside the memory slot.
DmaAddress At(DmaAddress part, std::uint64_t offset) { return DmaAddress{Raw(part) + offset}; }

Result<void> CheckPart(const DmaMemory& memory, DmaAddress part, std::uint64_t bytes,
                       std::uint64_t alignment) {
  if (Raw(part) % alignment != 0) {
    return PlainFailure("part of a queue at " + Hex(Raw(part)) + " is not aligned");
  }
  const auto window = memory.Window(part, static_cast<std::uint32_t>(bytes));
  if (!window) return Failure{window.error()};
  return {};
}

}  // namespace

struct Virtqueue::Descriptor {
  std::uint64_t address;
  std::uint32_t length;
  std::uint16_t flags;
  std::uint16_t next;
};

// The queue's own descriptors, or those that a descriptor points to.
struct Virtqueue::Table {
  DmaAddress start;
  std::uint16_t entries;
  bool is_indirect;
};

Result<void> Virtqueue::Enable(std::uint16_t size, const QueueAddresses& addresses) {
  if (!std::has_single_bit(size) || size > kMostEntries) {
    return PlainFailure("a queue cannot have " + std::to_string(size) + " entries");
  }
  const std::uint64_t entries = size;
  auto checked =
      CheckPart(memory_, addresses.descriptors, kDescriptorBytes * entries, kDescriptorAlignment);
  if (!checked) return checked;
  checked = CheckPart(memory_, addresses.available, kRingOffset + kAvailableEntryBytes * entries,
                      kAvailableAlignment);
  if (!checked) return checked;
  checked =
      CheckPart(memory_, addresses.used, kRingOffset + kUsedEntryBytes * entries, kUsedAlignment);
  if (!checked) return checked;
  Disable();
  size_ = size;
  addresses_ = addresses;
  return {};
}

template <typename Word>
Result<Word> Virtqueue::ReadWord(DmaAddress from) const {
  std::array<std::byte, sizeof(Word)> bytes{};
  if (auto read = memory_.Read(from, bytes); !read) return Failure{read.error()};
  return std::bit_cast<Word>(bytes);
}

Result<std::optional<Chain>> Virtqueue::Pop() {
  if (!enabled()) return std::nullopt;
  const auto index = ReadWord<std::uint16_t>(At(addresses_.available, kIndexOffset));
  if (!index) return Failure{index.error()};
  const auto waiting = static_cast<std::uint16_t>(*index - next_available_);
  if (waiting == 0) return std::nullopt;
  if (waiting > size_) {
    return PlainFailure("a queue of " + std::to_string(size_) + " entries offers " +
                        std::to_string(waiting));
  }
  // The driver wrote the entry and its descriptors before the index.
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::uint64_t slot = next_available_ % size_;
  const auto head =
      ReadWord<std::uint16_t>(At(addresses_.available, kRingOffset + kAvailableEntryBytes * slot));
  if (!head) return Failure{head.error()};
  auto chain = ReadChain(*head);
  if (!chain) return Failure{chain.error()};
  ++next_available_;
  return std::move(*chain);
}

Result<Chain> Virtqueue::ReadChain(std::uint16_t head) const {
  Chain chain{.head = head};
  Table table{.start = addresses_.descriptors, .entries = size_, .is_indirect = false};
  std::uint16_t index = head;
  // One more than a chain may have: the descriptor that points to an indirect table.
  for (unsigned visited = 0; visited <= size_; ++visited) {
    const auto descriptor = ReadDescriptor(table, index);
    if (!descriptor) return Failure{descriptor.error()};
    if ((descriptor->flags & kIndirect) != 0) {
      const auto indirect = IndirectTable(table, *descriptor);
      if (!indirect) return Failure{indirect.error()};
      table = *indirect;
      index = 0;
      continue;
    }
    if (auto added = Append(chain, *descriptor); !added) return Failure{added.error()};
    if ((descriptor->flags & kNext) == 0) return chain;
    index = descriptor->next;
  }
  return PlainFailure("a chain is longer than its queue");
}

Result<Virtqueue::Descriptor> Virtqueue::ReadDescriptor(const Table& table,
                                                        std::uint16_t index) const {
  if (index >= table.entries) {
    return PlainFailure("descriptor " + std::to_string(index) + " of " +
                        std::to_string(table.entries) + " does not exist");
  }
  static_assert(sizeof(Descriptor) == kDescriptorBytes);
  std::array<std::byte, kDescriptorBytes> bytes{};
  if (auto read = memory_.Read(At(table.start, kDescriptorBytes * index), bytes); !read) {
    return Failure{read.error()};
  }
  return std::bit_cast<Descriptor>(bytes);
}

// Section 2.7.5.3.
Result<Virtqueue::Table> Virtqueue::IndirectTable(const Table& from,
                                                  const Descriptor& descriptor) const {
  if (from.is_indirect) return PlainFailure("an indirect table points to another one");
  if ((descriptor.flags & kNext) != 0) return PlainFailure("an indirect table is not the last");
  const std::uint64_t entries = descriptor.length / kDescriptorBytes;
  if (entries == 0 || entries > size_ || descriptor.length % kDescriptorBytes != 0) {
    return PlainFailure("an indirect table has " + std::to_string(descriptor.length) + " bytes");
  }
  const DmaAddress start{descriptor.address};
  if (auto window = memory_.Window(start, descriptor.length); !window) {
    return Failure{window.error()};
  }
  return Table{.start = start, .entries = static_cast<std::uint16_t>(entries), .is_indirect = true};
}

Result<void> Virtqueue::Append(Chain& chain, const Descriptor& descriptor) const {
  const auto window = memory_.Window(DmaAddress{descriptor.address}, descriptor.length);
  if (!window) return Failure{window.error()};
  const bool is_writable = (descriptor.flags & kWrite) != 0;
  if (!is_writable && chain.writable.bytes() != 0) {
    return PlainFailure("a chain has a readable buffer behind a writable one");
  }
  (is_writable ? chain.writable : chain.readable).Append(*window);
  if (chain.readable.bytes() + chain.writable.bytes() > kLongestChain) {
    return PlainFailure("a chain has too many bytes");
  }
  return {};
}

Result<void> Virtqueue::Push(const Chain& chain, std::uint32_t written) {
  const std::uint64_t slot = next_used_ % size_;
  const auto entry = std::bit_cast<std::array<std::byte, kUsedEntryBytes>>(
      std::array<std::uint32_t, 2>{chain.head, written});
  const DmaAddress place = At(addresses_.used, kRingOffset + kUsedEntryBytes * slot);
  if (auto put = memory_.Write(place, entry); !put) return put;
  // The entry, and what the device wrote, before the index.
  std::atomic_thread_fence(std::memory_order_release);
  ++next_used_;
  const auto index = std::bit_cast<std::array<std::byte, sizeof(next_used_)>>(next_used_);
  if (auto put = memory_.Write(At(addresses_.used, kIndexOffset), index); !put) return put;
  interrupt_ = true;
  return {};
}

bool Virtqueue::TakeInterrupt() {
  if (!interrupt_) return false;
  interrupt_ = false;
  // The index before the driver's wish: it writes and reads them in the other order.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const auto flags = ReadWord<std::uint16_t>(addresses_.available);
  return !flags || (*flags & kNoInterrupt) == 0;
}

}  // namespace ravelin::vmm
