// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/storm/monitor.h"

#include <bit>

#include "tests/storm/failure.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

// Statuses by the names of hyp/abi/host_call.h.
constexpr Statuses kOk = Just(RAVELIN_SUCCESS);
constexpr Statuses kArg = Just(RAVELIN_INVALID_ARGUMENT);
constexpr Statuses kVm = Just(RAVELIN_NO_SUCH_VM) | kArg;
constexpr Statuses kVcpu = Just(RAVELIN_NO_SUCH_VCPU);
constexpr Statuses kPhase = Just(RAVELIN_WRONG_PHASE);
constexpr Statuses kKind = Just(RAVELIN_WRONG_KIND);
constexpr Statuses kRam = Just(RAVELIN_NOT_RAM);
constexpr Statuses kBusy = Just(RAVELIN_BUSY);
constexpr Statuses kLimit = Just(RAVELIN_LIMIT);
constexpr Statuses kExists = Just(RAVELIN_EXISTS);
constexpr Statuses kState = Just(RAVELIN_WRONG_STATE);
constexpr Statuses kNotTaken = kRam | Just(RAVELIN_WRONG_OWNER) | kState;
constexpr Statuses kNoMemory = Just(RAVELIN_NO_MEMORY);
constexpr Statuses kNotMapped = Just(RAVELIN_NOT_MAPPED);
constexpr Statuses kMore = Just(RAVELIN_INCOMPLETE);

struct Row {
  std::size_t arguments;
  Statuses statuses;
};

constexpr auto kRows = std::to_array<Row>({
    /* VERSION */ {0, kOk | kArg},
    /* INFO */ {2, kOk | kArg},
    /* PAGE_SHARE */ {1, kOk | kArg | kNotTaken},
    /* PAGE_UNSHARE */ {1, kOk | kArg | kNotTaken | kBusy},
    /* PAGE_QUERY */ {1, kOk | kArg | kRam},
    /* VM_CREATE */ {4, kOk | kArg | kNotTaken | kLimit},
    /* VM_TOPUP */ {3, kOk | kMore | kVm | kNotTaken | kPhase},
    /* VCPU_CREATE */ {4, kOk | kVm | kNotTaken | kPhase | kExists | kLimit},
    /* VCPU_SET_REG */ {4, kOk | kVm | kVcpu | kPhase | kKind | kBusy},
    /* VCPU_GET_REG */ {3, kOk | kVm | kVcpu | kKind | kBusy},
    /* VM_LAUNCH */ {1, kOk | kVm | kVcpu | kPhase},
    /* VCPU_RUN */ {2, kOk | kVm | kVcpu | kPhase | kBusy},
    /* VM_DONATE */ {4, kOk | kMore | kVm | kKind | kNotTaken | kExists | kNoMemory | kPhase},
    /* VM_SHARE */ {5, kOk | kMore | kVm | kKind | kNotTaken | kExists | kNoMemory | kPhase},
    /* VM_UNSHARE */ {3, kOk | kMore | kVm | kKind | kNotMapped | kNoMemory},
    /* VM_DESTROY */ {1, kOk | kVm | kBusy | kPhase},
    /* VM_RECLAIM */ {3, kOk | kMore | kVm | kKind | kPhase | kRam | Just(RAVELIN_WRONG_OWNER)},
    /* VM_FREE */ {1, kOk | kVm | kPhase | kBusy | kMore},
    /* VM_SET_PERMISSIONS */ {4, kOk | kMore | kVm | kKind | kPhase | kNotMapped | kNoMemory},
    /* VM_AGE */ {3, kOk | kMore | kVm | kKind | kPhase | kNotMapped},
    /* VM_FORCE_RECLAIM */ {3, kOk | kMore | kVm | kKind | kPhase | kNotMapped},
    /* VM_SET_GIC */ {4, kOk | kVm | kVcpu | kPhase | kExists},
    /* VM_ALLOW_IRQ */ {3, kOk | kVm | kPhase},
    /* VM_IRQ_LINE */ {3, kOk | kVm | Just(RAVELIN_WRONG_OWNER)},
    /* VCPU_SET_POWER */ {3, kOk | kVm | kVcpu | kKind | kBusy | kPhase},
    /* VCPU_GET_POWER */ {2, kOk | kVm | kVcpu},
});
static_assert(kRows.size() == RAVELIN_HOST_CALL_COUNT);

struct alignas(256) PerCpu {
  Statistics statistics;
  LastCall last;
};

std::array<PerCpu, PAYLOAD_MAX_CPUS> per_cpu;
Facts facts;

void Count(PerCpu& cpu, std::uint64_t number) {
  const Statuses status = Just(static_cast<std::int64_t>(cpu.last.out[0]));
  ++cpu.statistics.calls;
  ++cpu.statistics.by_status[static_cast<std::size_t>(std::countr_zero(status)) & 15];
  if (number < RAVELIN_HOST_CALL_COUNT && cpu.last.out[0] == RAVELIN_SUCCESS) {
    ++cpu.statistics.successes[number];
  }
}

}  // namespace

