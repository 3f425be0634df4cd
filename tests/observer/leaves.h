// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Every block and page of every stage-2 tree, by the physical address that it maps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "hyp/base/types.h"
#include "tests/observer/descriptor.h"

namespace ravelin::observer {

// A stage-2 tree that a lower EL has run on.
struct Tree {
  Pa root;
  Vmid vmid;
  Geometry geometry;
  bool host = false;
  bool normal = false;               // the host asked for a VM that is not protected
  unsigned running = 0;              // CPUs at a lower EL
  std::set<std::uint64_t> declared;  // guest frames that a protected guest shares

  [[nodiscard]] bool Declares(Ipa ipa) const {
    return declared.contains(ToGfn(ipa).raw() & FrameMask());
  }
  // Without the top bit of the IPA, which tells the shared alias of the RSI from the other one.
  [[nodiscard]] std::uint64_t FrameMask() const {
    return (std::uint64_t{1} << (geometry.ipa_bits - 1 - kPageShift)) - 1;
  }
};

struct Leaf {
  Tree* tree = nullptr;
  Ipa ipa;
  PfnRange pages;
};

class Leaves {
 public:
  void Add(const Leaf& leaf) { leaves_.emplace(leaf.pages.first.raw(), leaf); }
  void Remove(const Leaf& leaf);

  void ForEachOverlap(PfnRange pages, const std::function<void(const Leaf&)>& visit) const;
  [[nodiscard]] bool IsMapped(Pfn page) const;
  [[nodiscard]] std::size_t size() const { return leaves_.size(); }

 private:
  std::multimap<std::uint64_t, Leaf> leaves_;  // by first frame
};

}  // namespace ravelin::observer
