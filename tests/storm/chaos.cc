// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// All CPUs call at once, on the same pages and the same VMs, often with the same page for several
// arguments. Nothing is predicted: no call may hang or give a status that it does not have, what
// can be read is the host's own, and at the end all can be taken back.
#include <atomic>

#include "hyp/abi/run_page.h"
#include "tests/storm/deadline.h"
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/random.h"
#include "tests/storm/teardown.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

constexpr std::uint64_t kPool = 96;  // shared pages
constexpr std::uint64_t kMaxCount = 8;
constexpr std::uint64_t kTouched = kPool + kMaxCount;  // a range may reach behind the pool
constexpr std::uint64_t kOwnPool = 32;                 // of each CPU besides
constexpr std::uint64_t kMarkOffset = 2048;
constexpr std::size_t kSlots = 12;

// Handles of living VMs, and of some that are gone. A VM that finds no slot is ended at once.
std::array<std::atomic<std::uint64_t>, kSlots> living;
std::array<std::atomic<std::uint64_t>, kSlots> gone;
std::uint64_t calls_of_cpu = 0;
std::uint64_t seed_of_run = 0;
Deadline deadline;

class Chaos {
 public:
  Chaos(std::size_t cpu, std::uint64_t seed) : cpu_(cpu), random_(seed) {}

  void Step();
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

 private:
  std::uint64_t PickPfn();
  std::uint64_t PickHandle();
  std::uint64_t PickGfn();
  std::uint64_t PickCount() { return random_.OneIn(4) ? 1 + random_.Below(kMaxCount) : 1; }
  Answer Do(std::uint64_t number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
            std::uint64_t d = 0, std::uint64_t e = 0);

  void Create();
  void Vcpu();
  void Registers();
  void Map();
  void Free(std::uint64_t handle);
  void Recycle();
  void Touch();

  std::size_t cpu_;
  Random random_;
  std::uint64_t calls_ = 0;
};

std::uint64_t PatternOf(std::uint64_t pfn) { return 0x5700 + pfn % 256; }

Answer Chaos::Do(std::uint64_t number, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                 std::uint64_t d, std::uint64_t e) {
  ++calls_;
  return Call(number, a, b, c, d, e);
}

std::uint64_t Chaos::PickPfn() {
  if (random_.OneIn(128)) {
    return TheFacts().carveout_pfn + random_.Below(TheFacts().carveout_pages);
  }
  return random_.OneIn(4) ? PfnOfCpu(cpu_) + random_.Below(kOwnPool)
                          : SharedPfn() + random_.Below(kPool);
}

std::uint64_t Chaos::PickHandle() {
  if (random_.OneIn(32)) {
    return gone[random_.Below(kSlots)].load();
  }
  for (std::size_t i = 0, at = random_.Below(kSlots); i < kSlots; ++i, at = (at + 1) % kSlots) {
    if (const std::uint64_t handle = living[at].load(); handle != 0) {
      return handle;
    }
  }
  return 0x101;
}

// Never near 0, where guests have their vectors.
std::uint64_t Chaos::PickGfn() {
  const std::uint64_t gfn = 0x80000 + random_.Below(32);
  return random_.OneIn(8) ? gfn + 512 * random_.Below(4) : gfn;
}

void Chaos::Create() {
  const std::uint64_t object = PickPfn();
  const std::uint64_t root = random_.OneIn(8) ? object : PickPfn();
  const Answer answer = Do(RAVELIN_HOST_VM_CREATE, random_.Below(2), kIpaBits, object, root);
  if (!answer.ok()) {
    return;
  }
  for (std::size_t i = 0, at = random_.Below(kSlots); i < kSlots; ++i, at = (at + 1) % kSlots) {
    std::uint64_t empty = 0;
    if (living[at].compare_exchange_strong(empty, answer.value)) {
      Do(RAVELIN_HOST_VM_TOPUP, answer.value, PickPfn(), 1);
      Do(RAVELIN_HOST_VM_TOPUP, answer.value, PickPfn(), 2);
      return;
    }
  }
  EndVm(answer.value, 0, 0);
}

