// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The stage-2 trees, rebuilt from memory when a lower EL first runs on them and from EL2's stores
// afterwards. A tree that nobody has run on yet is in no TLB, so that its construction is free.
//
// Rules kept here: break-before-make, table, owner, monitor-mapped, reuse (by a new mapping).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "hyp/base/types.h"
#include "tests/observer/invalidations.h"
#include "tests/observer/leaves.h"
#include "tests/observer/memory.h"
#include "tests/observer/monitor_pages.h"
#include "tests/observer/page_counts.h"
#include "tests/observer/report.h"

namespace ravelin::observer {

class Forest {
 public:
  struct Parts {
    const Memory& memory;
    PageCounts& watched;
    MonitorPages& monitor;
    Invalidations& invalidations;
    Report& report;
  };
  explicit Forest(const Parts& parts) : parts_(parts) {}

  // A lower EL is entered with these registers. The first tree is the host's.
  Tree& Enter(Place place, std::uint64_t vttbr, std::uint64_t vtcr);
  // The host has created a VM with this root; a tree of an earlier VM there is gone.
  void Create(Place place, Pa root, bool normal);

  void Store(Place place, Pa entry, std::uint64_t value);
  // A guest shares this frame no longer.
  void CheckWithdrawn(Place place, Tree& tree, Gfn frame);
  // Any word of the page may have changed.
  void Rescan(Place place, Pfn page);

  [[nodiscard]] const Leaves& leaves() const { return leaves_; }
  [[nodiscard]] std::size_t tables() const { return tables_.size(); }
  [[nodiscard]] std::uint64_t stores() const { return stores_; }
  [[nodiscard]] std::uint64_t breaks() const { return breaks_; }

 private:
  struct Table {
    Tree* tree = nullptr;
    unsigned level = 0;
    Ipa first;  // what entry 0 maps
    std::array<std::uint64_t, kEntries> words{};
  };
  struct Slot {
    Tree* tree = nullptr;
    Pa entry;
    unsigned level = 0;
    Ipa ipa;
  };
  using Tables = std::map<std::uint64_t, Table>;  // by frame

  static Slot SlotOf(Pfn page, const Table& table, std::uint64_t index);

  void Plant(Place place, Tree& tree);
  void Retire(Place place, Tree& tree);
  [[nodiscard]] bool IsBare(const Tree& tree) const;

  void Change(Place place, const Slot& slot, Descriptor before, Descriptor after);
  void Make(Place place, const Slot& slot, Descriptor descriptor);
  void Break(Place place, const Slot& slot, Descriptor descriptor);
  void Restrict(Place place, const Slot& slot);

  void Link(Place place, Tree& tree, Pfn page, unsigned level, Ipa first);
  void Unlink(Pfn page, Removed& removed);
  void Map(Place place, const Leaf& leaf);
  void CheckTables(Place place, const Leaf& leaf);
  void CheckOwner(Place place, const Leaf& leaf, const Leaf& other);
  [[nodiscard]] std::optional<Leaf> Lookup(Tree& tree, Ipa ipa) const;
  void Complain(Rule rule, Place place, Pa address, const std::string& text);

  Parts parts_;
  Leaves leaves_;
  std::map<std::uint64_t, Tree> trees_;   // by address of the root
  std::map<std::uint64_t, bool> normal_;  // roots of VMs that the host has created
  Tables tables_;
  Tree* host_ = nullptr;
  std::uint64_t stores_ = 0;
  std::uint64_t breaks_ = 0;
};

}  // namespace ravelin::observer
