// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/walker.h"

#include "hyp/arch/fake/machine.h"
#include "hyp/base/types.h"

namespace ravelin::model {
namespace {

using Visit = std::function<void(std::uint64_t, const View&, std::uint64_t)>;

constexpr unsigned kLastLevel = 3;
constexpr std::uint64_t kAddressMask = 0x0000'FFFF'FFFF'F000;

// Pages under one entry of a level.
constexpr std::uint64_t PagesAt(unsigned level) {
  return std::uint64_t{1} << (9 * (kLastLevel - level));
}

// With up to 16 tables side by side at the start, level 2 resolves 21 + 9 + 4 bits, level 1 nine
// more.
constexpr unsigned StartOf(unsigned ipa_bits) {
  if (ipa_bits <= 34) {
    return 2;
  }
  return ipa_bits <= 43 ? 1 : 0;
}

bool IsValid(std::uint64_t word) { return (word & 1U) != 0; }
bool IsTable(std::uint64_t word, unsigned level) { return level < kLastLevel && (word & 3U) == 3; }

View Decode(std::uint64_t word, unsigned level, std::uint64_t frame) {
  View view{.level = level};
  if (!IsValid(word)) {
    view.software = word;
    return view;
  }
  // Not a page at level 3 or a block above level 1, or without the access flag: every use faults.
  const bool page = (word & 3U) == 3;
  if (page != (level == kLastLevel) || level == 0 || (word >> 10U & 1U) == 0) {
    return view;
  }
  view.mapped = true;
  view.pfn = ((word & kAddressMask) >> 12U) + frame % PagesAt(level);
  view.read = (word >> 6U & 1U) != 0;
  view.write = (word >> 7U & 1U) != 0;
  view.execute = (word >> 53U & 3U) == 0;
  view.write_back = (word >> 2U & 15U) == 15 && (word >> 8U & 3U) == 3;
  return view;
}

std::uint64_t VisitTable(std::uint64_t table, std::uint64_t entries, unsigned level,
                         std::uint64_t frame, const Visit& visit) {
  std::uint64_t tables = 0;
  for (std::uint64_t i = 0; i < entries; ++i, frame += PagesAt(level)) {
    const std::uint64_t word = fake::Peek(Pa{table + 8 * i});
    if (IsTable(word, level)) {
      tables += 1 + VisitTable(word & kAddressMask, 512, level + 1, frame, visit);
    } else if (word != 0) {
      visit(frame, Decode(word, level, frame), PagesAt(level));
    }
  }
  return tables;
}

}  // namespace

View Walk(const Tree& tree, std::uint64_t frame) {
  unsigned level = StartOf(tree.ipa_bits);
  std::uint64_t word = fake::Peek(Pa{tree.root + frame / PagesAt(level) * 8});
  while (IsTable(word, level)) {
    ++level;
    word = fake::Peek(Pa{(word & kAddressMask) + frame / PagesAt(level) % 512 * 8});
  }
  return Decode(word, level, frame);
}

std::uint64_t VisitAll(const Tree& tree, const Visit& visit) {
  const unsigned start = StartOf(tree.ipa_bits);
  const std::uint64_t frames = std::uint64_t{1} << (tree.ipa_bits - 12);
  return VisitTable(tree.root, frames / PagesAt(start), start, 0, visit);
}

}  // namespace ravelin::model
