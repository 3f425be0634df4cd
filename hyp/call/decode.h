// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Turns a typed function into a row of a call table: its parameter types say how many registers are
// arguments and how each is decoded, its Result says what is returned. Registers behind the last
// argument have to be 0.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include "hyp/abi/host_call.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "hyp/call/host_call.h"
#include "hyp/call/memory_calls.h"
#include "hyp/vm/vm_table.h"

namespace ravelin::call {

// The one place where an Error becomes a status of the ABI.
constexpr std::int64_t StatusOf(Error error) {
  switch (error) {
    case Error::kNotSupported:
      return RAVELIN_NOT_SUPPORTED;
    case Error::kInvalidArgument:
      return RAVELIN_INVALID_ARGUMENT;
    case Error::kNoSuchVm:
      return RAVELIN_NO_SUCH_VM;
    case Error::kNoSuchVcpu:
      return RAVELIN_NO_SUCH_VCPU;
    case Error::kWrongPhase:
      return RAVELIN_WRONG_PHASE;
    case Error::kWrongKind:
      return RAVELIN_WRONG_KIND;
    case Error::kNotRam:
      return RAVELIN_NOT_RAM;
    case Error::kWrongOwner:
      return RAVELIN_WRONG_OWNER;
    case Error::kWrongState:
      return RAVELIN_WRONG_STATE;
    case Error::kBusy:
      return RAVELIN_BUSY;
    case Error::kNoMemory:
      return RAVELIN_NO_MEMORY;
    case Error::kLimit:
      return RAVELIN_LIMIT;
    case Error::kExists:
      return RAVELIN_EXISTS;
    case Error::kNotMapped:
      return RAVELIN_NOT_MAPPED;
  }
  return RAVELIN_NOT_SUPPORTED;
}

constexpr Results Encode(std::int64_t status, std::uint64_t value = 0) {
  return {static_cast<std::uint64_t>(status), value, 0, 0};
}
constexpr Results Encode(const Result<>& result) {
  return Encode(result ? RAVELIN_SUCCESS : StatusOf(result.error()));
}
constexpr Results Encode(const Result<std::uint64_t>& result) {
  return result ? Encode(RAVELIN_SUCCESS, *result) : Encode(StatusOf(result.error()));
}
constexpr Results Encode(const Result<Part>& result) {
  if (!result) {
    return Encode(StatusOf(result.error()));
  }
  const bool all = result->done == result->asked;
  return {static_cast<std::uint64_t>(all ? RAVELIN_SUCCESS : RAVELIN_INCOMPLETE),
          result->done.raw(), result->found, 0};
}
constexpr Results Encode(const Result<Progress>& result) {
  if (!result) {
    return Encode(StatusOf(result.error()));
  }
  return Encode(*result == Progress::kMore ? RAVELIN_INCOMPLETE : RAVELIN_SUCCESS);
}

// A register as an argument of type T: anything that does not fit T is refused.
template <typename T>
constexpr Result<T> Decode(std::uint64_t value) {
  if constexpr (std::unsigned_integral<T>) {
    if (value > std::numeric_limits<T>::max()) {
      return Failure{Error::kInvalidArgument};
    }
    return static_cast<T>(value);
  } else {
    using Raw = typename T::Raw;
    if (value > std::numeric_limits<Raw>::max()) {
      return Failure{Error::kInvalidArgument};
    }
    return T{static_cast<Raw>(value)};
  }
}

template <auto kFunction, typename Signature = decltype(kFunction)>
struct Bound;

template <auto kFunction, typename R, typename... Arguments>
struct Bound<kFunction, R (*)(Arguments...)> {
  static constexpr std::size_t kCount = sizeof...(Arguments);
  static constexpr std::size_t kRegisters = std::tuple_size_v<Registers> - 1;
  static_assert(kCount <= kRegisters);
  static constexpr std::size_t kUnused = kRegisters - kCount;

  static Results Serve(const Registers& registers) {
    if (AnyOf(registers, std::make_index_sequence<kUnused>{})) {
      return Encode(RAVELIN_INVALID_ARGUMENT);
    }
    return Apply(registers, std::index_sequence_for<Arguments...>{});
  }

  // Whether a register behind the last argument is not 0.
  template <std::size_t... kIndex>
  static bool AnyOf(const Registers& registers, std::index_sequence<kIndex...>) {
    return (std::uint64_t{0} | ... | registers[kCount + 1 + kIndex]) != 0;
  }

  template <std::size_t... kIndex>
  static Results Apply([[maybe_unused]] const Registers& registers,
                       std::index_sequence<kIndex...>) {
    const std::tuple<Result<Arguments>...> decoded{Decode<Arguments>(registers[kIndex + 1])...};
    if ((... || !std::get<kIndex>(decoded).has_value())) {
      return Encode(RAVELIN_INVALID_ARGUMENT);
    }
    return Encode(kFunction(*std::get<kIndex>(decoded)...));
  }
};

}  // namespace ravelin::call
