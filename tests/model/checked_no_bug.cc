// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/model/checked_machine.h"

namespace ravelin::model {

Result<void> CarryVmUnshareHost(stage2::Ownership& ownership, stage2::VmMemory& vm, Gfn gfn,
                                stage2::Content content) {
  return ownership.VmUnshareHost(vm, gfn, content);
}

}  // namespace ravelin::model
