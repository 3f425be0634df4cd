// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// AddressSpace: what VMs and device domains have in common: a stage-2 table, the pool that feeds
// the table, the metadata list and the count of pages. Every access, also through Ownership, needs
// the lock of the object that it is part of. Not movable, because the table refers to the pool.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"
#include "stage2/ownership/metadata_list.h"
#include "stage2/pool/page_pool.h"
#include "stage2/table/page_table.h"

namespace ravelin::stage2 {

class AddressSpace {
 public:
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  // The name that page records have for it.
  [[nodiscard]] Vmid vmid() const { return table_.vmid(); }
  [[nodiscard]] PageTable& table() { return table_; }
  [[nodiscard]] const PageTable& table() const { return table_; }
  [[nodiscard]] PagePool& pool() { return pool_; }
  [[nodiscard]] MetadataList& metadata() { return metadata_; }

  // Pages that are mapped here, owned or borrowed. While there are any it cannot be freed.
  [[nodiscard]] PageCount mapped_pages() const { return mapped_pages_; }

 protected:
  // `root`: geometry.root_pages() zeroed pages (machine::ZeroTablePage), aligned to their size.
  // `metadata`: the list that the pages of the object and of the root are on.
  AddressSpace(Walker walker, Pa root, Geometry geometry, MetadataList metadata)
      : table_(root, geometry, walker, pool_), metadata_(metadata) {}
  ~AddressSpace() = default;

 private:
  friend class Ownership;

  PagePool pool_;
  PageTable table_;
  MetadataList metadata_;
  PageCount mapped_pages_;
};

}  // namespace ravelin::stage2
