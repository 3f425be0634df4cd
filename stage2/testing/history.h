// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// History: replays the log of the fake machine and looks, after every single event, at the tables
// as another CPU could see them at that moment. A translation counts as usable from the store that
// makes it until the TLB invalidation that follows its removal. Reports, as text, each breach of:
//   - break-before-make (Arm ARM D8): no valid entry becomes another valid one, but in its
//     permissions, its access flag and what hardware ignores; no broken entry is made again before
//     it is invalidated; nothing is left without its invalidation in the end;
//   - a table is complete and published when it is linked, holds nothing but descriptors and known
//     annotations while it is, and is not touched until it is invalidated when it was unlinked;
//   - a page is usable through one table only, at one address, unless the test allows sharing;
//   - a page is wiped or cleaned only while nobody can use it, and a VM or the host gets a page of
//     somebody else only after that;
//   - the monitor maps a page only while nobody else can use it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hyp/arch/fake/machine.h"
#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/format/geometry.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2::testing {

class History {
 public:
  // Tables in the order in which they are added: the first is the host's.
  void AddTable(const PageTable& table);
  // The page may be usable by two parties at once, and at two places.
  void AllowSharing(Pfn pfn) { shared_.insert(pfn.raw()); }
  // The page has no contents that could be wiped.
  void AddMmio(Pfn pfn) { mmio_.insert(pfn.raw()); }

  // Replays a log that begins with empty memory. Returns what is wrong; empty = all is well.
  [[nodiscard]] std::vector<std::string> Replay(const std::vector<fake::Event>& log);

 private:
  struct Tree {
    Pa root;
    Geometry geometry;
    Vmid vmid;
  };
  // Where a table page is linked.
  struct Link {
    std::size_t tree;
    unsigned level;
    std::uint64_t base;  // IPA of its entry 0
  };
  struct Leaf {
    std::size_t tree;
    std::uint64_t ipa;
    std::uint64_t pfn;
    std::uint64_t pages;
  };
  // Removed from memory, perhaps still in TLBs.
  struct Pending {
    std::size_t tree;
    std::uint64_t entry;
    bool is_table;
    std::uint64_t ipa;
    std::uint64_t pages;
    std::vector<Leaf> leaves;
    std::vector<std::uint64_t> tables;
  };

  void Step(const fake::Event& event);
  void Write(std::uint64_t address, std::uint64_t value);
  void Change(std::uint64_t address, Link link, Descriptor from, Descriptor to);
  void ChangeUse(std::uint64_t address, Link link, Descriptor from, Descriptor to);
  void Appear(std::uint64_t address, Link link, Descriptor descriptor);
  void Vanish(std::uint64_t address, Link link, Descriptor descriptor);
  void Collect(std::uint64_t table, Pending& pending);
  void CheckLeaf(const Leaf& leaf);
  void CheckOrigin(const Leaf& leaf);
  void Invalidate(const fake::Event& event);
  void CheckUnused(const fake::Event& event, const char* what);
  void MapMonitor(const fake::Event& event);
  [[nodiscard]] bool IsUsable(std::uint64_t pfn) const;
  [[nodiscard]] std::uint64_t ValueAt(std::uint64_t address) const;
  void Report(const std::string& what, std::uint64_t where);

  std::vector<Tree> trees_;
  std::set<std::uint64_t> shared_;
  std::set<std::uint64_t> mmio_;

  std::map<std::uint64_t, std::uint64_t> memory_;
  std::map<std::uint64_t, Link> links_;   // table page -> where
  std::map<std::uint64_t, Leaf> leaves_;  // entry -> what it maps
  std::vector<Pending> pending_;
  std::set<std::uint64_t> unpublished_;        // pages written since the last barrier
  std::set<std::uint64_t> prepared_;           // pages wiped or cleaned since their last mapping
  std::map<std::uint64_t, std::size_t> last_;  // page -> tree that mapped it last; default host
  std::set<std::uint64_t> monitor_;            // pages mapped in the monitor
  std::vector<std::string> breaches_;
  std::size_t step_ = 0;
};

}  // namespace ravelin::stage2::testing
