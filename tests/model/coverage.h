// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Which cells of the written table (stage2/ownership/transition.h) operations have met: operation x
// state of a page x whether the page is RAM x whether it is of the VM or device that is named. Only
// the cells that a caller can reach: a call that names a frame meets only pages that are mapped
// there, and so on.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "stage2/ownership/page_record.h"
#include "tests/model/specification.h"

namespace ravelin::model {

class Coverage {
 public:
  // Before the operation. Only operations on one page count, so that it is known which page
  // decides.
  void Note(const Specification& specification, const Operation& operation);
  void Add(const Coverage& other) { met_.insert(other.met_.begin(), other.met_.end()); }

  // Cells that could have been met, each as text if it was not.
  [[nodiscard]] std::vector<std::string> Missing() const;
  [[nodiscard]] static std::size_t Possible();
  [[nodiscard]] std::size_t met() const { return Possible() - Missing().size(); }
  [[nodiscard]] std::size_t states() const;

 private:
  using State = stage2::PageState;
  enum class Memory : std::uint8_t { kRam, kMmio };
  enum class Relation : std::uint8_t { kOther, kSame };
  using Cell = std::tuple<Kind, State, Memory, Relation>;

  static std::vector<Cell> Reachable();
  static std::string ToText(const Cell& cell);

  std::set<Cell> met_;
};

}  // namespace ravelin::model
