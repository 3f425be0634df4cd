// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/visits.h"

#include <algorithm>
#include <bit>
#include <sstream>
#include <string_view>

namespace ravelin::observer {
namespace {

constexpr std::array<std::string_view, 3> kFrom{"cpu", "host", "guest"};
constexpr std::array<std::string_view, 6> kKind{"start", "hvc", "smc", "sync", "irq", "serror"};

}  // namespace

std::string NameOf(const Cause& cause) {
  std::ostringstream text;
  text << kFrom[static_cast<std::size_t>(cause.from)] << ' '
       << kKind[static_cast<std::size_t>(cause.kind)] << " 0x" << std::hex << cause.id;
  return text.str();
}

void Visits::Enter(CpuIndex cpu, std::uint64_t count, Cause cause) {
  current_[cpu.raw()] = {.cause = cause, .first = count};
}

Visits::Figures& Visits::FiguresOf(Cause cause) {
  const bool full = figures_.size() >= kMaxCauses && !figures_.contains(cause);
  return figures_[full ? Cause{cause.from, cause.kind, 0} : cause];
}

void Visits::Leave(Place place, std::uint64_t count) {
  const Current& visit = current_[place.cpu.raw()];
  const std::uint64_t length = count - visit.first;
  Figures& figures = FiguresOf(visit.cause);
  ++figures.visits;
  figures.total += length;
  figures.longest = std::max(figures.longest, length);
  ++figures.by_power_of_two[static_cast<std::size_t>(std::bit_width(length)) % 64];
  if (visit.cause.from != Cause::From::kStart && length > limit_) {
    report_->Add(Rule::kVisit, place, place.pc.raw(),
                 std::to_string(length) + " instructions in " + NameOf(visit.cause));
  }
}

void Visits::Print(std::ostream& out) const {
  Figures all;
  const Figures* longest = &all;
  const Cause* cause = nullptr;
  for (const auto& [key, figures] : figures_) {
    out << "visit " << NameOf(key) << " count " << figures.visits << " mean "
        << figures.total / figures.visits << " max " << figures.longest << " histogram";
    for (std::size_t i = 0; i < figures.by_power_of_two.size(); ++i) {
      if (figures.by_power_of_two[i] != 0) {
        out << " <2^" << i << ':' << figures.by_power_of_two[i];
      }
    }
    out << '\n';
    all.visits += figures.visits;
    all.total += figures.total;
    if (key.from != Cause::From::kStart && figures.longest > longest->longest) {
      longest = &figures;
      cause = &key;
    }
  }
  out << "figure el2_visits " << all.visits << "\nfigure el2_instructions " << all.total << '\n';
  if (cause != nullptr) {
    out << "figure longest_visit " << longest->longest << ' ' << NameOf(*cause) << '\n';
  }
}

}  // namespace ravelin::observer
