// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/system_registers.h"

#include "hyp/arch/interrupts.h"
#include "hyp/virt/gic/mmio.h"
#include "hyp/virt/id_registers.h"
#include "hyp/vm/vm.h"

namespace ravelin::virt {
namespace {

Disposition FinishRead(Vcpu& vcpu, Esr esr, std::uint64_t value) {
  vcpu.SetX(esr.transfer_register(), value);
  vcpu.SkipInstruction();
  return Disposition::kResume;
}

Disposition FinishWrite(Vcpu& vcpu) {
  vcpu.SkipInstruction();
  return Disposition::kResume;
}

Disposition Send(Vcpu& vcpu, Esr esr, gic::SgiGroups groups) {
  if (!vcpu.vm().has_gic() || esr.is_read()) {
    return Undefined(vcpu, esr);
  }
  vcpu.SkipInstruction();
  return gic::SendSgi(vcpu, vcpu.X(esr.transfer_register()), groups);
}

// A change of the timer changes the level of its interrupt.
Disposition FinishTimerWrite(Vcpu& vcpu) {
  vcpu.interrupts().attention.store(true);
  return FinishWrite(vcpu);
}

}  // namespace

Disposition Undefined(Vcpu& vcpu, Esr) {
  vcpu.ContinueAt(inject::Undefined(vcpu.point()));
  return Disposition::kResume;
}

Disposition ReadZeroIgnoreWrite(Vcpu& vcpu, Esr esr) {
  return esr.is_read() ? FinishRead(vcpu, esr, 0) : FinishWrite(vcpu);
}

Disposition Identification(Vcpu& vcpu, Esr esr) {
  return ServeIdRegister(vcpu, esr) ? Disposition::kResume : Undefined(vcpu, esr);
}

Disposition OsLockStatus(Vcpu& vcpu, Esr esr) {
  constexpr std::uint64_t kLockExists = Bit(3);  // OSLM
  return esr.is_read() ? FinishRead(vcpu, esr, kLockExists) : Undefined(vcpu, esr);
}

Disposition InterfaceEnable(Vcpu& vcpu, Esr esr) {
  constexpr std::uint64_t kBySystemRegisters = Bit(0);
  constexpr std::uint64_t kNoBypass = Bit(1) | Bit(2);
  if (!vcpu.vm().has_gic()) {
    return Undefined(vcpu, esr);
  }
  return esr.is_read() ? FinishRead(vcpu, esr, kBySystemRegisters | kNoBypass) : FinishWrite(vcpu);
}

Disposition GenerateSgi(Vcpu& vcpu, Esr esr) { return Send(vcpu, esr, gic::SgiGroups::kBoth); }

Disposition GenerateGroup0Sgi(Vcpu& vcpu, Esr esr) {
  return Send(vcpu, esr, gic::SgiGroups::kGroup0);
}

Disposition PhysicalTimerValue(Vcpu& vcpu, Esr esr) {
  auto& timer = vcpu.interrupts().physical_timer;
  if (!vcpu.vm().has_gic()) {
    return Undefined(vcpu, esr);
  }
  if (esr.is_read()) {
    return FinishRead(vcpu, esr, Field<31, 0>::Get(timer.compare - arch::Counter()));
  }
  const auto ticks = static_cast<std::int32_t>(vcpu.X(esr.transfer_register()));
  timer.compare = arch::Counter() + static_cast<std::uint64_t>(std::int64_t{ticks});
  return FinishTimerWrite(vcpu);
}

Disposition PhysicalTimerControl(Vcpu& vcpu, Esr esr) {
  constexpr std::uint64_t kEnable = Bit(0), kMask = Bit(1), kStatus = Bit(2);
  auto& timer = vcpu.interrupts().physical_timer;
  if (!vcpu.vm().has_gic()) {
    return Undefined(vcpu, esr);
  }
  if (esr.is_read()) {
    const bool fires = (timer.control & kEnable) != 0 && arch::Counter() >= timer.compare;
    return FinishRead(vcpu, esr, timer.control | (fires ? kStatus : 0));
  }
  timer.control = vcpu.X(esr.transfer_register()) & (kEnable | kMask);
  return FinishTimerWrite(vcpu);
}

Disposition PhysicalTimerCompare(Vcpu& vcpu, Esr esr) {
  auto& timer = vcpu.interrupts().physical_timer;
  if (!vcpu.vm().has_gic()) {
    return Undefined(vcpu, esr);
  }
  if (esr.is_read()) {
    return FinishRead(vcpu, esr, timer.compare);
  }
  timer.compare = vcpu.X(esr.transfer_register());
  return FinishTimerWrite(vcpu);
}

}  // namespace ravelin::virt
