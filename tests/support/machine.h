// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host's device tree says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/support/entry.h"

namespace ravelin {

struct Region {
  std::uint64_t base;
  std::uint64_t size;
};

struct Machine {
  std::array<Region, 8> ram{};
  std::size_t ram_regions = 0;
  std::array<std::uint64_t, PAYLOAD_MAX_CPUS> mpidr{};  // of CPU n; the boot CPU first
  std::size_t cpus = 0;
  std::uint64_t uart = 0;
  std::string_view command_line;
};

// False: the tree cannot be used.
bool ReadMachine(const void* tree, Machine& machine);

// The number behind `name` on the command line, which ends in "=".
std::uint64_t ReadOption(std::string_view line, std::string_view name, std::uint64_t otherwise);

}  // namespace ravelin
