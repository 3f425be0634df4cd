// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The written rules of page ownership (docs/architecture.md): one table of
//   operation (which says who acts) x state of the page x whether the VM that is named is the
//   page's own VM
//   -> the next state, or the error.
// Ownership decides by this table and nothing else; the test walks all of it. Pure values, any
// caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/ownership/page_record.h"

namespace ravelin::stage2 {

// Owner, borrower and pins of a record, as one value.
enum class PageState : std::uint8_t {
  kHostOwned,        // the host's alone
  kHostLentMonitor,  // the host's, shared with the monitor
  kHostLentPinned,   // and in use as a run page
  kHostLentVm,       // the host's, lent to a normal VM
  kMonitorOwned,     // the carve-out: for ever
  kVmMetadata,       // donated by the host for a VM's objects and tables
  kVmOwned,          // a protected VM's alone
  kVmLentHost,       // a protected VM's, shared with the host
};
inline constexpr std::size_t kPageStates = 8;

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
  kReclaimFromVm,
  kVmShareHost,
  kVmUnshareHost,
};
inline constexpr std::size_t kOperations = 13;

// Is the VM that the call names (or that calls) the one in the page's record?
enum class Relation : std::uint8_t { kSameVm, kOtherVm };
inline constexpr std::size_t kRelations = 2;

using Outcome = Result<PageState>;

namespace transition_table {

// One cell: a state to go to, or an error. An aggregate, so that the table is readable.
struct Cell {
  bool allowed;
  PageState next;
  Error error;
};

constexpr Cell To(PageState next) { return {true, next, Error::kInvalidArgument}; }
constexpr Cell No(Error error) { return {false, PageState::kHostOwned, error}; }

inline constexpr Cell kOwn = No(Error::kWrongOwner);
inline constexpr Cell kSta = No(Error::kWrongState);
inline constexpr Cell kBsy = No(Error::kBusy);
inline constexpr Cell kLim = No(Error::kLimit);
inline constexpr Cell kExi = No(Error::kExists);
inline constexpr Cell kHst = To(PageState::kHostOwned);
inline constexpr Cell kLnM = To(PageState::kHostLentMonitor);
inline constexpr Cell kPin = To(PageState::kHostLentPinned);
inline constexpr Cell kLnV = To(PageState::kHostLentVm);
inline constexpr Cell kMet = To(PageState::kVmMetadata);
inline constexpr Cell kVmO = To(PageState::kVmOwned);
inline constexpr Cell kLnH = To(PageState::kVmLentHost);

using Row = std::array<Cell, kPageStates>;

// The page's own VM. clang-format off keeps the columns.
// clang-format off
inline constexpr std::array<Row, kOperations> kSameVm = {{
  //                  HostOwned LentMon Pinned LentVm Monitor Metadata VmOwned VmLentHost
  /* HostShareMonitor    */ {{kLnM, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnshareMonitor  */ {{kSta, kHst, kBsy, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* PinShared           */ {{kSta, kPin, kExi, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* UnpinShared         */ {{kSta, kSta, kLnM, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* HostDonateMonitor   */ {{kMet, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* ReturnMetadata      */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kHst, kOwn, kOwn}},
  /* HostDonateVm        */ {{kVmO, kSta, kSta, kSta, kOwn, kOwn, kOwn, kOwn}},
  /* HostShareVm         */ {{kLnV, kSta, kSta, kLim, kOwn, kOwn, kOwn, kOwn}},
  /* HostUnshareVm       */ {{kSta, kSta, kSta, kHst, kOwn, kOwn, kOwn, kOwn}},
  /* HostSetVmPermissions*/ {{kSta, kSta, kSta, kLnV, kOwn, kOwn, kOwn, kOwn}},
  /* ReclaimFromVm       */ {{kOwn, kOwn, kOwn, kHst, kOwn, kOwn, kHst, kHst}},
  /* VmShareHost         */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kLnH, kSta}},
  /* VmUnshareHost       */ {{kOwn, kOwn, kOwn, kOwn, kOwn, kOwn, kSta, kVmO}},
}};
// clang-format on

constexpr bool NamesVm(PageState state) {
  return state == PageState::kHostLentVm || state == PageState::kVmMetadata ||
         state == PageState::kVmOwned || state == PageState::kVmLentHost;
}

constexpr bool IsOfVm(Operation operation) {
  return operation == Operation::kVmShareHost || operation == Operation::kVmUnshareHost;
}

// Another VM: where the page has a VM, nothing is allowed that its own VM is, and a VM that asks
// learns no more than that the page is not its own.
constexpr Cell ForOtherVm(Operation operation, PageState state, Cell same) {
  const bool differs = NamesVm(state) && (same.allowed || IsOfVm(operation));
  return differs ? kOwn : same;
}

using Plane = std::array<Row, kOperations>;

consteval std::array<Plane, kRelations> Build() {
  std::array<Plane, kRelations> table{kSameVm, kSameVm};
  for (std::size_t op = 0; op < kOperations; ++op) {
    for (std::size_t state = 0; state < kPageStates; ++state) {
      table[1][op][state] =
          ForOtherVm(static_cast<Operation>(op), static_cast<PageState>(state), kSameVm[op][state]);
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
  return cell.next;
}

constexpr PageState StateOf(const PageRecord& record) {
  if (record.owner == Owner::kMonitor) {
    return record.vm == kNoVm ? PageState::kMonitorOwned : PageState::kVmMetadata;
  }
  if (record.owner == Owner::kVm) {
    return record.borrower == Borrower::kNone ? PageState::kVmOwned : PageState::kVmLentHost;
  }
  if (record.borrower == Borrower::kNone) {
    return PageState::kHostOwned;
  }
  if (record.borrower == Borrower::kVm) {
    return PageState::kHostLentVm;
  }
  return record.pins == 0 ? PageState::kHostLentMonitor : PageState::kHostLentPinned;
}

// The record of a page in `state`. `vm` and `frame` count only where the state names a VM.
constexpr PageRecord RecordIn(PageState state, VmHandle vm, std::uint64_t frame) {
  switch (state) {
    case PageState::kHostOwned:
      break;
    case PageState::kHostLentMonitor:
      return {0, kNoVm, 0, Owner::kHost, Borrower::kMonitor};
    case PageState::kHostLentPinned:
      return {0, kNoVm, 1, Owner::kHost, Borrower::kMonitor};
    case PageState::kHostLentVm:
      return {frame, vm, 0, Owner::kHost, Borrower::kVm};
    case PageState::kMonitorOwned:
      return {0, kNoVm, 0, Owner::kMonitor, Borrower::kNone};
    case PageState::kVmMetadata:
      return {frame, vm, 0, Owner::kMonitor, Borrower::kNone};
    case PageState::kVmOwned:
      return {frame, vm, 0, Owner::kVm, Borrower::kNone};
    case PageState::kVmLentHost:
      return {frame, vm, 0, Owner::kVm, Borrower::kHost};
  }
  return {};
}

namespace transition_table {

consteval bool StatesRoundTrip() {
  for (std::size_t i = 0; i < kPageStates; ++i) {
    const auto state = static_cast<PageState>(i);
    if (StateOf(RecordIn(state, VmHandle{7}, 42)) != state) {
      return false;
    }
  }
  return true;
}
static_assert(StatesRoundTrip());
static_assert(RecordIn(PageState::kHostOwned, VmHandle{7}, 42) == PageRecord{});

}  // namespace transition_table

}  // namespace ravelin::stage2
