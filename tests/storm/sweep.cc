// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes a word of each page of RAM. Only what the host may access can be accessed.
#include "tests/storm/failure.h"
#include "tests/storm/monitor.h"
#include "tests/storm/phases.h"
#include "tests/storm/teardown.h"
#include "tests/support/console.h"
#include "tests/support/cpu.h"

namespace ravelin::storm {
namespace {

struct Totals {
  std::uint64_t pages;
  std::uint64_t foreign;
};

bool IsMonitors(std::uint64_t pfn) {
  return pfn - TheFacts().carveout_pfn < TheFacts().carveout_pages;
}

std::uint64_t FaultAddress() {
  std::uint64_t far;
  asm volatile("mrs %0, far_el1" : "=r"(far));
  return far;
}

void SweepPage(std::uint64_t pfn, std::uint64_t vm_pages_from, std::uint64_t vm_pages,
               Totals& totals) {
  const bool foreign = IsMonitors(pfn) || pfn - vm_pages_from < vm_pages;
  const Answer query = Call(RAVELIN_HOST_PAGE_QUERY, pfn);
  const ReadWriteProbe probe = ProbeReadWrite(pfn * kPageSize);
  ++totals.pages;
  if (foreign) {
    ++totals.foreign;
    Require(IsRefusal(probe.read_syndrome), "a foreign page can be read", pfn);
    Require(IsRefusal(probe.write_syndrome), "a foreign page can be written", pfn);
    Require(FaultAddress() == pfn * kPageSize, "the fault address is wrong", FaultAddress());
    Require(query.value == RAVELIN_PAGE_FOREIGN, "PAGE_QUERY of a foreign page", pfn);
  } else {
    Require(probe.read_syndrome == 0, "a page of the host's cannot be read", pfn);
    Require(probe.write_syndrome == 0, "a page of the host's cannot be written", pfn);
    Require(query.ok() && query.value != RAVELIN_PAGE_FOREIGN, "PAGE_QUERY of a page", pfn);
  }
}

// All of RAM; besides the monitor's pages, those of VMs are foreign.
Totals Sweep(std::uint64_t vm_pages_from, std::uint64_t vm_pages) {
  Totals totals{};
  const Machine& machine = TheMachine();
  for (std::size_t i = 0; i < machine.ram_regions && !HasFailed(); ++i) {
    const Region& ram = machine.ram[i];
    for (std::uint64_t at = ram.base; at < ram.base + ram.size; at += kPageSize) {
      SweepPage(at / kPageSize, vm_pages_from, vm_pages, totals);
    }
  }
  Print("storm: swept ", totals.pages, " pages, of which ", totals.foreign, " are foreign\n");
  return totals;
}

}  // namespace

void SweepAddresses() {
  const Totals totals = Sweep(0, 0);
  Require(totals.foreign == TheFacts().carveout_pages, "the carve-out is not in RAM",
          totals.foreign);
  Require(totals.pages > totals.foreign, "no pages of the host's were found");
}

void SweepWithVms() {
  const Counters before = ReadCounters();
  const std::uint64_t run_pfn = PfnOfCpu(0);
  const VmPlan plan{.kind = RAVELIN_VM_PROTECTED,
                    .pfn = SharedPfn() + 1,
                    .tables = 8,
                    .vcpus = 2,
                    .run_pfn = run_pfn};
  const std::uint64_t vm = CreateVm(plan);
  const std::uint64_t given = plan.pfn + PagesOf(plan);
  const std::uint64_t given_pages = 300;
  Require(DonateRange(vm, 0x80000, given, given_pages), "VM_DONATE failed");
  Sweep(plan.pfn, given + given_pages - plan.pfn);
  EndVm(vm, given, given_pages);
  RequireOwned(SharedPfn(), kSharedPages);
  RequireOwned(run_pfn, plan.vcpus);
  RequireCounters(before);
}

}  // namespace ravelin::storm
