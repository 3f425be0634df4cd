// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls with their cost. A call that fails ends the run: a figure of a refused call would be
// mistaken for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "hyp/abi/host_call.h"
#include "tests/bench/clock.h"

namespace ravelin::bench {

inline constexpr std::uint64_t kPageSize = 4096;
inline constexpr std::uint64_t kBlockPages = 512;

// What an operation costs in EL2.
struct Cost {
  std::uint64_t instructions = 0;
  std::uint64_t pages = 1;
  std::uint64_t visits = 0;   // how often EL2 is entered for it
  std::uint64_t longest = 0;  // instructions of the longest host call
  std::uint64_t value = 0;    // x1 of the last call

  void Add(const Cost& other);
};

// Prints why and powers off.
[[noreturn]] void Stop(std::string_view why, std::uint64_t number = 0, std::int64_t status = 0);

// One call, which succeeds.
Cost Call(std::uint64_t number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
          std::uint64_t d = 0, std::uint64_t e = 0);

// A call (handle, frames.., count, extra) again and again until it has moved all pages: frames and
// count move on by its progress.
Cost CallForRange(std::uint64_t number, std::uint64_t handle,
                  std::initializer_list<std::uint64_t> frames, std::uint64_t pages,
                  std::uint64_t extra = 0);

// A call again and again until it is not INCOMPLETE.
Cost CallUntilDone(std::uint64_t number, std::uint64_t handle);

// Prints a line of the result; `form` says how much was moved.
void Report(std::string_view operation, std::string_view form, const Cost& cost);

}  // namespace ravelin::bench
