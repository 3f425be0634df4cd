// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/report.h"

#include <numeric>
#include <utility>

namespace ravelin::observer {
namespace {

constexpr std::size_t Index(Rule rule) { return static_cast<std::size_t>(rule); }

constexpr std::array<std::string_view, Index(Rule::kCount)> kNames{
    "break-before-make",
    "tlbi-missing",
    "tlbi-scope",
    "tlbi-vmid",
    "tlbi-level",
    "tlbi-stage1",
    "dsb-before-tlbi",
    "dsb-after-tlbi",
    "vmid-isb",
    "reuse",
    "owner",
    "monitor-mapped",
    "table",
    "stage2-off",
    "double-fetch",
    "visit",
};
static_assert(!kNames.back().empty());

}  // namespace

std::string_view NameOf(Rule rule) { return kNames[Index(rule)]; }

void Report::Add(Rule rule, Place place, std::uint64_t address, std::string text) {
  if (++counts_[Index(rule)] <= kKept) {
    violations_.push_back({rule, place, address, std::move(text)});
  }
}

std::uint64_t Report::Count(Rule rule) const { return counts_[Index(rule)]; }

std::uint64_t Report::Total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

void Report::Print(std::ostream& out) const {
  for (const Violation& v : violations_) {
    out << "violation " << NameOf(v.rule) << " cpu " << v.place.cpu.raw() << std::hex << " pc 0x"
        << v.place.pc.raw() << " address 0x" << v.address << std::dec << ' ' << v.text << '\n';
  }
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) {
      out << "violations " << kNames[i] << ' ' << counts_[i] << '\n';
    }
  }
  out << "violations " << Total() << '\n';
}

}  // namespace ravelin::observer
