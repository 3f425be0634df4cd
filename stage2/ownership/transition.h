// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The written rules of page ownership (docs/architecture.md): one table of
//   operation (which says who acts) x state of the page x whether the VM or device domain that is
//   named is the page's own
//   -> the next state, or the error.
// An operation that ends one of several uses has two next states: while uses are left, and after
// the last one. Ownership decides by this table and nothing else; the test walks all of it. Pure
// values, any caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/ownership/page_record.h"

namespace ravelin::stage2 {

enum class Operation : std::uint8_t {
  kHostShareMonitor,
  kHostUnshareMonitor,
  kPinShared,
  kUnpinShared,
  kHostDonateMonitor,
  kReturnMetadata,
  kHostDonateVm,
  kHostShareVm,
  kHostUnshareVm,
  kHostSetVmPermissions,
  kHostAgeVm,
  kReclaimFromVm,
  kForceReclaim,
  kHostMapDevice,
  kHostUnmapDevice,
  kHostDonateDevice,
  kReclaimFromDevice,
  kHostShareSecure,
  kHostUnshareSecure,
  kVmShareHost,
  kVmUnshareHost,
  kVmRelinquish,
};
inline constexpr std::size_t kOperations = 22;

// Is the VM or device domain that the call names (or that calls) the one in the page's record?
enum class Relation : std::uint8_t { kSame, kOther };
inline constexpr std::size_t kRelations = 2;

// Where an operation leads. `last`: if it ends the last use; else the same as `next`.
struct Step {
  PageState next;
  PageState last;

