// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the monitor puts itself: the size of its carve-out, computed from the machine alone, and
// its place, as high in RAM as it fits, so that the host's blocks below stay whole.
#pragma once

#include <cstdint>

#include "hyp/boot/device_tree.h"

namespace ravelin::boot {

inline constexpr std::uint64_t kCarveoutAlignment = std::uint64_t{2} << 20;
// The host's edited device tree lies in these bytes right below the carve-out. They are the host's.
inline constexpr std::uint64_t kHostTreeSpace = std::uint64_t{2} << 20;

struct Carveout {
  Region monitor;    // image, then everything that is allocated at boot
  Region host_tree;  // host memory for the host's device tree
};

// Bytes of the carve-out: image, page records, the monitor's and the host's tables, per-CPU data.
// Proportional to RAM: about 0.8 %.
std::uint64_t CarveoutSize(const Machine& machine, std::uint64_t per_cpu_bytes);

// Pages that the host's stage-2 tables never exceed, whatever the host maps, splits and touches.
std::uint64_t HostTablePages(const Machine& machine);

// Finds room that touches neither a reserved region nor one of `occupied`.
Accepted<Carveout> PlaceCarveout(const Machine& machine, const ReservedList& occupied,
                                 std::uint64_t size);

}  // namespace ravelin::boot
