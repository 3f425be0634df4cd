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

// The use of a page that an operation begins or ends.
enum class Use : std::uint8_t { kNone, kLoan, kLoanEnds, kMap, kMapEnds, kPin, kPinEnds };

struct Effect {
  bool takes_mmio = false;  // also for MMIO pages with a record; else they are kNotRam
  Use use = Use::kNone;
};

inline constexpr std::array<Effect, kOperations> kEffects = {{
    /* HostShareMonitor */ {},
    /* HostUnshareMonitor */ {},
    /* PinShared */ {.use = Use::kPin},
    /* UnpinShared */ {.use = Use::kPinEnds},
    /* HostDonateMonitor */ {},
    /* ReturnMetadata */ {},
    /* HostDonateVm */ {.takes_mmio = true},
    /* HostShareVm */ {.takes_mmio = true, .use = Use::kLoan},
    /* HostUnshareVm */ {.takes_mmio = true, .use = Use::kLoanEnds},
    /* HostSetVmPermissions */ {.takes_mmio = true},
    /* HostAgeVm */ {},
    /* ReclaimFromVm */ {.takes_mmio = true},
    /* ForceReclaim */ {.takes_mmio = true},
    /* HostMapDevice */ {.use = Use::kMap},
    /* HostUnmapDevice */ {.use = Use::kMapEnds},
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

// One use more. kLimit: its counter is full.
template <typename Counter>
constexpr Result<PageRecord> Begin(PageRecord record, PageState state) {
  if (Counter::Get(record.word()) == Counter::kMax) {
    return Failure{Error::kLimit};
  }
  return record.OneMore<Counter>().InState(state);
}

// One use fewer, perhaps the last one.
template <typename Counter>
constexpr PageRecord End(PageRecord record, Step step) {
  const PageRecord left = record.OneLess<Counter>();
  return left.InState(Counter::Get(left.word()) == 0 ? step.last : step.next);
}

// The record of a page that stays the host's.
constexpr Result<PageRecord> Count(Use use, PageRecord record, Step step) {
  switch (use) {
    case Use::kNone:
      break;
    case Use::kLoan:
      return Begin<PageRecord::Loans>(record, step.next);
    case Use::kLoanEnds:
      return End<PageRecord::Loans>(record, step);
    case Use::kMap:
      return Begin<PageRecord::Maps>(record, step.next);
    case Use::kMapEnds:
      return End<PageRecord::Maps>(record, step);
    case Use::kPin:
      return Begin<PageRecord::Pins>(record, step.next);
    case Use::kPinEnds:
      return End<PageRecord::Pins>(record, step);
  }
  return record.InState(step.next);
}

// What the record of a page becomes: `holder` is the VM or device domain that the call names
// (kHostVmid: none), `frame` the page's place there if it becomes the holder's.
constexpr Result<PageRecord> Next(Operation operation, PageRecord record, Vmid holder,
                                  std::uint64_t frame) {
  const bool placed = HasPlace(record.state());
  const bool other = placed && record.holder() != holder;
  RAVELIN_TRY_ASSIGN(step,
                     Decide(operation, record.state(), other ? Relation::kOther : Relation::kSame));
  if (HasPlace(step.next)) {
    return PageRecord::Placed(step.next, holder, placed ? record.frame() : frame);
  }
  if (placed) {
    return PageRecord::Counting(step.next, {});
  }
  return Count(EffectOf(operation).use, record, step);
}

}  // namespace ravelin::stage2
