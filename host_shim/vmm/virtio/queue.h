// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A split virtqueue (Virtual I/O Device 1.2, section 2.7), from the device's side, with a driver
// that may be hostile and that may change its memory at any time.
//
// Invariants: every word of the rings is copied once and the copy is what is checked and used.
// Every range of a chain is inside the memory slot. A walk ends after as many descriptors as the
// queue has entries. What breaks a rule of the specification is an error, after which the queue
// must not be used until it has been enabled again.
#pragma once

#include <cstdint>
#include <optional>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/virtio/dma.h"
#include "host_shim/vmm/virtio/segments.h"

namespace ravelin::vmm {

struct QueueAddresses {
  DmaAddress descriptors{};
  DmaAddress available{};  // "driver area"
  DmaAddress used{};       // "device area"
};

// One request of the driver.
struct Chain {
  std::uint16_t head = 0;
  Segments readable;  // by the device
  Segments writable;
};

class Virtqueue {
 public:
  static constexpr std::uint16_t kMostEntries = 256;

  explicit Virtqueue(DmaMemory memory) : memory_(memory) {}

  // An error if the size or an address is not what the specification allows.
  [[nodiscard]] Result<void> Enable(std::uint16_t size, const QueueAddresses& addresses);
  void Disable() { *this = Virtqueue{memory_}; }
  [[nodiscard]] bool enabled() const { return size_ != 0; }
  [[nodiscard]] std::uint16_t size() const { return size_; }
  // Where the segments of its chains are.
  [[nodiscard]] const DmaMemory& memory() const { return memory_; }

  // The next request, if there is one. A disabled queue has none.
  [[nodiscard]] Result<std::optional<Chain>> Pop();

  // Hands a request back; `written`: how many bytes of its writable part are new.
  [[nodiscard]] Result<void> Push(const Chain& chain, std::uint32_t written);

  // Whether the driver wants an interrupt for what was pushed since the last call.
  [[nodiscard]] bool TakeInterrupt();

 private:
  struct Descriptor;
  struct Table;

  [[nodiscard]] Result<Chain> ReadChain(std::uint16_t head) const;
  [[nodiscard]] Result<Descriptor> ReadDescriptor(const Table& table, std::uint16_t index) const;
  [[nodiscard]] Result<Table> IndirectTable(const Table& from, const Descriptor& descriptor) const;
  [[nodiscard]] Result<void> Append(Chain& chain, const Descriptor& descriptor) const;

  template <typename Word>
  [[nodiscard]] Result<Word> ReadWord(DmaAddress from) const;

  DmaMemory memory_;
  std::uint16_t size_ = 0;
  QueueAddresses addresses_;
  std::uint16_t next_available_ = 0;
  std::uint16_t next_used_ = 0;
  bool interrupt_ = false;
};

}  // namespace ravelin::vmm
