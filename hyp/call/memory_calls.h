// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls about the monitor and about pages. Meanings and errors: hyp/abi/host_call.h.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::call {

Result<std::uint64_t> Info(std::uint64_t item, std::uint64_t argument);
Result<> PageShare(Pfn pfn);
Result<> PageUnshare(Pfn pfn);
Result<std::uint64_t> PageQuery(Pfn pfn);
Result<> VmTopup(VmHandle handle, Pfn pfn, PageCount count);
Result<> VmDonate(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count);
Result<> VmShare(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count, std::uint64_t permissions);
Result<> VmUnshare(VmHandle handle, Gfn gfn, PageCount count);
Result<> VmReclaim(VmHandle handle, Pfn pfn, PageCount count);

}  // namespace ravelin::call