std::size_t ArgumentsOf(std::uint64_t number) { return kRows[number].arguments; }

Answer CallRaw(const Words& in) {
  PerCpu& cpu = per_cpu[CpuIndex()];
  cpu.last.in = in;
  const std::uint64_t changed = CallByHvc(cpu.last.in.data(), cpu.last.out.data());
  Count(cpu, in[0] - RAVELIN_HOST_CALL_BASE);
  if (changed != 0) {
    Fail("registers x4 to x30 are not preserved", changed);
  }
  return {static_cast<std::int64_t>(cpu.last.out[0]), cpu.last.out[1]};
}

Answer Call(std::uint64_t number, std::uint64_t a, std::uint64_t b, std::uint64_t c,
            std::uint64_t d, std::uint64_t e, std::uint64_t f) {
  const Answer answer = CallRaw({RAVELIN_HOST_CALL_BASE + number, a, b, c, d, e, f});
  if ((kRows[number].statuses & Just(answer.status)) == 0) {
    Fail("a status that is not documented for the call", number);
  }
  const std::array<std::uint64_t, 4>& out = per_cpu[CpuIndex()].last.out;
  const bool has_two = number == RAVELIN_HOST_VM_AGE && answer.status >= 0;
  if ((out[2] != 0 && !has_two) || out[3] != 0 || (answer.status < 0 && out[1] != 0)) {
    Fail("results where there are none", out[1] | out[2] | out[3]);
  }
  return answer;
}

bool CallOnRange(std::uint64_t number, std::uint64_t handle, std::uint64_t first,
                 std::uint64_t count) {
  for (std::uint64_t done = 0; done < count;) {
    const Answer answer = Call(number, handle, first + done, count - done);
    if (answer.status < 0 || !Require(answer.value != 0, "a part without a page", number)) {
      return false;
    }
    done += answer.value;
  }
  return true;
}

bool DonateRange(std::uint64_t handle, std::uint64_t gfn, std::uint64_t pfn, std::uint64_t count) {
  for (std::uint64_t done = 0; done < count;) {
    const Answer answer =
        Call(RAVELIN_HOST_VM_DONATE, handle, gfn + done, pfn + done, count - done);
    if (answer.status < 0 || !Require(answer.value != 0, "a part without a page", gfn)) {
      return false;
    }
    done += answer.value;
  }
  return true;
}

std::uint64_t Info(std::uint64_t item, std::uint64_t argument) {
  const Answer answer = Call(RAVELIN_HOST_INFO, item, argument);
  Require(answer.ok(), "INFO failed", item);
  return answer.value;
}

void ReadFacts() {
  facts = {.carveout_pfn = Info(RAVELIN_INFO_CARVEOUT_PFN),
           .carveout_pages = Info(RAVELIN_INFO_CARVEOUT_PAGES),
           .vm_pages = Info(RAVELIN_INFO_VM_PAGES),
           .vcpu_pages = Info(RAVELIN_INFO_VCPU_PAGES),
           .max_vcpus = Info(RAVELIN_INFO_MAX_VCPUS),
           .ram_end_pfn = 0};
  const Machine& machine = TheMachine();
  const Region& last = machine.ram[machine.ram_regions - 1];
  facts.ram_end_pfn = (last.base + last.size) / kPageSize;
}

const Facts& TheFacts() { return facts; }

Counters ReadCounters() {
  return {.donated = Info(RAVELIN_INFO_DONATED_PAGES),
          .live = Info(RAVELIN_INFO_LIVE_VMS),
          .free = Info(RAVELIN_INFO_FREE_PAGES)};
}

void RequireCounters(const Counters& expected) {
  const Counters now = ReadCounters();
  Require(now.donated == expected.donated, "DONATED_PAGES is not back at its start", now.donated);
  Require(now.live == expected.live, "LIVE_VMS is not back at its start", now.live);
  Require(now.free == expected.free, "FREE_PAGES is not back at its start", now.free);
}

const LastCall& TheLastCall() { return per_cpu[CpuIndex()].last; }

Statistics TakeStatistics() {
  Statistics sum{};
  for (PerCpu& cpu : per_cpu) {
    sum.calls += cpu.statistics.calls;
    for (std::size_t i = 0; i < sum.by_status.size(); ++i) {
      sum.by_status[i] += cpu.statistics.by_status[i];
    }
    for (std::size_t i = 0; i < sum.successes.size(); ++i) {
      sum.successes[i] += cpu.statistics.successes[i];
    }
    cpu.statistics = {};
  }
  return sum;
}

}  // namespace ravelin::storm
