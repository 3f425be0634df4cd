// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What an entry of the host's stage-2 table says for each kind of page. The host's table is the
// identity. Private to stage2/ownership; pure values.
#pragma once

#include "hyp/base/types.h"
#include "stage2/format/descriptor.h"
#include "stage2/ownership/record_map.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2::host {

constexpr Gfn SameGfn(Pfn pfn) { return Gfn{pfn.raw()}; }

constexpr Mapping Identity(PfnRange range, Attributes attributes, unsigned largest) {
  return {SameGfn(range.first), range.first, range.count, attributes, largest};
}

// What is not RAM. Not executable: code comes from memory that has a record.
constexpr Mapping MmioMapping(PfnRange block) {
  return Identity(block, {Permissions::kReadWrite, MemoryType::kNormalNonCacheable}, kBlock1GLevel);
}

// The host's own pages. Of RAM, stage 2 takes nothing away from its stage 1.
constexpr Mapping OwnMapping(PfnRange range, PageKind kind) {
  if (kind == PageKind::kMmio) {
    return MmioMapping(range);
  }
  return Identity(range, {Permissions::kAll, MemoryType::kNormal}, kBlock1GLevel);
}

// A VM's page that the host borrows. The host does not execute what a VM can change.
constexpr Mapping BorrowedMapping(PfnRange page) {
  return Identity(page, {Permissions::kReadWrite, MemoryType::kNormal}, kPageLevel);
}

}  // namespace ravelin::stage2::host
