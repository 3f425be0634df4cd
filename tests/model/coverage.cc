// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/coverage.h"

#include <algorithm>
#include <array>
#include <optional>

namespace ravelin::model {

Coverage::State Coverage::StateOf(const Specification& specification, std::uint64_t pfn) {
  const Page& page = specification.At(pfn);
  const Frames& carved = specification.layout().carve_out;
  if (page.owner == Party::kMonitor) {
    const bool inside = pfn >= carved.first && pfn - carved.first < carved.count;
    return inside ? State::kCarveOut : State::kMetadata;
  }
  if (page.owner == Party::kVm) {
    return page.borrower == Party::kHost ? State::kLentHost : State::kVmAlone;
  }
  if (page.borrower == Party::kVm) {
    return State::kLentVm;
  }
  if (page.borrower == Party::kMonitor) {
    return page.pinned ? State::kPinned : State::kLentMonitor;
  }
  return State::kHostAlone;
}

void Coverage::Note(const Specification& specification, const Operation& operation) {
  std::uint64_t pfn = operation.pfn;
  const auto& vm = specification.VmAt(operation.vm);
  if (operation.kind == Kind::kReturnMetadata) {
    if (specification.ReturnCount(operation) == 0) {
      return;
    }
    pfn = vm.metadata.back();
  } else if (operation.kind > Kind::kReclaim || operation.kind == Kind::kUnshareVm ||
             operation.kind == Kind::kSetPermissions) {
    const auto found = vm.pages.find(operation.gfn);
    if (found == vm.pages.end()) {
      return;
    }
    pfn = found->second;
  }
  if (!specification.IsRam(pfn) || operation.count != 1 || operation.count2 != 0) {
    return;
  }
  const State state = StateOf(specification, pfn);
  const bool names_vm = operation.kind >= Kind::kDonateMonitor && state >= State::kLentVm &&
                        state != State::kCarveOut;
  met_.insert({operation.kind, state, names_vm && specification.At(pfn).vm == operation.vm});
}

std::vector<Coverage::Cell> Coverage::Reachable() {
  constexpr std::array kAll{State::kHostAlone, State::kLentMonitor, State::kPinned,
                            State::kLentVm,    State::kCarveOut,    State::kMetadata,
                            State::kVmAlone,   State::kLentHost};
  std::vector<Cell> cells{{Kind::kReturnMetadata, State::kMetadata, true}};
  for (const State state : kAll) {
    for (const Kind kind : {Kind::kHostShareMonitor, Kind::kHostUnshareMonitor, Kind::kPinShared,
                            Kind::kUnpinShared}) {
      cells.emplace_back(kind, state, false);
    }
    const bool of_vm = state >= State::kLentVm && state != State::kCarveOut;
    const bool guests = state == State::kVmAlone || state == State::kLentHost;
    for (const Kind kind : {Kind::kDonateMonitor, Kind::kReclaim}) {
      cells.emplace_back(kind, state, false);
      if (of_vm) {
        cells.emplace_back(kind, state, true);
      }
    }
    // Only protected VMs have pages of their own, and only normal ones borrow, one of each here.
    if (state != State::kVmAlone && state != State::kLentHost) {
      cells.emplace_back(Kind::kDonateVm, state, false);
    }
    if (state != State::kLentVm) {
      cells.emplace_back(Kind::kShareVm, state, false);
    }
    if (guests || state == State::kMetadata) {
      cells.emplace_back(Kind::kDonateVm, state, true);
    }
    if (state == State::kLentVm || state == State::kMetadata) {
      cells.emplace_back(Kind::kShareVm, state, true);
    }
    if (guests || state == State::kLentVm) {
      for (const Kind kind :
           {Kind::kUnshareVm, Kind::kSetPermissions, Kind::kVmShareHost, Kind::kVmUnshareHost}) {
        cells.emplace_back(kind, state, true);
      }
    }
  }
  return cells;
}

std::size_t Coverage::Possible() { return Reachable().size(); }

std::string Coverage::ToText(const Cell& cell) {
  const auto& [kind, state, same] = cell;
  constexpr std::array kNames{"the host's alone",       "lent to the monitor", "pinned",
                              "lent to a VM",           "the carve-out",       "metadata",
                              "a protected VM's alone", "lent to the host"};
  return std::string(NameOf(kind)) + " on a page that is " +
         kNames.at(static_cast<std::size_t>(state)) + (same ? ", of the VM that is named" : "");
}

std::vector<std::string> Coverage::Missing() const {
  std::vector<std::string> missing;
  for (const Cell& cell : Reachable()) {
    if (!met_.contains(cell)) {
      missing.push_back(ToText(cell));
    }
  }
  return missing;
}

}  // namespace ravelin::model