  friend constexpr bool operator==(Step, Step) = default;
};
using Outcome = Result<Step>;

namespace transition_table {

// One cell: where to go, or an error. An aggregate, so that the table is readable.
struct Cell {
  bool allowed;
  Step step;
  Error error;
};

constexpr Cell To(PageState next) { return {true, {next, next}, Error::kInvalidArgument}; }
constexpr Cell Till(PageState next, PageState last) {
  return {true, {next, last}, Error::kInvalidArgument};
}
constexpr Cell No(Error error) {
  return {false, {PageState::kHostOwned, PageState::kHostOwned}, error};
}

inline constexpr Cell kOwn = No(Error::kWrongOwner);
inline constexpr Cell kSta = No(Error::kWrongState);
inline constexpr Cell kBsy = No(Error::kBusy);
inline constexpr Cell kExi = No(Error::kExists);
inline constexpr Cell kHst = To(PageState::kHostOwned);
inline constexpr Cell kLnM = To(PageState::kHostLentMonitor);
inline constexpr Cell kPin = To(PageState::kHostLentPinned);
inline constexpr Cell kLnV = To(PageState::kHostLentVm);
inline constexpr Cell kLnD = To(PageState::kHostLentDevice);
inline constexpr Cell kLVD = To(PageState::kHostLentVmDevice);
inline constexpr Cell kLnS = To(PageState::kHostLentSecure);
inline constexpr Cell kEnV = Till(PageState::kHostLentVm, PageState::kHostOwned);
inline constexpr Cell kEnD = Till(PageState::kHostLentDevice, PageState::kHostOwned);
inline constexpr Cell kDev = Till(PageState::kHostLentVmDevice, PageState::kHostLentDevice);
inline constexpr Cell kVms = Till(PageState::kHostLentVmDevice, PageState::kHostLentVm);
inline constexpr Cell kMet = To(PageState::kVmMetadata);
inline constexpr Cell kVmO = To(PageState::kVmOwned);
inline constexpr Cell kLnH = To(PageState::kVmLentHost);
inline constexpr Cell kDeO = To(PageState::kDeviceOwned);

using Row = std::array<Cell, kPageStates>;

// The page's own VM or device domain. clang-format off keeps the columns: HostOwned; lent to
// Monitor, Pinned, Vm, Device, VmDevice, Secure; MonitorOwned, VmMetadata, VmOwned, VmLentHost,
// DeviceOwned, SecureOwned.
// clang-format off
inline constexpr std::array<Row, kOperations> kSame = {{
  //                        Host  +Mon  +Pin  +Vm   +Dev  +VmDe +Sec  Monit Metad VmOwn VmLnt DevOw SecOw
  /* HostShareMonitor    */ {{kLnM, kSta, kSta, kSta, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnshareMonitor  */ {{kSta, kHst, kBsy, kSta, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* PinShared           */ {{kSta, kPin, kExi, kSta, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* UnpinShared         */ {{kSta, kSta, kLnM, kSta, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostDonateMonitor   */ {{kMet, kSta, kSta, kSta, kBsy, kBsy, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* ReturnMetadata      */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kOwn, kOwn, kOwn, kOwn}},
  /* HostDonateVm        */ {{kVmO, kSta, kSta, kSta, kBsy, kBsy, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostShareVm         */ {{kLnV, kSta, kSta, kLnV, kLVD, kLVD, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnshareVm       */ {{kSta, kSta, kSta, kEnV, kSta, kDev, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostSetVmPermissions*/ {{kSta, kSta, kSta, kLnV, kSta, kLVD, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostAgeVm           */ {{kSta, kSta, kSta, kLnV, kSta, kLVD, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* ReclaimFromVm       */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kHst, kOwn, kOwn}},
  /* ForceReclaim        */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kHst, kOwn, kOwn}},
  /* HostMapDevice       */ {{kLnD, kSta, kSta, kLVD, kLnD, kLVD, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnmapDevice     */ {{kSta, kSta, kSta, kSta, kEnD, kVms, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostDonateDevice    */ {{kDeO, kSta, kSta, kSta, kBsy, kBsy, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* ReclaimFromDevice   */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kOwn}},
  /* HostShareSecure     */ {{kLnS, kSta, kSta, kSta, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnshareSecure   */ {{kSta, kSta, kSta, kSta, kSta, kSta, kHst, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn}},
  /* VmShareHost         */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kLnH, kSta, kOwn, kOwn}},
  /* VmUnshareHost       */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kSta, kVmO, kOwn, kOwn}},
  /* VmRelinquish        */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kSta, kOwn, kOwn}},
}};
// clang-format on

constexpr bool IsOfVm(Operation operation) {
  return operation == Operation::kVmShareHost || operation == Operation::kVmUnshareHost ||
         operation == Operation::kVmRelinquish;
}

// Another VM or device domain: where the page has one, nothing is allowed that its own is, and a VM
// that asks learns no more than that the page is not its own.
constexpr Cell ForOther(Operation operation, PageState state, Cell same) {
  const bool differs = HasPlace(state) && (same.allowed || IsOfVm(operation));
  return differs ? kOwn : same;
}

using Plane = std::array<Row, kOperations>;

consteval std::array<Plane, kRelations> Build() {
  std::array<Plane, kRelations> table{kSame, kSame};
  for (std::size_t op = 0; op < kOperations; ++op) {
    for (std::size_t state = 0; state < kPageStates; ++state) {
      table[1][op][state] =
          ForOther(static_cast<Operation>(op), static_cast<PageState>(state), kSame[op][state]);
    }
  }
  return table;
}

inline constexpr std::array<Plane, kRelations> kTable = Build();

}  // namespace transition_table

constexpr Outcome Decide(Operation operation, PageState state, Relation relation) {
  const transition_table::Cell& cell = transition_table::kTable[static_cast<std::size_t>(
      relation)][static_cast<std::size_t>(operation)][static_cast<std::size_t>(state)];
  if (!cell.allowed) {
    return Failure{cell.error};
  }
  return cell.step;
}

// --- What an operation does besides

struct Effect {
  bool takes_mmio = false;  // also for MMIO pages with a record; else they are kNotRam
  int loans = 0;
  int maps = 0;
  int pins = 0;
};

inline constexpr std::array<Effect, kOperations> kEffects = {{
    /* HostShareMonitor */ {},
    /* HostUnshareMonitor */ {},
    /* PinShared */ {.pins = 1},
    /* UnpinShared */ {.pins = -1},
    /* HostDonateMonitor */ {},
    /* ReturnMetadata */ {},
    /* HostDonateVm */ {.takes_mmio = true},
    /* HostShareVm */ {.takes_mmio = true, .loans = 1},
    /* HostUnshareVm */ {.takes_mmio = true, .loans = -1},
    /* HostSetVmPermissions */ {.takes_mmio = true},
    /* HostAgeVm */ {},
    /* ReclaimFromVm */ {.takes_mmio = true},
    /* ForceReclaim */ {.takes_mmio = true},
    /* HostMapDevice */ {.maps = 1},
    /* HostUnmapDevice */ {.maps = -1},
    /* HostDonateDevice */ {},
    /* ReclaimFromDevice */ {},
    /* HostShareSecure */ {},
    /* HostUnshareSecure */ {},
    /* VmShareHost */ {},
    /* VmUnshareHost */ {},
    /* VmRelinquish */ {.takes_mmio = true},
}};

constexpr const Effect& EffectOf(Operation operation) {
  return kEffects[static_cast<std::size_t>(operation)];
}

// A counter of uses after a change that the table allows. kLimit: it is full.
constexpr Result<std::uint16_t> Counted(std::uint16_t uses, int change) {
  if (change > 0 && uses == std::numeric_limits<std::uint16_t>::max()) {
    return Failure{Error::kLimit};
  }
  return static_cast<std::uint16_t>(uses + change);
}

constexpr Result<Uses> Count(const Effect& effect, Uses uses) {
  RAVELIN_TRY_ASSIGN(loans, Counted(uses.loans, effect.loans));
  RAVELIN_TRY_ASSIGN(maps, Counted(uses.maps, effect.maps));
  RAVELIN_TRY_ASSIGN(pins, Counted(uses.pins, effect.pins));
  return Uses{.loans = loans, .maps = maps, .pins = pins};
}

// Whether an operation that ends a use has ended the last one of its kind.
constexpr bool IsLast(const Effect& effect, Uses left) {
  return (effect.loans < 0 && left.loans == 0) || (effect.maps < 0 && left.maps == 0);
}

// What the record of a page becomes: `holder` is the VM or device domain that the call names
// (kHostVmid: none), `frame` the page's place there if it becomes the holder's.
constexpr Result<PageRecord> Next(Operation operation, PageRecord record, Vmid holder,
                                  std::uint64_t frame) {
  const Relation relation = record.holder() == holder ? Relation::kSame : Relation::kOther;
  RAVELIN_TRY_ASSIGN(step, Decide(operation, record.state(), relation));
  if (HasPlace(step.next)) {
    const bool moves = HasPlace(record.state());
    return PageRecord::Placed(step.next, holder, moves ? record.frame() : frame);
  }
  const Effect& effect = EffectOf(operation);
  RAVELIN_TRY_ASSIGN(uses, Count(effect, record.uses()));
  return PageRecord::Counting(IsLast(effect, uses) ? step.last : step.next, uses);
}

}  // namespace ravelin::stage2