void Chaos::Vcpu() {
  const std::uint64_t handle = PickHandle();
  const std::uint64_t run = PickPfn();
  const std::uint64_t object = random_.OneIn(8) ? run : PickPfn();
  switch (random_.Below(6)) {
    case 0:
      Do(RAVELIN_HOST_PAGE_SHARE, run);
      break;
    case 1:
      Do(RAVELIN_HOST_PAGE_UNSHARE, run);
      break;
    case 2:
      Do(RAVELIN_HOST_VM_LAUNCH, handle);
      break;
    case 3:
      Do(RAVELIN_HOST_VCPU_RUN, handle, random_.Below(2));
      break;
    default:
      Do(RAVELIN_HOST_PAGE_SHARE, run);
      Do(RAVELIN_HOST_VCPU_CREATE, handle, random_.Below(2), object, run);
      break;
  }
}

void Chaos::Registers() {
  const std::uint64_t handle = PickHandle();
  const std::uint64_t index = random_.Below(3);
  const std::uint64_t reg = random_.Below(RAVELIN_REG_COUNT + 1);
  if (random_.OneIn(2)) {
    Do(RAVELIN_HOST_VCPU_GET_REG, handle, index, reg);
    return;
  }
  // Every address with memory holds undefined instructions.
  const std::uint64_t value =
      reg == RAVELIN_REG_PC ? PickGfn() * kPageSize : random_.Next() >> random_.Below(64);
  Do(RAVELIN_HOST_VCPU_SET_REG, handle, index, reg, value);
}

void Chaos::Map() {
  const std::uint64_t handle = PickHandle();
  const std::uint64_t pfn = PickPfn();
  switch (random_.Below(7)) {
    case 0:
      Do(RAVELIN_HOST_VM_TOPUP, handle, pfn, PickCount());
      break;
    case 1:
      Do(RAVELIN_HOST_VM_DONATE, handle, PickGfn(), pfn, PickCount());
      break;
    case 2:
      Do(RAVELIN_HOST_VM_SHARE, handle, PickGfn(), pfn, PickCount(), random_.Below(8));
      break;
    case 3:
      Do(RAVELIN_HOST_VM_SET_PERMISSIONS, handle, PickGfn(), PickCount(), random_.Below(8));
      break;
    case 4:
      Do(RAVELIN_HOST_VM_AGE, handle, PickGfn(), PickCount());
      break;
    case 5:
      Do(RAVELIN_HOST_VM_FORCE_RECLAIM, handle, PickGfn(), PickCount());
      break;
    default:
      Do(RAVELIN_HOST_VM_UNSHARE, handle, PickGfn(), PickCount());
      break;
  }
}

void Chaos::Free(std::uint64_t handle) {
  for (int i = 0; i < 4; ++i) {
    const Answer answer = Do(RAVELIN_HOST_VM_FREE, handle);
    if (answer.ok()) {
      for (std::atomic<std::uint64_t>& slot : living) {
        std::uint64_t expected = handle;
        slot.compare_exchange_strong(expected, 0);
      }
      gone[random_.Below(kSlots)].store(handle);
      return;
    }
    if (answer.status != RAVELIN_INCOMPLETE) {
      return;
    }
  }
}

// The end of a VM, while others may try the same.
void Chaos::Recycle() {
  const std::uint64_t handle = PickHandle();
  Do(RAVELIN_HOST_VM_DESTROY, handle);
  if (random_.OneIn(3)) {
    Do(RAVELIN_HOST_VM_RECLAIM, handle, PickPfn(), PickCount());
    return;
  }
  TakeBackLent(handle);
  for (std::uint64_t i = 0; i < kTouched; i += 4) {
    const std::uint64_t pfn = SharedPfn() + i;
    if (!Do(RAVELIN_HOST_VM_RECLAIM, handle, pfn, 4).ok()) {
      for (std::uint64_t page = 0; page < 4; ++page) {
        Do(RAVELIN_HOST_VM_RECLAIM, handle, pfn + page, 1);
      }
    }
  }
  for (std::uint64_t cpu = 0; cpu < TheMachine().cpus; ++cpu) {
    for (std::uint64_t i = 0; i < kOwnPool; ++i) {
      Do(RAVELIN_HOST_VM_RECLAIM, handle, PfnOfCpu(cpu) + i, 1);
    }
  }
  Free(handle);
}

