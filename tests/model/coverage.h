// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Which cells of the written table (stage2/ownership/transition.h) operations have met: operation x
// state of a page x whether the page is of the VM that is named. Only the cells that a caller can
// reach: a call that names a guest frame meets only pages that the VM has, and so on.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/model/specification.h"

namespace ravelin::model {

class Coverage {
 public:
  // Before the operation. Ranges count only if all of their pages agree, so that it is known which
  // page decided.
  void Note(const Specification& specification, const Operation& operation);

  [[nodiscard]] std::size_t met() const { return met_.size(); }
  // Cells that could have been met, each as text if it was not.
  [[nodiscard]] std::vector<std::string> Missing() const;
  [[nodiscard]] static std::size_t Possible();

 private:
  enum class State : std::uint8_t {
    kHostAlone,
    kLentMonitor,
    kPinned,
    kLentVm,
    kCarveOut,
    kMetadata,
    kVmAlone,
    kLentHost,
  };
  using Cell = std::tuple<Kind, State, bool>;

  static State StateOf(const Specification& specification, std::uint64_t pfn);
  static std::vector<Cell> Reachable();
  static std::string ToText(const Cell& cell);

  std::set<Cell> met_;
};

}  // namespace ravelin::model
