// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One stage-2 translation table: the host's, a VM's or a device domain's. Owns the tree below
// `root` and nothing of what it maps. Called only by the owner of the tree with its lock held:
// Rank::kOwnership for the host's table, the VM's lock for a VM's. Walks of all CPUs read it at any
// time.
//
// Check, then commit (docs/architecture.md): CheckMap and CheckUnmap report every error and how
// many table pages the pool must hold; Map, Unmap and SetPermissions then cannot fail. All take
// numbers that are untrusted. Invariants: a live descriptor changes only by break, invalidate, make
// (Arm ARM D8; live_entry.h); a table page returns to the pool only after its invalidation; no
// table below the root is empty; the descriptor of a table counts its entries that are not 0; a
// block that Coalesce has made with kReserve can be split without asking the pool. Between break
// and make another CPU may take a translation fault on a page that is mapped before and after: its
// fault handler finds, under the lock, that nothing is amiss and executes the access again.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/format/geometry.h"
#include "stage2/pool/page_pool.h"
#include "stage2/table/walker.h"

namespace ravelin::stage2 {

// `count` pages from `first` on, mapped to the pages from `target` on. Leaves are as large as
// alignment, `count` and `largest` (kPageLevel, kBlock2MLevel, kBlock1GLevel) allow.
struct Mapping {
  Gfn first;
  Pfn target;
  PageCount count;
  Attributes attributes;
  unsigned largest = kPageLevel;
};

struct Slot;  // live_entry.h
class TlbBatch;

// What a walk ends at: a leaf, an annotation or nothing.
struct Translation {
  Descriptor descriptor;
  unsigned level = 0;
};

class PageTable {
 public:
  // What becomes of the table page that a new block replaces.
  enum class OnMerge : std::uint8_t {
    kFree,
    kReserve,  // it stays in the pool for the day when the block is split
  };

  // A placeholder; assigned once before use.
  constexpr PageTable() = default;
  // `root`: geometry.root_pages() zeroed pages, aligned to root_alignment(). `pool` outlives it.
  PageTable(Pa root, Geometry geometry, Walker walker, PagePool& pool);
  PageTable(PageTable&&) = default;
  PageTable& operator=(PageTable&&) = default;
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  [[nodiscard]] Pa root() const { return root_; }
  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  [[nodiscard]] Vmid vmid() const { return walker_.vmid; }
  [[nodiscard]] const PagePool& pool() const { return *pool_; }

  // `ipa` lies in the space (geometry().Contains).
  [[nodiscard]] Translation Lookup(Ipa ipa) const;
  // The frame that `gfn` maps to. kInvalidArgument: beyond the space; kNotMapped.
  [[nodiscard]] Result<Pfn> Resolve(Gfn gfn) const;
  // The consecutive frames to which the frames from `first` on map: at most `count`, and no further
  // than one block or one table. Errors as Resolve, for `first`.
  [[nodiscard]] Result<PfnRange> ResolveRun(Gfn first, PageCount count) const;

  // -> table pages that Map takes from the pool. kInvalidArgument: count 0 or beyond the space;
  // kExists: something is there, if only an annotation.
  [[nodiscard]] Result<PageCount> CheckMap(const Mapping& mapping) const;
  // After CheckMap, and with so many pages in the pool.
  void Map(const Mapping& mapping);

  // -> table pages that Unmap takes from the pool (to split blocks that have none in reserve).
  // kInvalidArgument as above; kNotMapped: a hole in the range.
  [[nodiscard]] Result<PageCount> CheckUnmap(Gfn first, PageCount count) const;
  // After CheckUnmap. When it returns, no CPU can use the translations, nor its TLBs.
  void Unmap(Gfn first, PageCount count);
  // The same, and leaves an annotation at each of the frames. After CheckPoison.
  [[nodiscard]] Result<PageCount> CheckPoison(Gfn first, PageCount count) const;
  void Poison(Gfn first, PageCount count);

  // Gives mapped frames, all of them in one block or one table, other permissions; device memory is
  // never executable. After CheckPermissions: -> table pages to split a block; errors as
  // CheckUnmap.
  [[nodiscard]] Result<PageCount> CheckPermissions(Gfn first, PageCount count,
                                                   Permissions permissions) const;
  void SetPermissions(Gfn first, PageCount count, Permissions permissions);

  // Clears the access flag of all leaves that map a frame of the range, which is mapped -> how many
  // had it. An access then faults once.
  [[nodiscard]] std::uint64_t Age(Gfn first, PageCount count);
  // Sets it again. Whatever is at `ipa`, which lies in the space.
  void SetYoung(Ipa ipa);

  // Notes `annotation` where nothing is mapped. kExists: a mapping or another annotation; the same
  // one again succeeds. kNoMemory, kInvalidArgument.
  [[nodiscard]] Result<void> Annotate(Gfn gfn, Annotation annotation);
  // kNotMapped: no such annotation there.
  [[nodiscard]] Result<void> ClearAnnotation(Gfn gfn, Annotation annotation);
  [[nodiscard]] Annotation AnnotationAt(Ipa ipa) const;

  // Replaces tables around the range by blocks where 512 neighbours have become one.
  void Coalesce(Gfn first, PageCount count, OnMerge on_merge);

  // Forgets the whole tree, TLBs included: its pages may be reused afterwards. The table cannot be
  // used again. No vCPU of the VM runs.
  void Disconnect();

 private:
  struct Path;
  struct Emptied;

  [[nodiscard]] bool IsRange(Gfn first, PageCount count) const;
  [[nodiscard]] Slot RootSlot(Gfn gfn) const;
  [[nodiscard]] static Slot Below(Descriptor table, unsigned level, Gfn gfn);
  [[nodiscard]] Slot Descend(Gfn gfn, unsigned level) const;
  [[nodiscard]] Path Walk(Gfn gfn) const;
  [[nodiscard]] unsigned LeafLevel(std::uint64_t frames, std::uint64_t pages,
                                   unsigned largest) const;
  [[nodiscard]] Result<PageCount> CheckSplits(Gfn first, PageCount count, unsigned largest) const;

  Path MakeWay(Gfn gfn, unsigned level);
  Path IsolateLeaf(Gfn gfn, std::uint64_t pages, unsigned largest);
  void Break(Gfn first, PageCount count, unsigned largest, Descriptor left);
  void BreakChunk(Gfn gfn, const Path& path, std::uint64_t pages, Descriptor left);
  void Split(Slot slot, Gfn gfn);
  void AddEntries(const Path& path, unsigned depth, std::uint64_t entries);
  [[nodiscard]] Emptied RemoveEntries(const Path& path, std::uint64_t entries, TlbBatch& batch);
  void ReleaseReserve(Slot slot);
  [[nodiscard]] bool Merge(Slot slot, OnMerge on_merge);

  Pa root_;
  Geometry geometry_;
  Walker walker_;
  PagePool* pool_ = nullptr;
};

}  // namespace ravelin::stage2
