// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// What KVM_RUN does: exits, signals, several vCPUs, and what may not be changed after it.
#pragma once

namespace ravelin::kvm {

void CheckRuns();

}  // namespace ravelin::kvm
