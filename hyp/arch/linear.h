// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the monitor sees a page that it holds: seam of hyp/arch/aarch64 and hyp/arch/fake.
#pragma once

#include "hyp/base/types.h"

namespace ravelin::arch {

// The address of a byte of RAM that is mapped into the monitor (machine::MapForMonitor).
void* LinearAddress(Pa pa);

}  // namespace ravelin::arch
