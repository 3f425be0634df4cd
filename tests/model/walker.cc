// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/walker.h"

namespace ravelin::model {
namespace {

// MemAttr[3:0] without FEAT_S2FWB, with the shareability that Normal memory needs.
Memory MemoryOf(std::uint64_t word) {
  const std::uint64_t attributes = word >> 2U & 15U;
  const std::uint64_t shareability = word >> 8U & 3U;
  if (attributes == 15 && shareability == 3) {
    return Memory::kWriteBack;
  }
  if (attributes == 5) {
    return Memory::kNonCacheable;
  }
  return attributes == 1 ? Memory::kDeviceNGnRE : Memory::kOther;
}

}  // namespace

namespace walk {

View Decode(std::uint64_t word, unsigned level, std::uint64_t frame) {
  View view{.level = level};
  if ((word & 1U) == 0) {
    view.software = word;
    return view;
  }
  // Not a page at level 3 or a block above level 1: every use faults.
  const bool page = (word & 3U) == 3;
  if (page != (level == kLastLevel) || level == 0) {
    return view;
  }
  view.mapped = true;
  view.pfn = ((word & kAddressMask) >> 12U) + frame % PagesAt(level);
  view.read = (word >> 6U & 1U) != 0;
  view.write = (word >> 7U & 1U) != 0;
  view.execute = (word >> 53U & 3U) == 0;
  view.young = (word >> 10U & 1U) != 0;
  view.memory = MemoryOf(word);
  return view;
}

}  // namespace walk

View Walk(const Tree& tree, std::uint64_t frame) {
  unsigned level = walk::StartOf(tree.ipa_bits);
  std::uint64_t word = machine::LoadEntry(Pa{tree.root + frame / walk::PagesAt(level) * 8});
  while (walk::IsTable(word, level)) {
    ++level;
    word = machine::LoadEntry(
        Pa{(word & walk::kAddressMask) + frame / walk::PagesAt(level) % 512 * 8});
  }
  return walk::Decode(word, level, frame);
}

}  // namespace ravelin::model
