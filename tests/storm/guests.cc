// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// A protected and a normal VM run their guest (guest_code.S) on two CPUs while the others attack
// them. In rounds: build, run and attack, end.
#include <atomic>

#include "hyp/abi/run_page.h"
#include "tests/storm/deadline.h"
#include "tests/storm/entry.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/random.h"
#include "tests/storm/teardown.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"

extern "C" const std::uint32_t storm_guest_begin[];
extern "C" const std::uint32_t storm_guest_end[];

namespace ravelin::storm {
namespace {

constexpr std::uint64_t kCallsOfRound = 800;
constexpr std::uint64_t kPagesOfVm = 128;
constexpr std::uint64_t kCodeGfn = STORM_GUEST_CODE / kPageSize;
constexpr std::uint64_t kDataGfn = STORM_GUEST_DATA / kPageSize;
constexpr std::uint64_t kHoleGfn = STORM_GUEST_HOLE / kPageSize;
constexpr std::uint64_t kAllPermissions =
    RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC;

// VM k, by its kind: the frames that it uses.
struct Place {
  std::uint64_t first;
  std::uint64_t run, code, data, hole;
  std::uint64_t spare;  // of which there are `kSpares`
};
constexpr std::uint64_t kSpares = 8;

constexpr std::uint64_t kExits = 8;
std::array<std::atomic<std::uint64_t>, 2> handles;
std::array<std::array<std::atomic<std::uint64_t>, kExits>, 2> exits;
std::uint64_t rounds = 0;
std::uint64_t rounds_done = 0;
Deadline deadline;
std::uint64_t seed_of_run = 0;
std::atomic<bool> stop{false};
Barrier barrier;
std::uint64_t guest_counts = 0;  // of the normal VM, which can be read

Place PlaceOf(std::uint64_t kind) {
  const std::uint64_t first = SharedPfn() + kind * kPagesOfVm;
  return {first, first + 100, first + 102, first + 103, first + 104, first + 105};
}

bool Give(std::uint64_t kind, std::uint64_t gfn, std::uint64_t pfn) {
  const std::uint64_t handle = handles[kind].load();
  return (kind == RAVELIN_VM_PROTECTED
              ? Call(RAVELIN_HOST_VM_DONATE, handle, gfn, pfn, 1)
              : Call(RAVELIN_HOST_VM_SHARE, handle, gfn, pfn, 1, kAllPermissions))
      .ok();
}

void Build(std::uint64_t kind) {
  const Place place = PlaceOf(kind);
  FillPage(place.code, 0);
  FillPage(place.data, 0);
  auto* code = reinterpret_cast<volatile std::uint32_t*>(place.code * kPageSize);
  for (const std::uint32_t* from = storm_guest_begin; from != storm_guest_end; ++from) {
    *code++ = *from;
  }
  handles[kind].store(
      CreateVm({.kind = kind, .pfn = place.first, .tables = 4, .vcpus = 2, .run_pfn = place.run}));
  const std::uint64_t handle = handles[kind].load();
  Require(Give(kind, kCodeGfn, place.code) && Give(kind, kDataGfn, place.data) &&
              Call(RAVELIN_HOST_VCPU_SET_REG, handle, 0, RAVELIN_REG_PC, STORM_GUEST_CODE).ok() &&
              Call(RAVELIN_HOST_VM_LAUNCH, handle).ok(),
          "a guest cannot be built", kind);
}

// All that the host is told of an exit of a protected VM.
void RequireNoSecret(std::uint64_t kind) {
  if (kind != RAVELIN_VM_PROTECTED) {
    return;
  }
  const auto* words =
      reinterpret_cast<const volatile std::uint64_t*>(PlaceOf(kind).run * kPageSize);
  for (std::size_t i = 0; i < sizeof(ravelin_exit) / 8; ++i) {
    Require(words[i] >> 48 != STORM_SECRET, "an exit tells the secret", i);
  }
}

// Answers like a VMM: memory where some is missing, a value for a device.
// False: the VM does not run any more.
bool RunGuest(std::uint64_t kind) {
  const Answer answer = Call(RAVELIN_HOST_VCPU_RUN, handles[kind].load(), 0);
  if (!answer.ok()) {
    return answer.status == RAVELIN_BUSY;
  }
  const Place place = PlaceOf(kind);
  auto* run = reinterpret_cast<volatile ravelin_run_page*>(place.run * kPageSize);
  Require(answer.value < kExits, "an exit without a meaning", answer.value);
  exits[kind][answer.value % kExits].fetch_add(1, std::memory_order_relaxed);
  RequireNoSecret(kind);
  if (answer.value == RAVELIN_EXIT_MEMORY_FAULT && run->exit.ipa / kPageSize == kHoleGfn) {
    Give(kind, kHoleGfn, place.hole);
  } else if (answer.value == RAVELIN_EXIT_MEMORY_FAULT && kind == RAVELIN_VM_NORMAL) {
    Give(kind, kCodeGfn, place.code);  // an attacker has taken it back
    Give(kind, kDataGfn, place.data);
    Call(RAVELIN_HOST_VCPU_SET_REG, handles[kind].load(), 0, RAVELIN_REG_PC, STORM_GUEST_CODE);
  } else if (answer.value == RAVELIN_EXIT_MMIO) {
    run->reply.values[0] = 0;
    run->reply.kind = RAVELIN_REPLY_VALUE;
  }
  return true;
}

// A page of the protected VM: if it can be read it has come back, and is empty.
void ReadData() {
  const ReadProbe probe = ProbeRead(PlaceOf(RAVELIN_VM_PROTECTED).data * kPageSize);
  Require(probe.syndrome != 0 || probe.value == 0, "the data of a protected VM can be read",
          probe.value);
}

// A VM that is dying does not run: the normal guest, whose counter the host can read, stands still.
// False: it runs.
bool Destroy(std::uint64_t kind) {
  const Answer answer = Call(RAVELIN_HOST_VM_DESTROY, handles[kind].load());
  if (!answer.ok() || kind != RAVELIN_VM_NORMAL) {
    return answer.status != RAVELIN_BUSY;
  }
  const auto* counter =
      reinterpret_cast<const volatile std::uint64_t*>(PlaceOf(kind).data * kPageSize);
  const std::uint64_t before = *counter;
  for (std::uint64_t i = 0; i < 8 * STORM_GUEST_STEPS; ++i) {
    Require(*counter == before, "a guest runs after its VM was destroyed", before);
  }
  return true;
}

// The end of a VM comes late in a round, if at all.
void AttackLife(Random& random, std::uint64_t kind) {
  const std::uint64_t handle = handles[kind].load();
  const Place place = PlaceOf(kind);
  switch (random.Below(8)) {
    case 0:
      if (random.OneIn(20)) {
        Destroy(kind);
      }
      break;
    case 1:
      Call(RAVELIN_HOST_VM_FREE, handle);
      break;
    case 2:
      Call(RAVELIN_HOST_VM_RECLAIM, handle, place.data, 1);
      break;
    case 3:
      Call(RAVELIN_HOST_VM_RECLAIM, handle, place.run + random.Below(12), 1);
      break;
    case 4:
      Call(RAVELIN_HOST_PAGE_UNSHARE, place.run);
      break;
    case 5:
      Call(RAVELIN_HOST_VM_LAUNCH, handle);
      break;
    case 6:
      Call(RAVELIN_HOST_VCPU_CREATE, handle, random.Below(3), place.spare, place.run);
      break;
    default:
      Call(RAVELIN_HOST_VCPU_RUN, handle, random.Below(3));
      break;
  }
}

void AttackState(Random& random, std::uint64_t kind) {
  const std::uint64_t handle = handles[kind].load();
  const Place place = PlaceOf(kind);
  // Where the guest has its code and data nothing else is given: it would stop there.
  const std::array<std::uint64_t, 5> gfns = {kCodeGfn, kDataGfn, kDataGfn + 1, kHoleGfn,
                                             kHoleGfn + 1};
  switch (random.Below(7)) {
    case 0:
      Call(RAVELIN_HOST_VCPU_SET_REG, handle, 0, 1 + random.Below(3), random.Next());
      break;
    case 1:
      Call(RAVELIN_HOST_VCPU_GET_REG, handle, 0, random.Below(RAVELIN_REG_COUNT));
      break;
    case 2:
      Call(RAVELIN_HOST_VM_TOPUP, handle, place.spare + random.Below(kSpares), 1);
      break;
    case 3:
      Give(kind, gfns[2 + random.Below(3)], place.spare + random.Below(kSpares));
      break;
    case 4:
      Call(RAVELIN_HOST_VM_UNSHARE, handle, random.Pick(gfns), 1);
      break;
    case 5: {
      auto* words = reinterpret_cast<volatile std::uint64_t*>(place.run * kPageSize);
      words[random.Below(sizeof(ravelin_run_page) / 8)] = random.Next() >> random.Below(64);
      break;
    }
    default:
      ReadData();
      break;
  }
}

// Two CPUs run the guests until the last one has destroyed the VMs.
void Act(std::size_t cpu, Random& random) {
  const std::size_t cpus = TheMachine().cpus;
  const bool runs = cpus >= 4 && cpu < 2;
  for (std::uint64_t i = 0; i < kCallsOfRound / cpus && !HasFailed(); ++i) {
    const std::uint64_t kind = runs ? cpu : random.Below(2);
    if (runs || (cpus < 4 && random.OneIn(2))) {
      RunGuest(kind);
    } else if (random.OneIn(3)) {
      AttackLife(random, kind);
    } else {
      AttackState(random, kind);
    }
  }
  while (runs && !HasFailed() && RunGuest(cpu)) {
  }
  for (std::uint64_t kind = 0; kind < 2 && cpu == cpus - 1; ++kind) {
    while (!HasFailed() && !Destroy(kind)) {
    }
  }
}

void End(std::uint64_t kind) {
  const Place place = PlaceOf(kind);
  EndVm(handles[kind].load(), place.first, kPagesOfVm);
  RequireOwned(place.first, kPagesOfVm);
  if (kind == RAVELIN_VM_PROTECTED) {
    Require(IsZero(place.data) && IsZero(place.code), "a page came back with contents");
  } else {
    guest_counts +=
        *reinterpret_cast<volatile std::uint64_t*>(place.data * kPageSize) & 0xffff'ffff;
  }
}

void RunOne(std::size_t cpu) {
  const std::size_t cpus = TheMachine().cpus;
  Random random(seed_of_run * 131 + cpu);
  for (;;) {
    if (cpu == 0) {
      stop.store(rounds_done == rounds || HasFailed() || deadline.IsOver());
      for (std::uint64_t kind = 0; kind < 2 && !stop.load(); ++kind) {
        Build(kind);
      }
    }
    barrier.Wait(cpus);
    if (stop.load()) {
      return;
    }
    Act(cpu, random);
    barrier.Wait(cpus);
    if (cpu == 0) {
      End(RAVELIN_VM_NORMAL);
      End(RAVELIN_VM_PROTECTED);
      ++rounds_done;
    }
  }
}

}  // namespace

void RunGuests(std::uint64_t calls, std::uint64_t seed) {
  const Counters before = ReadCounters();
  rounds = calls / kCallsOfRound + 1;
  seed_of_run = seed;
  deadline.Start();
  Require(RunOnAllCpus(&RunOne), "a CPU cannot be started");
  Print("storm: ", rounds_done, " rounds; the normal guest counted to ", guest_counts, "; exits");
  for (std::size_t reason = 0; reason < kExits; ++reason) {
    Print(" ", std::uint64_t{reason}, ":", exits[RAVELIN_VM_NORMAL][reason].load(), "+",
          exits[RAVELIN_VM_PROTECTED][reason].load());
  }
  Print("\n");
  Require(exits[RAVELIN_VM_NORMAL][RAVELIN_EXIT_WFX].load() != 0 &&
              exits[RAVELIN_VM_PROTECTED][RAVELIN_EXIT_WFX].load() != 0,
          "the guests did not run");
  RequireCounters(before);
}

}  // namespace ravelin::storm
