// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// System registers of protected VMs: an allow-list, from which nothing leads to the host. Debug,
// profiling, trace, activity monitors, tags, SME and AArch32 do not exist.
#pragma once

#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"

namespace ravelin::pvm_handlers {

Disposition ServeRegister(Vcpu& vcpu, Esr esr);

}  // namespace ravelin::pvm_handlers
