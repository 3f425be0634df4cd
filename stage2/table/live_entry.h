// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Changing descriptors that table walks may be using. Only PageTable uses this, with the table's
// lock held. Invariant (Arm ARM D8, "Using break-before-make when updating translation table
// entries"): between two different valid values a descriptor is invalid, and no TLB holds the first
// one when the second is written, unless they differ only in what that chapter does not list: the
// permissions and the access flag, and bits that hardware ignores. The types enforce the order:
// only LiveEntry gives a Broken, only a Broken makes the next value, and a Broken or a TlbBatch
// that is dropped unfinished stops the monitor.
#pragma once

#include <cstdint>
#include <utility>

#include "hyp/base/invariant.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/machine.h"
#include "stage2/table/walker.h"

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

// A valid descriptor of the tree that `walker` uses.
class LiveEntry {
 public:
  LiveEntry(Walker walker, Slot slot) : walker_(walker), slot_(slot) {}

  // A block or page that maps `gfn`.
  Broken BreakLeaf(Gfn gfn) const {
    machine::StoreEntry(slot_.entry, 0);
    walker_.ForgetPages(ToIpa(gfn), PageCount{1});
    return Broken{slot_};
  }

  // A table: walk caches may hold it, and everything below it, under any address.
  Broken BreakTable() const {
    machine::StoreEntry(slot_.entry, 0);
    walker_.ForgetAll();
    return Broken{slot_};
  }

  // A table whose number of entries changes: bits that hardware ignores.
  void Recount(Descriptor table) const { machine::StoreEntry(slot_.entry, table.word()); }

  // A leaf whose access flag was clear: no TLB holds such (D8, "The Access flag").
  void SetYoung(Descriptor leaf) const {
    machine::StoreEntry(slot_.entry, leaf.WithAge(true).word());
    machine::PublishEntries();
  }

 private:
  Walker walker_;
  Slot slot_;
};

// Leaves of consecutive frames that are broken or change in use, and tables that become empty with
// them, with one invalidation for all.
class TlbBatch {
 public:
  TlbBatch(Walker walker, Gfn first) : walker_(walker), first_(first) {}
  TlbBatch(const TlbBatch&) = delete;
  TlbBatch& operator=(const TlbBatch&) = delete;
  ~TlbBatch() { Invariant(scope_ == Scope::kNothing, "a batch of broken leaves is invalidated"); }

  // The leaf at `slot` maps the next `pages` frames. It stays invalid, with `left` in it.
  void Break(Slot slot, std::uint64_t pages, Descriptor left) {
    Invariant(!left.IsValid(), "a broken leaf is invalid");
    Put(slot, pages, left);
  }
  // The leaf at `slot`, which is `from`, maps the next `pages` frames and goes on doing so.
  void Change(Slot slot, std::uint64_t pages, Descriptor from, Descriptor to) {
    Invariant(from.DiffersOnlyInUse(to), "only permissions and age change without a break");
    Put(slot, pages, to);
  }
  // Nothing happens to the next `pages` frames.
  void Pass(std::uint64_t pages) { pages_ += pages; }
  // The table at `slot` was the only way to leaves of the batch.
  void BreakTable(Slot slot) {
    machine::StoreEntry(slot.entry, 0);
    scope_ = Scope::kAll;
  }

  void Invalidate() {
    if (scope_ == Scope::kAll) {
      walker_.ForgetAll();
    } else if (scope_ == Scope::kPages) {
      walker_.ForgetPages(ToIpa(first_), PageCount{pages_});
    }
    scope_ = Scope::kNothing;
  }

 private:
  enum class Scope : std::uint8_t { kNothing, kPages, kAll };

  void Put(Slot slot, std::uint64_t pages, Descriptor descriptor) {
    machine::StoreEntry(slot.entry, descriptor.word());
    pages_ += pages;
    scope_ = scope_ == Scope::kAll ? Scope::kAll : Scope::kPages;
  }

  Walker walker_;
  Gfn first_;
  std::uint64_t pages_ = 0;
  Scope scope_ = Scope::kNothing;
};

}  // namespace ravelin::stage2
