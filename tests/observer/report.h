// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The rules, and what broke them. A rule's name is its line in the report and in README.md.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "hyp/base/types.h"

namespace ravelin::observer {

enum class Rule : std::uint8_t {
  kBreakBeforeMake,
  kTlbiMissing,
  kTlbiScope,
  kTlbiVmid,
  kTlbiLevel,
  kTlbiStage1,
  kDsbBefore,
  kDsbAfter,
  kVmidIsb,
  kReuse,
  kOwner,
  kMonitorMapped,
  kTable,
  kStage2Off,
  kDoubleFetch,
  kVisit,
  kCount,
};

std::string_view NameOf(Rule rule);

// Which instruction of which CPU.
struct Place {
  CpuIndex cpu;
  Va pc;
};

struct Violation {
  Rule rule = Rule::kCount;
  Place place;
  std::uint64_t address = 0;  // what the rule is about: a descriptor's PA, a page's PA
  std::string text;
};

class Report {
 public:
  void Add(Rule rule, Place place, std::uint64_t address, std::string text);

  [[nodiscard]] std::uint64_t Count(Rule rule) const;
  [[nodiscard]] std::uint64_t Total() const;
  // The first few of each rule.
  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }

  // Lines "violation RULE ..." and "violations RULE N", and in the end "violations N".
  void Print(std::ostream& out) const;

 private:
  static constexpr std::uint64_t kKept = 10;

  std::array<std::uint64_t, static_cast<std::size_t>(Rule::kCount)> counts_{};
  std::vector<Violation> violations_;
};

}  // namespace ravelin::observer
