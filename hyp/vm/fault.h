// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// What both kinds of VM take from a stage-2 abort.
#pragma once

#include <cstdint>
#include <optional>

#include "hyp/abi/run_page.h"
#include "hyp/arch/world.h"
#include "hyp/base/result.h"
#include "hyp/base/types.h"
#include "hyp/vm/inject.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vcpu.h"
#include "hyp/vm/vm.h"

namespace ravelin {

// The faulting IPA, to the byte for a data access. kNotMapped: by now the guest's own tables no
// longer lead there; the access is executed again.
inline Result<Ipa> FaultIpa(const arch::Syndrome& syndrome) {
  const Esr esr{syndrome.esr};
  if (esr.fault_type() == kFaultPermission && !esr.on_stage1_walk()) {
    return arch::TranslateFault(syndrome.far);
  }
  const std::uint64_t page = Field<43, 4>::Get(syndrome.hpfar) << kPageShift;
  const std::uint64_t offset = esr.on_stage1_walk() ? 0 : Field<11, 0>::Get(syndrome.far);
  return Ipa{page | offset};
}

// Faults that memory or MMIO emulation can resolve; the rest are the guest's to hear of.
inline bool IsResolvable(Esr esr) {
  return esr.fault_type() == kFaultTranslation || esr.fault_type() == kFaultPermission ||
         esr.fault_type() == kFaultAccessFlag;
}

// What an access needs of a stage-2 mapping. The walk of the guest's own tables only reads.
inline stage2::Permissions NeededFor(Esr esr) {
  if (esr.on_stage1_walk()) {
    return stage2::Permissions::kRead;
  }
  if (static_cast<ExceptionClass>(esr.ec()) == ExceptionClass::kInstructionAbort) {
    return stage2::Permissions::kReadExecute;
  }
  return esr.is_write() ? stage2::Permissions::kReadWrite : stage2::Permissions::kRead;
}

// How the VM's table stands to an access that has faulted.
enum class FaultCause : std::uint8_t {
  kGone,        // nothing forbids the access any more: it is executed again
  kMissing,     // nothing is mapped there
  kPermission,  // it is mapped, and the access is not allowed
};

// Another CPU may have had the entry broken for a moment, or changed it since. A clear access flag
// is nobody's concern but the monitor's, and is set again here.
inline FaultCause CauseOf(Vcpu& vcpu, Ipa ipa, Esr esr) {
  if (!vcpu.vm().geometry().Contains(ipa)) {
    return FaultCause::kMissing;
  }
  const auto vm = vcpu.vm().state().Lock();
  const stage2::Translation found = vm->memory.table().Lookup(ipa);
  if (!found.descriptor.IsValid()) {
    return FaultCause::kMissing;
  }
  if (!found.descriptor.permissions().Allow(NeededFor(esr))) {
    return FaultCause::kPermission;
  }
  vm->memory.table().SetYoung(ipa);
  return FaultCause::kGone;
}

inline std::uint64_t AccessOf(Esr esr) {
  return esr.is_write() && !esr.on_stage1_walk() ? RAVELIN_ACCESS_WRITE : RAVELIN_ACCESS_READ;
}

// The exit for a decoded access at `ipa`, and where its value belongs.
inline Disposition ExitMmio(Vcpu& vcpu, const arch::Syndrome& syndrome, Ipa ipa) {
  const Esr esr{syndrome.esr};
  const unsigned size = esr.access_size();
  ExitReport exit{
      .reason = RAVELIN_EXIT_MMIO, .ipa = ipa.raw(), .access = AccessOf(esr), .size = size};
  if (esr.is_write()) {
    exit.value = vcpu.X(esr.register_index()) & (~std::uint64_t{0} >> (64 - 8 * size));
  }
  return vcpu.ExitMmio(exit, {.register_index = esr.register_index(),
                              .size = size,
                              .sign_extend = esr.sign_extends(),
                              .wide = esr.register_is_64bit(),
                              .far = syndrome.far});
}

// FAR_EL2 of an external abort may say nothing, and then holds what another exception left there.
inline std::optional<std::uint64_t> FaultAddress(const arch::Syndrome& syndrome) {
  return Esr{syndrome.esr}.far_is_invalid() ? std::nullopt : std::optional(syndrome.far);
}

inline Disposition InjectDataAbort(Vcpu& vcpu, const arch::Syndrome& syndrome) {
  const Esr esr{syndrome.esr};
  vcpu.ContinueAt(inject::Data(vcpu.point(), {.status = kStatusExternal,
                                              .write = esr.is_write(),
                                              .cache_maintenance = esr.is_cache_maintenance(),
                                              .far = FaultAddress(syndrome)}));
  return Disposition::kResume;
}

inline Disposition InjectInstructionAbort(Vcpu& vcpu, const arch::Syndrome& syndrome) {
  vcpu.ContinueAt(inject::Instruction(vcpu.point(), FaultAddress(syndrome)));
  return Disposition::kResume;
}

}  // namespace ravelin
