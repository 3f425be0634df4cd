// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The first tables: enough to run C++ at the link address, read the device tree and write to the
// UART. Used by the boot CPU only, from its first instructions until the final tables
// (monitor_map.h) take over.
#pragma once

#include "hyp/base/types.h"

namespace ravelin {

// Maps [first, first + size) of RAM at its linear address, readable and writable. `first` is a
// multiple of 2 MiB and the range lies within one GiB.
void MapEarlyLinear(Pa first, std::uint64_t size);

// True if the early identity map shows `pa`: as the image itself, or within the first 512 GiB.
bool EarlyMapShows(Pa pa);

}  // namespace ravelin
