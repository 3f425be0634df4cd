// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/pool/page_pool.h"

#include "stage2/machine.h"

namespace ravelin::stage2 {

Result<Pa> PagePool::Take() {
  if (free_count_ == 0) {
    return Failure{Error::kNoMemory};
  }
  const Pa page = head_;
  head_ = Pa{machine::LoadEntry(page)};
  --free_count_;
  machine::ZeroTablePage(page);
  return page;
}

void PagePool::Give(Pa page) {
  // The link is a page address: as a descriptor it would be an invalid one.
  machine::StoreEntry(page, head_.raw());
  head_ = page;
  ++free_count_;
}

}  // namespace ravelin::stage2
