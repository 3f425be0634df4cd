// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Changing descriptors that table walks may be using. Only PageTable uses this, with the table's
// lock held. Invariant (Arm ARM D8, "Using break-before-make when updating translation
// table entries"): between two different valid values a
// descriptor is invalid, and no TLB holds the first one when the second is written. The types
// enforce the order: only LiveEntry gives a Broken, only a Broken makes the next value, and a
// Broken or a TlbBatch that is dropped unfinished stops the monitor.
#pragma once

#include <cstdint>
#include <utility>

#include "hyp/base/invariant.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/machine.h"

namespace ravelin::stage2 {

// Where a descriptor stands.
struct Slot {
  Pa entry;
  unsigned level = 0;
};

inline Descriptor Read(Slot slot) { return Descriptor{machine::LoadEntry(slot.entry)}; }

// Only for a descriptor that is invalid: such are not cached in TLBs (D8), so that the new value
// needs no invalidation. The caller publishes.
inline void Fill(Slot slot, Descriptor descriptor) {
  machine::StoreEntry(slot.entry, descriptor.word());
}

// An entry that is invalid in memory and in all TLBs. Exactly one of Make and Leave ends it.
class [[nodiscard]] Broken {
 public:
  Broken(Broken&& other) noexcept : slot_(other.slot_), open_(std::exchange(other.open_, false)) {}
  Broken(const Broken&) = delete;
  Broken& operator=(const Broken&) = delete;
  Broken& operator=(Broken&&) = delete;
  ~Broken() { Invariant(!open_, "a broken entry is made again or left on purpose"); }

  void Make(Descriptor descriptor) && {
    open_ = false;
    Fill(slot_, descriptor);
    machine::PublishEntries();
  }
  void Leave() && { open_ = false; }

 private:
  friend class LiveEntry;
  explicit Broken(Slot slot) : slot_(slot) {}

  Slot slot_;
  bool open_ = true;
};

// A valid descriptor of the tree of `vmid`.
class LiveEntry {
 public:
  LiveEntry(Vmid vmid, Slot slot) : vmid_(vmid), slot_(slot) {}

  // A block or page that maps `gfn`.
  Broken BreakLeaf(Gfn gfn) const {
    machine::StoreEntry(slot_.entry, 0);
    machine::InvalidatePages(vmid_, ToIpa(gfn), PageCount{1});
    return Broken{slot_};
  }

  // A table: walk caches may hold it, and everything below it, under any address.
  Broken BreakTable() const {
    machine::StoreEntry(slot_.entry, 0);
    machine::InvalidateVm(vmid_);
    return Broken{slot_};
  }

 private:
  Vmid vmid_;
  Slot slot_;
};

// Leaves of consecutive frames that stay invalid, with one invalidation for all.
class TlbBatch {
 public:
  TlbBatch(Vmid vmid, Gfn first) : vmid_(vmid), first_(first) {}
  TlbBatch(const TlbBatch&) = delete;
  TlbBatch& operator=(const TlbBatch&) = delete;
  ~TlbBatch() { Invariant(pages_ == 0, "a batch of broken leaves is invalidated"); }

  // The leaf at `slot` maps the next `pages` frames.
  void Break(Slot slot, std::uint64_t pages) {
    machine::StoreEntry(slot.entry, 0);
    pages_ += pages;
  }

  void Invalidate() {
    machine::InvalidatePages(vmid_, ToIpa(first_), PageCount{pages_});
    pages_ = 0;
  }

 private:
  Vmid vmid_;
  Gfn first_;
  std::uint64_t pages_ = 0;
};

}  // namespace ravelin::stage2
