// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What CheckedOwnership needs from the machine: a link-time seam, for EL2 and for its own test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "stage2/ownership/ownership.h"
#include "tests/model/comparison.h"
#include "tests/model/operation.h"

namespace ravelin::model {

// Zeroed memory of these pages of the monitor.
[[nodiscard]] std::span<std::byte> MemoryOf(PfnRange pages);

// Says what differs after an operation, and does not go on.
[[noreturn]] void ReportDisagreement(const Operation& operation,
                                     const Result<std::uint64_t>& answer,
                                     const Differences& differences);

// Carries VmUnshareHost out: as Ownership does, or with a bug on purpose, which has to be found.
[[nodiscard]] Result<void> CarryVmUnshareHost(stage2::Ownership& ownership, stage2::VmMemory& vm,
                                              Gfn gfn, stage2::Content content);

}  // namespace ravelin::model
