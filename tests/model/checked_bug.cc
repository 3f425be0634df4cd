// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A bug on purpose, for //hyp:ravelin_planted_bug: now and then the host keeps a page that a guest
// has taken back, though the guest is told that it has it.
#include "tests/model/checked_machine.h"

namespace ravelin::model {
namespace {

constexpr unsigned kEvery = 16;
constinit unsigned successes = 0;  // changed with the lock of page ownership held

}  // namespace

Result<void> CarryVmUnshareHost(stage2::Ownership& ownership, stage2::VmMemory& vm, Gfn gfn,
                                stage2::Content content) {
  RAVELIN_TRY(ownership.VmUnshareHost(vm, gfn, content));
  if (++successes % kEvery == 0) {
    RAVELIN_TRY(ownership.VmShareHost(vm, gfn, stage2::Content::kKept));
  }
  return {};
}

}  // namespace ravelin::model
