// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a guest's calls, traps and exits cost, in a protected and in a normal VM.
#include "hyp/abi/guest_call.h"
#include "hyp/abi/run_page.h"
#include "tests/bench/guest.h"
#include "tests/bench/rows.h"

namespace ravelin::bench {
namespace {

constexpr std::uint64_t kRead = BENCH_GUEST_READ;

// Without what the guest itself executes.
Cost WithoutGuest(Cost cost, std::uint64_t guest_instructions) {
  cost.instructions -= guest_instructions;
  cost.longest -= guest_instructions;
  return cost;
}

Cost CallMonitor(Guest& guest, std::uint64_t function, std::uint64_t gfn = 0) {
  const Cost cost = guest.Do(Command(BENCH_GUEST_CALL, function, gfn));
  if (static_cast<std::int64_t>(guest.answer()) < 0) {
    Stop("a call of the guest failed", function, static_cast<std::int64_t>(guest.answer()));
  }
  return cost;
}

// What is left of several runs of the guest without NOTHING.
Cost BeyondNothing(const Guest& guest, Cost total) {
  total.instructions -= guest.nothing().instructions;
  total.visits -= guest.nothing().visits;
  return total;
}

// A page that is missing: the exit, what the host does about it, the entry.
Cost FirstTouch(Guest& guest) {
  Cost total = guest.Start(Command(kRead, 0, guest.next_gfn()), RAVELIN_EXIT_MEMORY_FAULT);
  total.Add(guest.GivePage());
  total.Add(guest.Continue(RAVELIN_EXIT_MMIO));
  guest.Finish();
  return BeyondNothing(guest, total);
}

// The host hears of it.
Cost Relinquish(Guest& guest, std::uint64_t gfn) {
  Cost total = guest.Start(Command(BENCH_GUEST_CALL, RAVELIN_GUEST_MEM_RELINQUISH, gfn),
                           RAVELIN_EXIT_RELINQUISHED);
  total.Add(guest.Continue(RAVELIN_EXIT_MMIO));
  if (guest.Finish() != RAVELIN_SMCCC_SUCCESS) {
    Stop("MEM_RELINQUISH failed");
  }
  guest.ForgetPage();
  return BeyondNothing(guest, total);
}

void BenchExits(Guest& guest, std::string_view kind) {
  Report("guest_version", kind, CallMonitor(guest, RAVELIN_SMCCC_VERSION));
  Report("guest_psci_version", kind, CallMonitor(guest, RAVELIN_PSCI_VERSION));
  Report("guest_read_ctr", kind, guest.Do(Command(BENCH_GUEST_READ_CTR)));
  Report("guest_read_id", kind, guest.Do(Command(BENCH_GUEST_READ_ID)));
  Report("guest_mmio", kind, WithoutGuest(guest.nothing(), BENCH_GUEST_STEPS));
  guest.Start(Command(BENCH_GUEST_WAIT_TWICE), RAVELIN_EXIT_WFX);
  Report("guest_round_trip", kind, WithoutGuest(guest.Continue(RAVELIN_EXIT_WFX), 1));
  guest.Continue(RAVELIN_EXIT_MMIO);
  guest.Finish();
}

}  // namespace

void BenchGuests() {
  Guest guest(RAVELIN_VM_PROTECTED);
  BenchExits(guest, "protected");
  Report("guest_first_touch", "protected", FirstTouch(guest));
  const std::uint64_t gfn = guest.next_gfn() - 1;
  Report("guest_mem_share", "1", CallMonitor(guest, RAVELIN_GUEST_MEM_SHARE, gfn));
  Report("guest_mem_unshare", "1", CallMonitor(guest, RAVELIN_GUEST_MEM_UNSHARE, gfn));
  Report("guest_mem_relinquish", "1", Relinquish(guest, gfn));
  guest.End();

  Guest normal(RAVELIN_VM_NORMAL);
  BenchExits(normal, "normal");
  normal.End();
}

}  // namespace ravelin::bench
