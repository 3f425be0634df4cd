// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/vm_handlers/exits.h"

#include "hyp/abi/run_page.h"
#include "hyp/base/invariant.h"
#include "hyp/virt/gic/mmio.h"
#include "hyp/virt/smccc.h"
#include "hyp/virt/system_registers.h"
#include "hyp/virt/wait.h"
#include "hyp/vm/exit_table.h"
#include "hyp/vm/fault.h"
#include "hyp/vm/vm.h"

namespace ravelin::vm_handlers {
namespace {

class NormalGuest {
 public:
  explicit NormalGuest(Vcpu& vcpu) : vcpu_(vcpu) {
    Invariant(!vcpu.vm().is_protected(), "hyp/call picks the table by the kind of the VM");
  }
  [[nodiscard]] Vcpu& vcpu() { return vcpu_; }

 private:
  Vcpu& vcpu_;
};

Disposition OnWait(NormalGuest& guest, const arch::Syndrome&) {
  return virt::WaitForInterrupt(guest.vcpu());
}

// Calls are HVC #0 and SMC #0 (hyp/abi/guest_call.h).
Disposition OnHvc(NormalGuest& guest, const arch::Syndrome& syndrome) {
  if (Esr{syndrome.esr}.immediate() != 0) {
    return virt::AnswerNotSupported(guest.vcpu());
  }
  if (const auto served = virt::ServeCommonCall(guest.vcpu())) {
    return *served;
  }
  return virt::AnswerNotSupported(guest.vcpu());
}

Disposition OnSmc(NormalGuest& guest, const arch::Syndrome& syndrome) {
  guest.vcpu().SkipInstruction();
  return OnHvc(guest, syndrome);
}

// The host decides what an address is: memory of a slot, or a device of the VMM. Memory that is
// mapped stays memory: a write that is not allowed is a fault, whatever the syndrome decodes.
Disposition OnDataAbort(NormalGuest& guest, const arch::Syndrome& syndrome) {
  const Esr esr{syndrome.esr};
  Vcpu& vcpu = guest.vcpu();
  if (!IsResolvable(esr)) {
    return InjectDataAbort(vcpu, syndrome);
  }
  const auto ipa = FaultIpa(syndrome);
  const FaultCause cause = ipa ? CauseOf(vcpu, *ipa, esr) : FaultCause::kGone;
  if (cause == FaultCause::kGone) {
    return Disposition::kResume;
  }
  if (const auto served = gic::ServeAbort(vcpu, syndrome, *ipa)) {
    return *served;
  }
  if (cause == FaultCause::kMissing && esr.has_decoded_access() && !esr.on_stage1_walk()) {
    return ExitMmio(vcpu, syndrome, *ipa);
  }
  return vcpu.ExitFault(
      {.reason = RAVELIN_EXIT_MEMORY_FAULT, .ipa = ipa->raw(), .access = AccessOf(esr)},
      syndrome.far);
}

Disposition OnInstructionAbort(NormalGuest& guest, const arch::Syndrome& syndrome) {
  if (!IsResolvable(Esr{syndrome.esr})) {
    return InjectInstructionAbort(guest.vcpu(), syndrome);
  }
  const auto ipa = FaultIpa(syndrome);
  if (!ipa || CauseOf(guest.vcpu(), *ipa, Esr{syndrome.esr}) == FaultCause::kGone) {
    return Disposition::kResume;
  }
  return guest.vcpu().ExitFault(
      {.reason = RAVELIN_EXIT_MEMORY_FAULT, .ipa = ipa->raw(), .access = RAVELIN_ACCESS_EXEC},
      syndrome.far);
}

using virt::NumberOf;

// What Linux touches of what is not there: debug registers that hold nothing.
constexpr virt::RegisterTable kRegisters(std::to_array<virt::RegisterRow>({
    {NumberOf(2, 0, 0, 0, 0), NumberOf(2, 0, 0, 15, 7), virt::ReadZeroIgnoreWrite},  // DBG*, MDSCR
    {NumberOf(2, 0, 1, 0, 4), NumberOf(2, 0, 1, 0, 4), virt::ReadZeroIgnoreWrite},   // OSLAR
    {NumberOf(2, 0, 1, 1, 4), NumberOf(2, 0, 1, 1, 4), virt::OsLockStatus},          // OSLSR
    {NumberOf(2, 0, 1, 3, 4), NumberOf(2, 0, 1, 4, 4),
     virt::ReadZeroIgnoreWrite},  // OSDLR, DBGPRCR
    {NumberOf(2, 0, 7, 8, 6), NumberOf(2, 0, 7, 9, 6), virt::ReadZeroIgnoreWrite},  // DBGCLAIM*
    {NumberOf(2, 0, 7, 14, 6), NumberOf(2, 0, 7, 14, 6), virt::ReadZeroIgnoreWrite},
    {NumberOf(2, 3, 0, 1, 0), NumberOf(2, 3, 0, 5, 0),
     virt::ReadZeroIgnoreWrite},  // MDCCSR, DBGDTR
    {NumberOf(3, 0, 0, 0, 6), NumberOf(3, 0, 0, 0, 6), virt::ReadZeroIgnoreWrite},  // REVIDR
    {NumberOf(3, 0, 0, 1, 0), NumberOf(3, 0, 0, 7, 7), virt::Identification},
    {NumberOf(3, 0, 12, 11, 5), NumberOf(3, 0, 12, 11, 5), virt::GenerateSgi},        // ICC_SGI1R
    {NumberOf(3, 0, 12, 11, 6), NumberOf(3, 0, 12, 11, 7), virt::GenerateGroup0Sgi},  // others
    {NumberOf(3, 0, 12, 12, 5), NumberOf(3, 0, 12, 12, 5), virt::InterfaceEnable},    // ICC_SRE
    {NumberOf(3, 1, 0, 0, 7), NumberOf(3, 1, 0, 0, 7), virt::ReadZeroIgnoreWrite},    // AIDR
    {NumberOf(3, 3, 14, 2, 0), NumberOf(3, 3, 14, 2, 0), virt::PhysicalTimerValue},
    {NumberOf(3, 3, 14, 2, 1), NumberOf(3, 3, 14, 2, 1), virt::PhysicalTimerControl},
    {NumberOf(3, 3, 14, 2, 2), NumberOf(3, 3, 14, 2, 2), virt::PhysicalTimerCompare},
}));

Disposition OnSystemRegister(NormalGuest& guest, const arch::Syndrome& syndrome) {
  return kRegisters.Serve(guest.vcpu(), Esr{syndrome.esr});
}

constexpr ExitTable<NormalGuest> kTable(std::to_array<ExitTable<NormalGuest>::Entry>({
    {ExceptionClass::kWfx, OnWait},
    {ExceptionClass::kHvc, OnHvc},
    {ExceptionClass::kSmc, OnSmc},
    {ExceptionClass::kSystemRegister, OnSystemRegister},
    {ExceptionClass::kInstructionAbort, OnInstructionAbort},
    {ExceptionClass::kDataAbort, OnDataAbort},
}));

}  // namespace

Disposition HandleExit(Vcpu& vcpu, const arch::Syndrome& syndrome) {
  NormalGuest guest(vcpu);
  return kTable.Handle(guest, syndrome);
}

}  // namespace ravelin::vm_handlers
