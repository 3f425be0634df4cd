// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// VmMemory: the memory side of one VM: its stage-2 table, the pool that feeds the table, its
// metadata list and its page count. Embedded in the VM object; every access, also through
// Ownership, needs that VM's lock. Not movable, because the table refers to the pool.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "stage2/ownership/metadata_list.h"
#include "stage2/pool/page_pool.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2 {

class VmMemory {
 public:
  // `root`: geometry.root_pages() zeroed pages (machine::ZeroTablePage), aligned to their size.
  // `metadata`: the list that the pages of the VM object and of the root are on.
  VmMemory(VmHandle handle, Vmid vmid, Pa root, Geometry geometry, MetadataList metadata)
      : handle_(handle), table_(root, geometry, vmid, pool_), metadata_(metadata) {}
  VmMemory(const VmMemory&) = delete;
  VmMemory& operator=(const VmMemory&) = delete;

  [[nodiscard]] VmHandle handle() const { return handle_; }
  [[nodiscard]] PageTable& table() { return table_; }
  [[nodiscard]] const PageTable& table() const { return table_; }
  [[nodiscard]] PagePool& pool() { return pool_; }
  [[nodiscard]] MetadataList& metadata() { return metadata_; }

  // Pages that the VM owns or borrows. While there are any it cannot be freed.
  [[nodiscard]] PageCount guest_pages() const { return guest_pages_; }

 private:
  friend class Ownership;

  VmHandle handle_;
  PagePool pool_;
  PageTable table_;
  MetadataList metadata_;
  PageCount guest_pages_;
};

}  // namespace ravelin::stage2
