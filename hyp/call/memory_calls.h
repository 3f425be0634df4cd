// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Host calls about the monitor and about pages. Meanings and errors: hyp/abi/host_call.h.
#pragma once

#include <cstdint>

#include "hyp/base/result.h"
#include "hyp/base/types.h"

namespace ravelin::call {

// Of the pages that a call has named, the first ones are done.
struct Part {
  PageCount done;
  PageCount asked;
  std::uint64_t found = 0;  // what the call counts among them
};

Result<std::uint64_t> Info(std::uint64_t item, std::uint64_t argument);
Result<> PageShare(Pfn pfn);
Result<> PageUnshare(Pfn pfn);
Result<std::uint64_t> PageQuery(Pfn pfn);
Result<Part> VmTopup(VmHandle handle, Pfn pfn, PageCount count);
Result<Part> VmDonate(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count);
Result<Part> VmShare(VmHandle handle, Gfn gfn, Pfn pfn, PageCount count, std::uint64_t permissions);
Result<Part> VmUnshare(VmHandle handle, Gfn gfn, PageCount count);
Result<Part> VmReclaim(VmHandle handle, Pfn pfn, PageCount count);
Result<Part> VmSetPermissions(VmHandle handle, Gfn gfn, PageCount count, std::uint64_t permissions);
Result<Part> VmAge(VmHandle handle, Gfn gfn, PageCount count);
Result<Part> VmForceReclaim(VmHandle handle, Gfn gfn, PageCount count);

}  // namespace ravelin::call
