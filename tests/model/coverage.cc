// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/coverage.h"

#include <algorithm>
#include <array>

#include "tests/model/comparison.h"

namespace ravelin::model {
namespace {

using State = stage2::PageState;

constexpr std::array kStates{
    State::kHostOwned,      State::kHostLentMonitor,  State::kHostLentPinned, State::kHostLentVm,
    State::kHostLentDevice, State::kHostLentVmDevice, State::kHostLentSecure, State::kMonitorOwned,
    State::kVmMetadata,     State::kVmOwned,          State::kVmLentHost,     State::kDeviceOwned,
    State::kSecureOwned};
static_assert(kStates.size() == stage2::kPageStates);

constexpr std::array kNames{"the host's alone",
                            "lent to the monitor",
                            "pinned",
                            "lent to VMs",
                            "lent to devices",
                            "lent to VMs and devices",
                            "lent to the secure world",
                            "the monitor's",
                            "metadata",
                            "a VM's alone",
                            "a VM's, lent to the host",
                            "a device's",
                            "the secure world's"};

// Operations that name a page by its number, whatever it is.
constexpr std::array kByPage{
    Kind::kHostShareMonitor, Kind::kHostUnshareMonitor, Kind::kPinShared,     Kind::kUnpinShared,
    Kind::kDonateMonitor,    Kind::kDonateVm,           Kind::kShareVm,       Kind::kReclaim,
    Kind::kMapDevice,        Kind::kDonateDevice,       Kind::kReclaimDevice, Kind::kShareSecure,
    Kind::kUnshareSecure};

// States in which MMIO can be.
bool IsForMmio(State state) {
  return state == State::kHostOwned || state == State::kHostLentVm ||
         state == State::kMonitorOwned || state == State::kVmOwned;
}

}  // namespace

void Coverage::Note(const Specification& specification, const Operation& operation) {
  const Arguments arguments = ArgumentsOf(operation.kind);
  if (operation.count != 1 || operation.count2 != 0) {
    return;
  }
  std::uint64_t pfn = operation.pfn;
  if (operation.kind == Kind::kReturnMetadata) {
    pfn = specification.SpaceAt(operation.vm).last_metadata;
  } else if (!arguments.pfn) {
    const Result<Frame> found = specification.FrameAt(operation.vm, operation.gfn);
    if (!found.has_value() || found->use != Use::kPage) {
      return;
    }
    pfn = found->pfn;
  }
  if (!specification.HasRecord(pfn)) {
    return;
  }
  const Page& page = specification.At(pfn);
  const State state = StateOf(page);
  const bool names_space = arguments.scope != Scope::kNone;
  const bool same = names_space && stage2::HasPlace(state) && page.space == operation.vm;
  met_.insert({operation.kind, state, page.mmio ? Memory::kMmio : Memory::kRam,
               same ? Relation::kSame : Relation::kOther});
}

std::vector<Coverage::Cell> Coverage::Reachable() {
  std::vector<Cell> cells{
      {Kind::kReturnMetadata, State::kVmMetadata, Memory::kRam, Relation::kSame}};
  for (const State state : kStates) {
    for (const Kind kind : kByPage) {
      cells.emplace_back(kind, state, Memory::kRam, Relation::kOther);
      const Arguments arguments = ArgumentsOf(kind);
      const bool devices = Covers(arguments.scope, SpaceKind::kDevice);
      const bool vms = Covers(arguments.scope, SpaceKind::kNormalVm) ||
                       Covers(arguments.scope, SpaceKind::kProtectedVm);
      const bool owners = Covers(arguments.scope, SpaceKind::kProtectedVm);
      const bool of_device = state == State::kDeviceOwned;
      const bool of_vm = state == State::kVmOwned || state == State::kVmLentHost;
      // Protected VMs own, normal ones borrow, device domains own.
      const bool may_be_same = (state == State::kVmMetadata && (vms || devices)) ||
                               (of_device && devices) || (of_vm && owners);
      if (may_be_same) {
        cells.emplace_back(kind, state, Memory::kRam, Relation::kSame);
      }
      if (IsForMmio(state)) {
        cells.emplace_back(kind, state, Memory::kMmio, Relation::kOther);
        if (of_vm && may_be_same) {
          cells.emplace_back(kind, state, Memory::kMmio, Relation::kSame);
        }
      }
    }
  }
  for (const Kind kind : {Kind::kUnshareVm, Kind::kSetPermissions, Kind::kAge}) {
    cells.emplace_back(kind, State::kHostLentVm, Memory::kRam, Relation::kOther);
    cells.emplace_back(kind, State::kHostLentVmDevice, Memory::kRam, Relation::kOther);
    cells.emplace_back(kind, State::kHostLentVm, Memory::kMmio, Relation::kOther);
  }
  for (const Kind kind :
       {Kind::kForceReclaim, Kind::kVmShareHost, Kind::kVmUnshareHost, Kind::kVmRelinquish}) {
    cells.emplace_back(kind, State::kVmOwned, Memory::kRam, Relation::kSame);
    cells.emplace_back(kind, State::kVmLentHost, Memory::kRam, Relation::kSame);
    cells.emplace_back(kind, State::kVmOwned, Memory::kMmio, Relation::kSame);
  }
  cells.emplace_back(Kind::kUnmapDevice, State::kHostLentDevice, Memory::kRam, Relation::kOther);
  cells.emplace_back(Kind::kUnmapDevice, State::kHostLentVmDevice, Memory::kRam, Relation::kOther);
  cells.emplace_back(Kind::kUnmapDevice, State::kDeviceOwned, Memory::kRam, Relation::kSame);
  return cells;
}

std::size_t Coverage::Possible() { return Reachable().size(); }

std::size_t Coverage::states() const {
  std::set<State> states;
  for (const Cell& cell : met_) {
    states.insert(std::get<State>(cell));
  }
  return states.size();
}

std::string Coverage::ToText(const Cell& cell) {
  const auto& [kind, state, memory, relation] = cell;
  return std::string(NameOf(kind)) + " on " + (memory == Memory::kMmio ? "MMIO" : "a page") +
         " that is " + kNames.at(static_cast<std::size_t>(state)) +
         (relation == Relation::kSame ? ", of the VM or device that is named" : "");
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