// What can be read was written by a CPU of the host, or is empty.
void Chaos::Touch() {
  const std::uint64_t pfn = PickPfn();
  const std::uint64_t address = pfn * kPageSize + kMarkOffset;
  const ReadProbe probe = ProbeRead(address);
  if (probe.syndrome != 0) {
    Require(IsRefusal(probe.syndrome), "a fault that the host does not expect", probe.syndrome);
    return;
  }
  Require(probe.value == 0 || probe.value == PatternOf(pfn), "foreign data can be read",
          probe.value);
  const std::uint64_t fault = ProbeWrite(address, PatternOf(pfn));
  Require(fault == 0 || IsRefusal(fault), "a fault that the host does not expect", fault);
}

void Chaos::Step() {
  switch (random_.Below(32)) {
    case 0:
    case 1:
    case 2:
      Create();
      break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      Vcpu();
      break;
    case 9:
    case 10:
    case 11:
      Registers();
      break;
    case 12:
      if (random_.OneIn(8)) {
        Recycle();
      }
      break;
    case 13:
      Free(PickHandle());
      break;
    case 14:
      Do(RAVELIN_HOST_PAGE_QUERY, PickPfn());
      break;
    case 15:
      Do(RAVELIN_HOST_PAGE_UNSHARE, PickPfn());
      break;
    case 16:
      Do(RAVELIN_HOST_INFO, random_.Below(RAVELIN_INFO_DONATED_PAGES + 1));
      break;
    case 17:
    case 18:
    case 19:
      Touch();
      break;
    default:
      Map();
      break;
  }
}

void RunOne(std::size_t cpu) {
  Chaos chaos(cpu, seed_of_run * 77 + cpu);
  while (chaos.calls() < calls_of_cpu && !HasFailed() && !deadline.IsOver()) {
    chaos.Step();
  }
}

void EndAll() {
  for (std::atomic<std::uint64_t>& slot : living) {
    if (const std::uint64_t handle = slot.exchange(0); handle != 0) {
      Call(RAVELIN_HOST_VM_DESTROY, handle);
      for (std::uint64_t pfn = PfnOfCpu(0); pfn < PfnOfCpu(TheMachine().cpus); ++pfn) {
        Call(RAVELIN_HOST_VM_RECLAIM, handle, pfn, 1);
      }
      EndVm(handle, SharedPfn(), kTouched);
    }
  }
}

}  // namespace

void RunChaos(Cpus which, std::uint64_t calls, std::uint64_t seed) {
  const Counters before = ReadCounters();
  const std::uint64_t cpus = TheMachine().cpus;
  seed_of_run = seed;
  for (std::uint64_t i = 0; i < kTouched; ++i) {
    FillPage(SharedPfn() + i, PatternOf(SharedPfn() + i));
  }
  for (std::uint64_t i = 0; i < cpus * kPagesOfCpu; ++i) {
    FillPage(PfnOfCpu(0) + i, PatternOf(PfnOfCpu(0) + i));
  }
  if (which == Cpus::kOne) {
    calls_of_cpu = calls;
    deadline.Never();
    RunOne(0);
  } else {
    calls_of_cpu = calls / cpus;
    deadline.Start();
    Require(RunOnCpus(which == Cpus::kTwo ? 2 : PAYLOAD_MAX_CPUS, &RunOne),
            "a CPU cannot be started");
  }
  if (HasFailed()) {
    return;
  }
  EndAll();
  RequireOwned(PfnOfCpu(0), cpus * kPagesOfCpu);
  RequireOwned(SharedPfn(), kSharedPages);
  RequireCounters(before);
}

}  // namespace ravelin::storm
