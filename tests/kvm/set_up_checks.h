// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// What the API says before a VM runs: the system's ioctls, VM types, slots, vCPUs, registers.
#pragma once

namespace ravelin::kvm {

void CheckSetUp();

}  // namespace ravelin::kvm
