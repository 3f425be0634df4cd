// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "stage2/pool/page_pool.h"

#include "hyp/base/invariant.h"
#include "stage2/machine.h"

namespace ravelin::stage2 {

Result<Pa> PagePool::Take() {
  RAVELIN_TRY_ASSIGN(page, TakeUnwritten());
  machine::ZeroTablePage(page);
  return page;
}

Result<Pa> PagePool::TakeUnwritten() {
  if (!Has(PageCount{1})) {
    return Failure{Error::kNoMemory};
  }
  return Pop();
}

Pa PagePool::TakeReserved() {
  Release(1);
  return Pop();
}

Pa PagePool::Pop() {
  const Pa page = head_;
  head_ = Pa{machine::LoadEntry(page)};
  --pages_;
  return page;
}

void PagePool::Give(Pa page) {
  // The link is a page address: as a descriptor it would be an invalid one.
  machine::StoreEntry(page, head_.raw());
  head_ = page;
  ++pages_;
}

void PagePool::GiveReserved(Pa page) {
  Give(page);
  ++reserved_;
}

void PagePool::Release(std::uint64_t pages) {
  Invariant(pages <= reserved_, "only what was reserved is taken or released");
  reserved_ -= pages;
}

}  // namespace ravelin::stage2
