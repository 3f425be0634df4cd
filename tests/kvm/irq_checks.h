// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the ioctls about interrupts have to answer, right and wrong use.
#pragma once

namespace ravelin::kvm {

// Errors of the ioctls about interrupts and eventfds.
void CheckInterruptSetUp();

}  // namespace ravelin::kvm
