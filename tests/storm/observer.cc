// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One CPU donates a page and takes it back; the others read it, and a page beside it that stays the
// host's, as fast as they can. They stay in the host's world, where a translation that was not
// invalidated would go on to work.
#include <array>
#include <atomic>

#include "tests/storm/deadline.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/teardown.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

constexpr std::uint64_t kHostWord = 0x5eed'0001;
constexpr std::uint64_t kNeighbourWord = 0x5eed'0002;
constexpr std::uint64_t kPatienceSeconds = 1;

std::uint64_t rounds = 0;
std::uint64_t donations = 0;
Deadline deadline;
// Odd while the page is away: from the return of the donation to the call that takes it back.
std::atomic<std::uint64_t> sequence{0};
std::atomic<bool> done{false};
std::array<std::atomic<std::uint64_t>, PAYLOAD_MAX_CPUS> reads;
std::atomic<std::uint64_t> refused{0};
std::atomic<std::uint64_t> refused_while_gone{0};

std::uint64_t WatchedPfn() { return SharedPfn() + 64; }
std::uint64_t NeighbourPfn() { return WatchedPfn() + 1; }

void Read(std::size_t cpu) {
  const std::uint64_t before = sequence.load();
  const ReadProbe probe = ProbeRead(WatchedPfn() * kPageSize);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const bool gone = before % 2 == 1 && sequence.load() == before;
  if (probe.syndrome == 0) {
    Require(!gone, "a page can be read that was given away", before);
    Require(probe.value == 0 || probe.value == kHostWord, "foreign data can be read", probe.value);
  } else {
    Require(IsRefusal(probe.syndrome), "a fault that the host does not expect", probe.syndrome);
    refused.fetch_add(1, std::memory_order_relaxed);
    refused_while_gone.fetch_add(gone ? 1 : 0, std::memory_order_relaxed);
  }
  const ReadProbe neighbour = ProbeRead(NeighbourPfn() * kPageSize);
  Require(neighbour.syndrome == 0 && neighbour.value == kNeighbourWord,
          "a page beside one that is given away is disturbed", neighbour.syndrome);
  reads[cpu].fetch_add(1);
}

// Until each other CPU has made a whole read since: with the page here, its TLB holds a
// translation; with the page away, it has shown what it can read. Gives up where a CPU does not
// run.
void WaitForReaders() {
  const std::uint64_t end = Ticks() + kPatienceSeconds * TicksPerSecond();
  for (std::size_t cpu = 1; cpu < TheMachine().cpus; ++cpu) {
    const std::uint64_t before = reads[cpu].load();
    while (reads[cpu].load() - before < 2 && Ticks() < end) {
      asm volatile("yield");
    }
  }
}

std::uint64_t AllReads() {
  std::uint64_t sum = 0;
  for (const std::atomic<std::uint64_t>& count : reads) {
    sum += count.load();
  }
  return sum;
}

void Give() {
  const VmPlan plan{.kind = RAVELIN_VM_PROTECTED,
                    .pfn = SharedPfn() + 128,
                    .tables = 3,
                    .vcpus = 0,
                    .run_pfn = 0};
  const std::uint64_t vm = CreateVm(plan);
  WaitForReaders();
  Require(Call(RAVELIN_HOST_VM_DONATE, vm, 0x80000, WatchedPfn(), 1).ok(), "VM_DONATE failed");
  sequence.fetch_add(1);
  WaitForReaders();
  Require(Call(RAVELIN_HOST_VM_DESTROY, vm).ok(), "VM_DESTROY failed");
  sequence.fetch_add(1);
  Require(Call(RAVELIN_HOST_VM_RECLAIM, vm, WatchedPfn(), 1).ok(), "VM_RECLAIM failed");
  Require(IsZero(WatchedPfn()), "a page came back with contents");
  FillPage(WatchedPfn(), kHostWord);
  EndVm(vm, 0, 0);
}

void RunOne(std::size_t cpu) {
  if (cpu == 0) {
    while (donations < rounds && !HasFailed() && !deadline.IsOver()) {
      Give();
      ++donations;
    }
    done.store(true);
  }
  while (!done.load() && !HasFailed()) {
    Read(cpu);
  }
}

}  // namespace

void ObservePage(std::uint64_t calls) {
  constexpr std::uint64_t kCallsOfRound = 7;
  const Counters before = ReadCounters();
  rounds = calls / kCallsOfRound + 1;
  done.store(false);
  deadline.Start();
  FillPage(WatchedPfn(), kHostWord);
  FillPage(NeighbourPfn(), kNeighbourWord);
  Require(RunOnAllCpus(&RunOne), "a CPU cannot be started");
  Print("storm: ", donations, " donations, ", AllReads(), " reads, ", refused.load(),
        " refused, of which ", refused_while_gone.load(), " surely after the donation\n");
  Require(TheMachine().cpus == 1 || refused_while_gone.load() != 0, "nobody saw the page away");
  RequireOwned(SharedPfn(), kSharedPages);
  RequireCounters(before);
}

}  // namespace ravelin::storm
