// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The end of the ladder: the monitor can no longer vouch for isolation. The report names the
// reason, the registers and the callers as offsets from the start of the image (`ravelin symbolize`
// turns them into functions and lines), protected memory is wiped, and this CPU stops. The other
// CPUs stop at their next entry into the monitor.
#pragma once

#include <atomic>
#include <string_view>

#include "hyp/arch/aarch64/trap_frame.h"

namespace ravelin {

// The monitor refuses to start: not a bug of its own. Reports `reason` and stops.
[[noreturn]] void Refuse(std::string_view reason);

// This CPU does nothing any more.
[[noreturn]] void StopThisCpu();

// Whether a CPU has panicked. Only this header and the panic path use it.
extern std::atomic<bool> panicked;

// Called at each entry into the monitor: does not return if another CPU has panicked.
inline void StopIfPanicked() {
  if (panicked.load(std::memory_order_relaxed)) [[unlikely]] {
    StopThisCpu();
  }
}

}  // namespace ravelin
