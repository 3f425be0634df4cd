// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls about the life cycle of VMs and vCPUs. Meanings and errors: hyp/abi/host_call.h.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "hyp/vm/vm_table.h"

namespace ravelin::call {

// kNoSuchVcpu. The VM's lock is held.
Result<Vcpu*> FindVcpu(VmState& vm, VcpuIndex index);

Result<std::uint64_t> VmCreate(std::uint64_t kind, std::uint64_t ipa_bits, Pfn vm_pfn,
                               Pfn root_pfn);
Result<> VcpuCreate(VmHandle handle, VcpuIndex index, Pfn vcpu_pfn, Pfn run_pfn);
Result<> VcpuSetReg(VmHandle handle, VcpuIndex index, std::uint64_t reg, std::uint64_t value);
Result<std::uint64_t> VcpuGetReg(VmHandle handle, VcpuIndex index, std::uint64_t reg);
Result<> VmLaunch(VmHandle handle);
Result<std::uint64_t> VcpuRun(VmHandle handle, VcpuIndex index);
Result<> VmDestroy(VmHandle handle);
Result<Progress> VmFree(VmHandle handle);

}  // namespace ravelin::call
