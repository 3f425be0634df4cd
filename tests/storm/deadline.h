// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// How long a phase goes on that is not counted in calls.
#pragma once

#include <cstdint>

#include "tests/support/cpu.h"

namespace ravelin::storm {

// storm.seconds=
inline std::uint64_t seconds_of_phase = 0;

// An end in time for phases in which CPUs wait for each other: where the machine below has fewer
// CPUs than this one, the monitor's fair locks make them slow.
class Deadline {
 public:
  void Start() { end_ = Ticks() + seconds_of_phase * TicksPerSecond(); }
  void Never() { end_ = ~std::uint64_t{0}; }
  [[nodiscard]] bool IsOver() const { return Ticks() >= end_; }

 private:
  std::uint64_t end_ = 0;
};

}  // namespace ravelin::storm
