// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/guest.h"

#include "hyp/abi/run_page.h"

extern "C" const std::uint32_t bench_guest_begin[];
extern "C" const std::uint32_t bench_guest_end[];

namespace ravelin::bench {
namespace {

// An exit of the guest and its next entry.
constexpr std::uint64_t kVisitsOfRun = 2;
// Of NOTHING, until the monitor has seen all that it does only once.
constexpr int kWarmUp = 3;

std::uint64_t PagePfn(std::uint64_t index) { return BlockPfn(1) + index; }

void CopyCode(std::uint64_t pfn) {
  auto* to = reinterpret_cast<volatile std::uint32_t*>(pfn * kPageSize);
  for (const std::uint32_t* from = bench_guest_begin; from != bench_guest_end; ++from) {
    *to++ = *from;
  }
}

}  // namespace

Guest::Guest(std::uint64_t kind) : kind_(kind), vm_(CreateVm(kind)) {
  CopyCode(PagePfn(0));
  GivePage();
  Call(RAVELIN_HOST_VCPU_SET_REG, vm_.handle, 0, RAVELIN_REG_PC, BENCH_GUEST_CODE);
  Call(RAVELIN_HOST_VM_LAUNCH, vm_.handle);
  Run(RAVELIN_EXIT_MMIO);
  for (int i = 0; i < kWarmUp; ++i) {
    nothing_ = Start(Command(BENCH_GUEST_NOTHING), RAVELIN_EXIT_MMIO);
    Finish();
  }
}

void Guest::End() {
  DestroyVm(vm_);
  if (kind_ == RAVELIN_VM_PROTECTED) {
    Reclaim(vm_, PagePfn(0), pages_);
  } else {
    Unshare(vm_, kFirstGfn, pages_);
  }
  FreeVm(vm_);
}

Cost Guest::GivePage() {
  const std::uint64_t gfn = next_gfn();
  const std::uint64_t pfn = PagePfn(pages_++);
  return kind_ == RAVELIN_VM_PROTECTED ? Donate(vm_, gfn, pfn, 1) : Share(vm_, gfn, pfn, 1);
}

Cost Guest::Run(std::uint64_t reason) {
  Cost cost = Call(RAVELIN_HOST_VCPU_RUN, vm_.handle, 0);
  if (cost.value != reason) {
    Stop("an exit that was not expected", RAVELIN_HOST_VCPU_RUN,
         static_cast<std::int64_t>(cost.value));
  }
  cost.visits = kVisitsOfRun;
  return cost;
}

void Guest::Reply(std::uint64_t value) const {
  auto* run = reinterpret_cast<volatile ravelin_run_page*>(vm_.run_pfn * kPageSize);
  run->reply.values[0] = value;
  run->reply.kind = RAVELIN_REPLY_VALUE;
}

Cost Guest::Start(std::uint64_t command, std::uint64_t reason) {
  Reply(command);
  return Run(reason);
}

Cost Guest::Continue(std::uint64_t reason) { return Run(reason); }

std::uint64_t Guest::Finish() {
  const auto* run = reinterpret_cast<const volatile ravelin_run_page*>(vm_.run_pfn * kPageSize);
  const std::uint64_t answer = run->exit.value;
  if (run->exit.access != RAVELIN_ACCESS_WRITE) {
    Stop("the guest has not answered", RAVELIN_HOST_VCPU_RUN);
  }
  Reply(0);
  Run(RAVELIN_EXIT_MMIO);
  return answer;
}

Cost Guest::Do(std::uint64_t command) {
  const Cost cost = Start(command, RAVELIN_EXIT_MMIO);
  answer_ = Finish();
  const std::uint64_t instructions = cost.instructions - nothing_.instructions;
  return {.instructions = instructions, .visits = 1, .longest = instructions};
}

}  // namespace ravelin::bench
