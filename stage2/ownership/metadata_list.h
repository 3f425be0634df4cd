// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The pages that the host has donated for the metadata of one VM or device domain (its object,
// vCPUs, tables), chained through their page records: donated first, returned last. A plain value,
// so that it can be moved out of the VM object before the pages of that object go back. Only
// Ownership changes it; the lock is that of whoever holds it.
#pragma once

#include <cstdint>

#include "hyp/base/types.h"

namespace ravelin::stage2 {

class MetadataList {
 public:
  constexpr MetadataList() = default;

  [[nodiscard]] constexpr PageCount count() const { return count_; }
  // Meaningless while the list is empty.
  [[nodiscard]] constexpr Vmid holder() const { return holder_; }

 private:
  friend class Ownership;

  Pfn head_;     // meaningless while count_ is 0
  Vmid holder_;  // likewise
  PageCount count_;
};

}  // namespace ravelin::stage2
