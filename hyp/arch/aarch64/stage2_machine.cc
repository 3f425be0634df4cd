// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// stage2/machine.h for EL2: descriptors and TLBs.
#include <atomic>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/aarch64/tlb.h"
#include "hyp/base/bits.h"
#include "stage2/machine.h"

namespace ravelin::machine {
namespace {

// Makes `vmid` the current one for TLB maintenance, which names no VMID itself (Arm ARM D8.17), and
// puts VTTBR_EL2 back afterwards. EL1 and EL0 do not run on this CPU in between.
class VmidScope {
 public:
  explicit VmidScope(Vmid vmid) : saved_(sysreg::VttbrEl2::Read()) {
    const std::uint64_t wanted = Field<63, 48>::Make(vmid.raw());
    if (Field<63, 48>::Get(saved_) != vmid.raw()) {
      sysreg::VttbrEl2::Write(wanted);
      Isb();
      switched_ = true;
    }
  }
  ~VmidScope() {
    if (switched_) {
      sysreg::VttbrEl2::Write(saved_);
      Isb();
    }
  }
  VmidScope(const VmidScope&) = delete;
  VmidScope& operator=(const VmidScope&) = delete;

 private:
  std::uint64_t saved_;
  bool switched_ = false;
};

// Beyond so many pages one invalidation of the whole VMID is cheaper.
constexpr std::uint64_t kMaxSingleInvalidations = 64;

}  // namespace

std::uint64_t LoadEntry(Pa entry) {
  return std::atomic_ref(*LinearPointer<std::uint64_t>(entry)).load(std::memory_order_relaxed);
}

void StoreEntry(Pa entry, std::uint64_t descriptor) {
  std::atomic_ref(*LinearPointer<std::uint64_t>(entry))
      .store(descriptor, std::memory_order_relaxed);
}

void PublishEntries() {
  DsbIshst();
  Isb();
}

void InvalidateInstructions() {
  asm volatile("ic ialluis" ::: "memory");
  DsbIsh();
  Isb();
}

void InvalidatePages(Vmid vmid, Ipa first, PageCount count) {
  if (count.raw() > kMaxSingleInvalidations) {
    InvalidateVm(vmid);
    return;
  }
  DsbIshst();
  const VmidScope scope(vmid);
  for (std::uint64_t i = 0; i < count.raw(); ++i) {
    const std::uint64_t page = (first.raw() >> kPageShift) + i;
    asm volatile("tlbi ipas2le1is, %0" : : "r"(page) : "memory");
  }
  DsbIsh();
  asm volatile("tlbi vmalle1is" ::: "memory");
  tlb::CompleteBroadcast();
}

void InvalidateVm(Vmid vmid) {
  DsbIshst();
  const VmidScope scope(vmid);
  asm volatile("tlbi vmalls12e1is" ::: "memory");
  tlb::CompleteBroadcast();
}

// There is no SMMU driver: no device walks a table of the monitor's.
void InvalidateDevicePages(Vmid, Ipa, PageCount) {}

void InvalidateDevice(Vmid) {}

}  // namespace ravelin::machine
