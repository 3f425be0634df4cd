// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// FrameMap: (space, frame) -> what is there. A hash table with linear probing in memory of the
// caller, without a heap, so that the specification runs at EL2 too. Invariant: a slot is reached
// from the place of its key without an empty slot in between.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hyp/base/invariant.h"

namespace ravelin::model {

enum class Use : std::uint8_t {
  kPage,    // a page is mapped
  kGuard,   // MMIO that the host serves
  kPoison,  // a page was here and was taken by force
};

struct Frame {
  std::uint64_t pfn = 0;  // kPage
  Use use = Use::kPage;
  unsigned permissions = 0;  // kPage: bits of RAVELIN_PERM_*

  friend bool operator==(const Frame&, const Frame&) = default;
};

class FrameMap {
 public:
  struct Slot {
    std::uint64_t key = 0;  // 0: empty
    std::uint64_t value = 0;
  };

  // `slots`: zeroed, a power of two, more than there will ever be frames.
  explicit FrameMap(std::span<Slot> slots) : slots_(slots) {
    Invariant(std::has_single_bit(slots.size()), "a map has a power of two of slots");
  }

  // nullptr: nothing is there.
  [[nodiscard]] const Slot* Find(unsigned space, std::uint64_t frame) const {
    const std::uint64_t key = KeyOf(space, frame);
    for (std::size_t at = HomeOf(key);; at = Next(at)) {
      const Slot& slot = slots_[at];
      if (slot.key == key) {
        return &slot;
      }
      if (slot.key == 0) {
        return nullptr;
      }
    }
  }

  // Puts it there, in the place of what was there.
  void Set(unsigned space, std::uint64_t frame, const Frame& what) {
    const std::uint64_t key = KeyOf(space, frame);
    std::size_t at = HomeOf(key);
    while (slots_[at].key != 0 && slots_[at].key != key) {
      at = Next(at);
    }
    if (slots_[at].key == 0) {
      ++used_;
      Invariant(used_ < slots_.size(), "the specification has memory for every frame in use");
    }
    slots_[at] = {key, Pack(what)};
  }

  void Erase(unsigned space, std::uint64_t frame) {
    const Slot* const found = Find(space, frame);
    if (found != nullptr) {
      EraseAt(static_cast<std::size_t>(found - slots_.data()));
    }
  }

  // Calls `visit(frame, what)` for all frames of a space.
  template <typename Visit>
  void ForEach(unsigned space, Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.key >> kFrameBits == space + 1) {
        visit(slot.key & kFrameMask, Unpack(slot.value));
      }
    }
  }

  // Forgets all frames of a space.
  void Clear(unsigned space) {
    for (std::size_t at = 0; at < slots_.size();) {
      if (slots_[at].key >> kFrameBits == space + 1) {
        EraseAt(at);  // may move another one here
      } else {
        ++at;
      }
    }
  }

  [[nodiscard]] static Frame Unpack(std::uint64_t value) {
    return {.pfn = value & kFrameMask,
            .use = static_cast<Use>(value >> kUseShift & 3U),
            .permissions = static_cast<unsigned>(value >> kPermissionShift)};
  }

 private:
  static constexpr unsigned kFrameBits = 52;
  static constexpr std::uint64_t kFrameMask = (std::uint64_t{1} << kFrameBits) - 1;
  static constexpr unsigned kUseShift = 52;
  static constexpr unsigned kPermissionShift = 56;

  static std::uint64_t KeyOf(unsigned space, std::uint64_t frame) {
    return std::uint64_t{space + 1} << kFrameBits | frame;
  }
  static std::uint64_t Pack(const Frame& what) {
    return what.pfn | static_cast<std::uint64_t>(what.use) << kUseShift |
           std::uint64_t{what.permissions} << kPermissionShift;
  }

  // Fibonacci hashing: the high bits of the product.
  [[nodiscard]] std::size_t HomeOf(std::uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9E37'79B9'7F4A'7C15U >>
                                    (64 - std::countr_zero(slots_.size())));
  }
  [[nodiscard]] std::size_t Next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  // Fills the gap with a later slot whose home is not behind it, and so on.
  void EraseAt(std::size_t gap) {
    for (std::size_t at = Next(gap); slots_[at].key != 0; at = Next(at)) {
      const std::size_t home = HomeOf(slots_[at].key);
      const std::size_t mask = slots_.size() - 1;
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        slots_[gap] = slots_[at];
        gap = at;
      }
    }
    slots_[gap] = {};
    --used_;
  }

  std::span<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace ravelin::model
