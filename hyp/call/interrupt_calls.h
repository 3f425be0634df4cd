// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls about interrupts and the power of vCPUs. Meanings and errors: hyp/abi/host_call.h.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::call {

Result<> VmSetGic(VmHandle handle, Ipa distributor, Ipa redistributors, std::uint64_t intids);
Result<> VmAllowIrq(VmHandle handle, std::uint64_t first, std::uint32_t mask);
Result<std::uint64_t> VmIrqLine(VmHandle handle, std::uint64_t intid, std::uint64_t level);
Result<> VcpuSetPower(VmHandle handle, VcpuIndex index, std::uint64_t on);
Result<std::uint64_t> VcpuGetPower(VmHandle handle, VcpuIndex index);

}  // namespace ravelin::call
