// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/trace.h"

#include <sstream>

namespace ravelin::observer {

std::string Trace::Printed() const {
  std::ostringstream text;
  checker_.report().Print(text);
  return text.str();
}

void Trace::BuildTables() {
  // EL2's own: one path down to the monitor's pages.
  memory_.Set(kEl2Root, (kEl2Root + kPageSize).raw() | kTableBits);
  memory_.Set(kEl2Root + kPageSize, (kEl2Root + 2 * kPageSize).raw() | kTableBits);
  memory_.Set(kEl2Root + 2 * kPageSize, kEl2Pages.raw() | kTableBits);
  for (std::uint64_t i = 0; i < kMonitorPages; ++i) {
    memory_.Set(kEl2Pages + i * kEntryBytes, (kMonitor + i * kPageSize).raw() | kPageRw);
  }
  // The host's: a block, and a table of pages. IPA = PA.
  memory_.Set(kHostRoot + 1 * kEntryBytes, kHostBlocks.raw() | kTableBits);
  memory_.Set(BlockEntry(kHostBlock), kHostBlock.raw() | kBlockRw);
  memory_.Set(BlockEntry(kHostPage), kHostPages.raw() | kTableBits);
  // The VM's: guest frames from 0.
  memory_.Set(kVmRoot, (kVmRoot + kPageSize).raw() | kTableBits);
  memory_.Set(kVmRoot + kPageSize, kVmPages.raw() | kTableBits);
  for (std::uint64_t i = 0; i < 16; ++i) {
    memory_.Set(HostEntry(i), (kHostPage + i * kPageSize).raw() | kPageRw);
    memory_.Set(VmEntry(i), (kVmPage + i * kPageSize).raw() | kPageRw);
  }
}

}  // namespace ravelin::observer
