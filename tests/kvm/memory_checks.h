// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A VM's memory on the host's side: which kinds of memory it may be, what it costs, who else sees
// it, and that it comes back.
#pragma once

namespace ravelin::kvm {

void CheckMemory();

}  // namespace ravelin::kvm
