// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "pvm_handlers/exit/exits.h"

#include "hyp/abi/run_page.h"
#include "hyp/virt/gic/mmio.h"
#include "hyp/virt/smccc.h"
#include "hyp/virt/wait.h"
#include "hyp/vm/exit_table.h"
#include "hyp/vm/fault.h"
#include "pvm_handlers/call/guest_call.h"
#include "pvm_handlers/exit/protected_guest.h"
#include "pvm_handlers/sysreg/registers.h"
#include "stage2/format/descriptor.h"

namespace ravelin::pvm_handlers {
namespace {

Disposition OnWait(ProtectedGuest& guest, const arch::Syndrome&) {
  return virt::WaitForInterrupt(guest.vcpu());
}

// Calls are HVC #0 and SMC #0 (hyp/abi/guest_call.h).
Disposition OnHvc(ProtectedGuest& guest, const arch::Syndrome& syndrome) {
  return Esr{syndrome.esr}.immediate() == 0 ? ServeCall(guest.vcpu())
                                            : virt::AnswerNotSupported(guest.vcpu());
}

Disposition OnSmc(ProtectedGuest& guest, const arch::Syndrome& syndrome) {
  guest.vcpu().SkipInstruction();
  return OnHvc(guest, syndrome);
}

// `ipa` lies in the space.
stage2::Annotation AnnotationAt(Vcpu& vcpu, Ipa ipa) {
  const auto vm = vcpu.vm().state().Lock();
  return vm->memory.table().AnnotationAt(ipa);
}

// The host learns the page, not the byte, where it may only donate.
Disposition ExitMissingPage(Vcpu& vcpu, Ipa ipa, std::uint64_t access, std::uint64_t far) {
  return vcpu.ExitFault({.reason = RAVELIN_EXIT_MEMORY_FAULT,
                         .ipa = AlignDown(ipa.raw(), kPageSize),
                         .access = access},
                        far);
}

// An access that goes on in the next page: its value is not all for the device.
bool CrossesPage(Esr esr, Ipa ipa) { return ipa.raw() % kPageSize + esr.access_size() > kPageSize; }

// A guest's own pages have all permissions, so only a missing page is the host's business. What
// was taken from the guest by force is poisoned: an external abort, as from memory that has failed.
Disposition OnDataAbort(ProtectedGuest& guest, const arch::Syndrome& syndrome) {
  const Esr esr{syndrome.esr};
  Vcpu& vcpu = guest.vcpu();
  const auto ipa = FaultIpa(syndrome);
  if (!IsResolvable(esr) || !ipa || !vcpu.vm().geometry().Contains(*ipa)) {
    return InjectDataAbort(vcpu, syndrome);
  }
  if (const auto served = gic::ServeAbort(vcpu, syndrome, *ipa)) {
    return *served;
  }
  const FaultCause cause = CauseOf(vcpu, *ipa, esr);
  if (cause == FaultCause::kGone) {
    return Disposition::kResume;
  }
  const stage2::Annotation note = AnnotationAt(vcpu, *ipa);
  if (cause == FaultCause::kMissing && note == stage2::Annotation::kNone) {
    return ExitMissingPage(vcpu, *ipa, AccessOf(esr), syndrome.far);
  }
  if (note != stage2::Annotation::kMmioGuard || esr.on_stage1_walk()) {
    return InjectDataAbort(vcpu, syndrome);
  }
  if (!esr.has_decoded_access() || CrossesPage(esr, *ipa)) {
    return vcpu.ExitFault(
        {.reason = RAVELIN_EXIT_NOT_DECODABLE, .ipa = ipa->raw(), .access = AccessOf(esr)},
        syndrome.far);
  }
  return ExitMmio(vcpu, syndrome, *ipa);
}

Disposition OnInstructionAbort(ProtectedGuest& guest, const arch::Syndrome& syndrome) {
  Vcpu& vcpu = guest.vcpu();
  const Esr esr{syndrome.esr};
  const auto ipa = FaultIpa(syndrome);
  if (!IsResolvable(esr) || !ipa || !vcpu.vm().geometry().Contains(*ipa)) {
    return InjectInstructionAbort(vcpu, syndrome);
  }
  const FaultCause cause = CauseOf(vcpu, *ipa, esr);
  if (cause == FaultCause::kGone) {
    return Disposition::kResume;
  }
  if (cause == FaultCause::kPermission || AnnotationAt(vcpu, *ipa) != stage2::Annotation::kNone) {
    return InjectInstructionAbort(vcpu, syndrome);
  }
  return ExitMissingPage(vcpu, *ipa, RAVELIN_ACCESS_EXEC, syndrome.far);
}

Disposition OnSystemRegister(ProtectedGuest& guest, const arch::Syndrome& syndrome) {
  return ServeRegister(guest.vcpu(), Esr{syndrome.esr});
}

constexpr ExitTable<ProtectedGuest> kTable(std::to_array<ExitTable<ProtectedGuest>::Entry>({
    {ExceptionClass::kWfx, OnWait},
    {ExceptionClass::kHvc, OnHvc},
    {ExceptionClass::kSmc, OnSmc},
    {ExceptionClass::kSystemRegister, OnSystemRegister},
    {ExceptionClass::kInstructionAbort, OnInstructionAbort},
    {ExceptionClass::kDataAbort, OnDataAbort},
}));

constexpr std::uint64_t kPstateAarch32 = Bit(4);

}  // namespace

Disposition HandleExit(Vcpu& vcpu, const arch::Syndrome& syndrome) {
  // AArch32 is hidden from protected VMs; one that enters it all the same has no state to inject
  // to.
  if ((vcpu.point().pstate & kPstateAarch32) != 0) {
    return vcpu.Stop(RAVELIN_STOP_EXCEPTION);
  }
  ProtectedGuest guest(vcpu);
  return kTable.Handle(guest, syndrome);
}

}  // namespace ravelin::pvm_handlers
