// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls without a VM, the life of an empty VM, and traps of the host.
#include "tests/bench/rows.h"
#include "tests/bench/vm.h"

namespace ravelin::bench {
namespace {

constexpr std::uint64_t kPsciVersion = 0x84000000;
// PCI configuration space of QEMU's virt board: in a GiB in which nothing else is.
constexpr std::uint64_t kMmio = 0x40'1000'0000;
// Beyond what stage 1 maps: EL1 takes the fault itself.
constexpr std::uint64_t kUnmapped = std::uint64_t{1} << 39;

Cost Difference(const Sample& more, const Sample& less) {
  const std::uint64_t instructions = more.instructions - less.instructions;
  return {.instructions = instructions, .visits = 1, .longest = instructions};
}

}  // namespace

void BenchHostCalls() {
  const std::uint64_t pfn = BlockPfn(1);
  Report("version", "call", Call(RAVELIN_HOST_VERSION));
  Report("info", "call", Call(RAVELIN_HOST_INFO, RAVELIN_INFO_MODE));
  Report("info_locked", "call", Call(RAVELIN_HOST_INFO, RAVELIN_INFO_FREE_PAGES));
  Report("page_query", "1", Call(RAVELIN_HOST_PAGE_QUERY, pfn));
  Report("page_share", "1", Call(RAVELIN_HOST_PAGE_SHARE, pfn));
  Report("page_unshare", "1", Call(RAVELIN_HOST_PAGE_UNSHARE, pfn));

  const Vm vm = CreateVm(RAVELIN_VM_PROTECTED);
  Report("vm_create", "call", vm.create);
  Report("vm_topup", "64", vm.topup);
  Report("vcpu_create", "call", vm.create_vcpu);
  Report("vcpu_set_reg", "call",
         Call(RAVELIN_HOST_VCPU_SET_REG, vm.handle, 0, RAVELIN_REG_PC, kPageSize));
  Report("vm_launch", "call", Call(RAVELIN_HOST_VM_LAUNCH, vm.handle));
  Report("vm_destroy", "call", DestroyVm(vm));
  Report("vm_free", "all", FreeVm(vm).free);
}

void BenchHostTraps() {
  const std::uint64_t foreign = Call(RAVELIN_HOST_INFO, RAVELIN_INFO_CARVEOUT_PFN).value;
  const Sample first = MeasureAccess(kMmio);
  Report("host_fault_mmio", "block", Difference(first, MeasureAccess(kMmio)));
  const Sample refused = MeasureAccess(foreign * kPageSize);
  Report("host_fault_refused", "1", Difference(refused, MeasureAccess(kUnmapped)));
  const Sample firmware = MeasureFirmwareCall({kPsciVersion});
  Report("host_smc_psci_version", "call", Difference(firmware, {}));
}

}  // namespace ravelin::bench
