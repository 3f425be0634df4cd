// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or the reason why there is none. Errors are what a host or a guest can cause;
// a broken rule of the monitor itself is an Invariant (invariant.h). hyp/call maps each Error to
// one status of the host ABI (hyp/abi/host_call.h), which lists the same reasons.
#pragma once

#include <cstdint>
#include <expected>

namespace ravelin {

enum class Error : std::uint8_t {
  kNotSupported,     // no such call, or not in this mode
  kInvalidArgument,  // reserved bits set, misaligned, out of range
  kNoSuchVm,         // the handle names no VM
  kNoSuchVcpu,       // the VM has no such vCPU
  kWrongPhase,       // the VM's or vCPU's life cycle does not allow it now
  kWrongKind,        // only for protected VMs, or only for normal ones
  kNotRam,           // the frame is not RAM that the monitor manages
  kWrongOwner,       // the page belongs to somebody else
  kWrongState,       // the page is (or is not) shared
  kBusy,             // pinned, or the vCPU runs
  kNoMemory,         // too few pages donated for tables: top up and call again
  kLimit,            // a fixed limit is reached (VMs, vCPUs, borrowers)
  kExists,           // the IPA, index or run page is taken
  kNotMapped,        // nothing at that IPA
};

template <typename T = void>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

}  // namespace ravelin

// Returns the error of a failed Result<void> expression to the caller.
#define RAVELIN_TRY(expression)                          \
  do {                                                   \
    if (auto ravelin_try = (expression); !ravelin_try) { \
      return ::ravelin::Failure{ravelin_try.error()};    \
    }                                                    \
  } while (false)

// Declares `name` with the value of a Result expression, or returns its error to the caller.
#define RAVELIN_TRY_ASSIGN(name, expression)          \
  auto name##_result = (expression);                  \
  if (!name##_result) {                               \
    return ::ravelin::Failure{name##_result.error()}; \
  }                                                   \
  auto& name = *name##_result
