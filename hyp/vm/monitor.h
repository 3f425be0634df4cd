// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The monitor's state after boot: page ownership and the facts that INFO reports. Everything that
// changes is reached through a lock; the VMs are in vm_table.h.
#pragma once

#include <cstdint>

#include "hyp/base/locked.h"
#include "hyp/base/mode.h"
#include "hyp/base/types.h"
#include "hyp/vm/pages.h"

namespace ravelin {

// Fixed once the host runs.
struct MonitorFacts {
  Mode mode = Mode::kProtected;
  PfnRange carveout;
  PageCount image_pages;
  std::uint64_t boot_ticks = 0;
  unsigned max_ipa_bits = 0;
};

inline constinit MonitorFacts the_facts;
inline MonitorFacts& Facts() { return the_facts; }

using OwnershipLock = Locked<Pages, Rank::kOwnership>;
OwnershipLock& PageOwnership();

// A stage-2 translation fault of the host at `ipa`. True if the access can be executed again: the
// page is the host's, or is MMIO and mapped now. False: it is not for the host.
bool ResolveHostFault(Ipa ipa);

// Before the machine stops or restarts: zeros every page that belongs to a VM or holds a VM's
// state. Other CPUs may still run; what they do to such pages afterwards dies with the machine.
void ScrubProtectedMemory();

// The same when the monitor stops itself: takes no lock, because a CPU that holds it does not go
// on.
void ScrubForPanic();

}  // namespace ravelin
