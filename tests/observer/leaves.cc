// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/leaves.h"

#include <algorithm>
#include <array>
#include <ranges>

namespace ravelin::observer {
namespace {

// A leaf that begins before a page and reaches over it begins at a multiple of its own size.
constexpr std::array<std::uint64_t, 3> kLargeSizes{Span(2) >> kPageShift, Span(1) >> kPageShift,
                                                   Span(0) >> kPageShift};

}  // namespace

void Leaves::Remove(const Leaf& leaf) {
  const auto [begin, end] = leaves_.equal_range(leaf.pages.first.raw());
  const auto found = std::find_if(begin, end, [&](const auto& entry) {
    return entry.second.tree == leaf.tree && entry.second.ipa == leaf.ipa;
  });
  if (found != end) {
    leaves_.erase(found);
  }
}

void Leaves::ForEachOverlap(PfnRange pages, const std::function<void(const Leaf&)>& visit) const {
  const auto begin = leaves_.lower_bound(pages.first.raw());
  const auto end = leaves_.lower_bound(pages.end().raw());
  for (const auto& leaf : std::ranges::subrange(begin, end) | std::views::values) {
    visit(leaf);
  }
  std::uint64_t last = pages.first.raw();
  for (const std::uint64_t size : kLargeSizes) {
    const std::uint64_t at = AlignDown(pages.first.raw(), size);
    if (at == last) {
      continue;  // seen with a smaller size, or above
    }
    last = at;
    const auto [low, high] = leaves_.equal_range(at);
    for (const auto& leaf : std::ranges::subrange(low, high) | std::views::values) {
      if (leaf.pages.Contains(pages.first)) {
        visit(leaf);
      }
    }
  }
}

bool Leaves::IsMapped(Pfn page) const {
  bool mapped = false;
  ForEachOverlap({page, PageCount{1}}, [&](const Leaf&) { mapped = true; });
  return mapped;
}

}  // namespace ravelin::observer
