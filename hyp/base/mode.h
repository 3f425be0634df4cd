// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the monitor offers to the host, chosen once at boot.
#pragma once

#include <cstdint>

namespace ravelin {

// `ravelin.mode=`: protected and normal VMs, normal VMs only, or none. The host is de-privileged
// and the monitor's memory is out of its reach in all of them. Values are those of RAVELIN_MODE_*.
enum class Mode : std::uint8_t { kProtected = 0, kNvhe = 1, kNone = 2 };

}  // namespace ravelin
