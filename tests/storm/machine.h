// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host's device tree says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/storm/entry.h"

namespace ravelin::storm {

struct Region {
  std::uint64_t base;
  std::uint64_t size;
};

struct Machine {
  std::array<Region, 8> ram;
  std::size_t ram_regions;
  std::array<std::uint64_t, STORM_MAX_CPUS> mpidr;  // of CPU n; the boot CPU first
  std::size_t cpus;
  std::uint64_t uart;
  std::uint64_t calls;    // storm.calls=
  std::uint64_t seconds;  // storm.seconds=
  std::uint64_t seed;     // storm.seed=
};

// False: the tree cannot be used.
bool ReadMachine(const void* tree, Machine& machine);

}  // namespace ravelin::storm
