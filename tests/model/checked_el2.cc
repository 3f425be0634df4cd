// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// CheckedOwnership at EL2: memory from the carve-out, reports on the UART.
#include <array>
#include <cstring>
#include <string_view>

#include "hyp/arch/linear.h"
#include "hyp/base/invariant.h"
#include "hyp/platform/console.h"
#include "tests/model/checked_machine.h"

namespace ravelin::model {

using console::Hex;
using console::Line;
using std::string_view_literals::operator""sv;

std::span<std::byte> MemoryOf(PfnRange pages) {
  auto* const first = static_cast<std::byte*>(arch::LinearAddress(ToPa(pages.first)));
  const std::span memory(first, pages.count.raw() * kPageSize);
  std::memset(memory.data(), 0, memory.size());
  return memory;
}

void ReportDisagreement(const Operation& operation, const Result<std::uint64_t>& answer,
                        const Differences& differences) {
  std::array<char, 160> text{};
  console::Write("\r\n"sv);
  Line("the monitor and the specification disagree after:"sv);
  Line("  "sv, Print(operation, text));
  if (answer.has_value()) {
    Line("  done: pages "sv, *answer);
  } else {
    Line("  refused: error "sv, static_cast<std::uint64_t>(answer.error()));
  }
  for (const Difference& difference : differences.kept()) {
    Line("  "sv, std::string_view(difference.what), " "sv, Hex{difference.where});
  }
  Panic("the monitor does what the specification says");
}

}  // namespace ravelin::model
