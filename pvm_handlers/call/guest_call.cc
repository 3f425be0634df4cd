// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "pvm_handlers/call/guest_call.h"

#include <array>

#include "hyp/abi/guest_call.h"
#include "hyp/abi/run_page.h"
#include "hyp/base/result.h"
#include "hyp/virt/smccc.h"
#include "hyp/vm/monitor.h"
#include "hyp/vm/vm.h"
#include "stage2/ownership/ownership.h"

namespace ravelin::pvm_handlers {
namespace {

constexpr std::uint64_t FunctionBit(std::uint64_t function) { return Bit(function & 0x3f); }

constexpr std::uint64_t kFeatures =
    FunctionBit(RAVELIN_GUEST_FEATURES) | FunctionBit(RAVELIN_GUEST_MEMINFO) |
    FunctionBit(RAVELIN_GUEST_MEM_SHARE) | FunctionBit(RAVELIN_GUEST_MEM_UNSHARE) |
    FunctionBit(RAVELIN_GUEST_MMIO_GUARD_INFO) | FunctionBit(RAVELIN_GUEST_MMIO_GUARD_MAP) |
    FunctionBit(RAVELIN_GUEST_MMIO_GUARD_UNMAP) | FunctionBit(RAVELIN_GUEST_MEM_RELINQUISH);

Disposition AnswerStatus(Vcpu& vcpu, int status) {
  return virt::Answer(vcpu, static_cast<std::uint64_t>(std::int64_t{status}));
}

// Arguments from X(`first`) to X3 have to be 0.
bool ReservedAreZero(const Vcpu& vcpu, unsigned first) {
  for (unsigned i = first; i <= 3; ++i) {
    if (vcpu.X(i) != 0) {
      return false;
    }
  }
  return true;
}

// The frame that X1 names as a byte address.
Result<Gfn> NamedFrame(const Vcpu& vcpu) {
  const Ipa ipa{vcpu.X(1)};
  if (!IsAligned(ipa.raw(), kPageSize) || !ReservedAreZero(vcpu, 2)) {
    return Failure{Error::kInvalidArgument};
  }
  return ToGfn(ipa);
}

using FrameOperation = Result<>(Pages& pages, stage2::VmMemory& vm, Gfn gfn);

Result<> Apply(Vcpu& vcpu, FrameOperation& operation) {
  RAVELIN_TRY_ASSIGN(gfn, NamedFrame(vcpu));
  const auto vm = vcpu.vm().state().Lock();
  const auto pages = PageOwnership().Lock();
  return operation(*pages, vm->memory, gfn);
}

Disposition AnswerResult(Vcpu& vcpu, const Result<>& result) {
  return AnswerStatus(vcpu, result ? RAVELIN_SMCCC_SUCCESS : RAVELIN_SMCCC_INVALID_PARAMETER);
}

// Whether nothing is at the IPA, which lies in the space: not even a mark of the guest's.
bool IsMissing(Vcpu& vcpu, Ipa ipa) {
  const auto vm = vcpu.vm().state().Lock();
  return vm->memory.table().AnnotationAt(ipa) == stage2::Annotation::kNone;
}

// What a guest shares or takes back keeps its contents (pKVM's interface has it so).
Result<> Share(Pages& pages, stage2::VmMemory& vm, Gfn gfn) {
  return pages.VmShareHost(vm, gfn, stage2::Content::kKept);
}

Result<> Unshare(Pages& pages, stage2::VmMemory& vm, Gfn gfn) {
  return pages.VmUnshareHost(vm, gfn, stage2::Content::kKept);
}

Result<> Relinquish(Pages& pages, stage2::VmMemory& vm, Gfn gfn) {
  return pages.VmRelinquish(vm, gfn);
}

Result<> Guard(Pages& pages, stage2::VmMemory& vm, Gfn gfn) { return pages.VmGuardMmio(vm, gfn); }

Result<> Unguard(Pages& pages, stage2::VmMemory& vm, Gfn gfn) {
  return pages.VmUnguardMmio(vm, gfn);
}

Disposition ShareMemory(Vcpu& vcpu) {
  const Result<> shared = Apply(vcpu, Share);
  if (!shared && shared.error() == Error::kNotMapped && IsMissing(vcpu, Ipa{vcpu.X(1)})) {
    // Memory that the guest has not touched yet: the host donates the page, then the call is made
    // again.
    return vcpu.ExitForCall(
        {.reason = RAVELIN_EXIT_MEMORY_FAULT, .ipa = vcpu.X(1), .access = RAVELIN_ACCESS_WRITE},
        static_cast<std::uint64_t>(RAVELIN_SMCCC_INVALID_PARAMETER));
  }
  return AnswerResult(vcpu, shared);
}

Disposition UnshareMemory(Vcpu& vcpu) { return AnswerResult(vcpu, Apply(vcpu, Unshare)); }

// The host has to know: it holds the page for the VM until now.
Disposition RelinquishMemory(Vcpu& vcpu) {
  const std::uint64_t ipa = vcpu.X(1);
  const Result<> relinquished = Apply(vcpu, Relinquish);
  if (!relinquished) {
    return AnswerResult(vcpu, relinquished);
  }
  AnswerStatus(vcpu, RAVELIN_SMCCC_SUCCESS);
  return vcpu.Exit({.reason = RAVELIN_EXIT_RELINQUISHED, .ipa = ipa});
}

Disposition GuardMmio(Vcpu& vcpu) { return AnswerResult(vcpu, Apply(vcpu, Guard)); }

Disposition UnguardMmio(Vcpu& vcpu) { return AnswerResult(vcpu, Apply(vcpu, Unguard)); }

Disposition ReportGranule(Vcpu& vcpu) {
  return ReservedAreZero(vcpu, 1) ? virt::Answer(vcpu, kPageSize)
                                  : AnswerStatus(vcpu, RAVELIN_SMCCC_INVALID_PARAMETER);
}

Disposition ReportUid(Vcpu& vcpu) {
  return virt::Answer(vcpu, RAVELIN_GUEST_UID_0, RAVELIN_GUEST_UID_1, RAVELIN_GUEST_UID_2,
                      RAVELIN_GUEST_UID_3);
}

Disposition ReportFeatures(Vcpu& vcpu) { return virt::Answer(vcpu, kFeatures); }

struct GuestCall {
  std::uint64_t function;
  Disposition (*serve)(Vcpu& vcpu);
};

constexpr auto kCalls = std::to_array<GuestCall>({
    {RAVELIN_GUEST_UID, ReportUid},
    {RAVELIN_GUEST_FEATURES, ReportFeatures},
    {RAVELIN_GUEST_MEMINFO, ReportGranule},
    {RAVELIN_GUEST_MEM_SHARE, ShareMemory},
    {RAVELIN_GUEST_MEM_UNSHARE, UnshareMemory},
    {RAVELIN_GUEST_MMIO_GUARD_INFO, ReportGranule},
    {RAVELIN_GUEST_MMIO_GUARD_MAP, GuardMmio},
    {RAVELIN_GUEST_MMIO_GUARD_UNMAP, UnguardMmio},
    {RAVELIN_GUEST_MEM_RELINQUISH, RelinquishMemory},
});

}  // namespace

Disposition ServeCall(Vcpu& vcpu) {
  for (const GuestCall& call : kCalls) {
    if (call.function == vcpu.X(0)) {
      return call.serve(vcpu);
    }
  }
  if (const auto served = virt::ServeCommonCall(vcpu)) {
    return *served;
  }
  return virt::AnswerNotSupported(vcpu);
}

}  // namespace ravelin::pvm_handlers
