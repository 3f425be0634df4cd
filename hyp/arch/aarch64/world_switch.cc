// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Switched: the registers of El1State, FP and SIMD (for the host SVE whole), the virtual timer, the
// virtual CPU interface of the GIC.
// Trapped for guests, hence not switched: SVE and SME, PAuth keys and instructions, allocation
// tags, SCXTNUM, debug, PMU, SPE, trace, activity monitors, MPAM, RAS records, the GIC CPU
// interface of VMs that have none, the physical timer, and what FEAT_HCX and FEAT_FGT gate (SCTLR2,
// TCR2, PIR, POR, GCS, TPIDR2).
#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpu_init.h"
#include "hyp/arch/aarch64/interrupts.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/arch/aarch64/traps.h"
#include "hyp/arch/world.h"

extern "C" {
std::uint32_t EnterGuest(ravelin::GuestRegisters* registers);
void FpSave(ravelin::FpState* state);
void FpRestore(const ravelin::FpState* state);
void SveSave(ravelin::SveState* state);
void SveRestore(const ravelin::SveState* state);
}

namespace ravelin::arch {
namespace {

static_assert(offsetof(GuestRegisters, pc) == GUEST_PC);
static_assert(offsetof(GuestRegisters, pstate) == GUEST_PSTATE);

void SaveEl1(El1State& s) {
  s = {.sctlr = sysreg::SctlrEl1::Read(),
       .actlr = sysreg::ActlrEl1::Read(),
       .cpacr = sysreg::CpacrEl1::Read(),
       .ttbr0 = sysreg::Ttbr0El1::Read(),
       .ttbr1 = sysreg::Ttbr1El1::Read(),
       .tcr = sysreg::TcrEl1::Read(),
       .esr = sysreg::EsrEl1::Read(),
       .afsr0 = sysreg::Afsr0El1::Read(),
       .afsr1 = sysreg::Afsr1El1::Read(),
       .far = sysreg::FarEl1::Read(),
       .mair = sysreg::MairEl1::Read(),
       .amair = sysreg::AmairEl1::Read(),
       .vbar = sysreg::VbarEl1::Read(),
       .contextidr = sysreg::ContextidrEl1::Read(),
       .tpidr_el0 = sysreg::TpidrEl0::Read(),
       .tpidrro_el0 = sysreg::TpidrroEl0::Read(),
       .tpidr_el1 = sysreg::TpidrEl1::Read(),
       .cntkctl = sysreg::CntkctlEl1::Read(),
       .par = sysreg::ParEl1::Read(),
       .sp_el0 = sysreg::SpEl0::Read(),
       .sp_el1 = sysreg::SpEl1::Read(),
       .elr = sysreg::ElrEl1::Read(),
       .spsr = sysreg::SpsrEl1::Read(),
       .csselr = sysreg::CsselrEl1::Read(),
       .mdscr = sysreg::MdscrEl1::Read()};
}

void RestoreEl1(const El1State& s) {
  sysreg::SctlrEl1::Write(s.sctlr);
  sysreg::ActlrEl1::Write(s.actlr);
  sysreg::CpacrEl1::Write(s.cpacr);
  sysreg::Ttbr0El1::Write(s.ttbr0);
  sysreg::Ttbr1El1::Write(s.ttbr1);
  sysreg::TcrEl1::Write(s.tcr);
  sysreg::EsrEl1::Write(s.esr);
  sysreg::Afsr0El1::Write(s.afsr0);
  sysreg::Afsr1El1::Write(s.afsr1);
  sysreg::FarEl1::Write(s.far);
  sysreg::MairEl1::Write(s.mair);
  sysreg::AmairEl1::Write(s.amair);
  sysreg::VbarEl1::Write(s.vbar);
  sysreg::ContextidrEl1::Write(s.contextidr);
  sysreg::TpidrEl0::Write(s.tpidr_el0);
  sysreg::TpidrroEl0::Write(s.tpidrro_el0);
  sysreg::TpidrEl1::Write(s.tpidr_el1);
  sysreg::CntkctlEl1::Write(s.cntkctl);
  sysreg::ParEl1::Write(s.par);
  sysreg::SpEl0::Write(s.sp_el0);
  sysreg::SpEl1::Write(s.sp_el1);
  sysreg::ElrEl1::Write(s.elr);
  sysreg::SpsrEl1::Write(s.spsr);
  sysreg::CsselrEl1::Write(s.csselr);
  sysreg::MdscrEl1::Write(s.mdscr);
}

// EL2 runs at the longest vector length (ZCR_EL2), whatever the host has chosen for itself, so that
// the whole of the Z registers is saved.
void SaveHostVectors(PerCpu& cpu) {
  if (CpuFeatures().sve) {
    SveSave(&cpu.host_vectors.sve);
    return;
  }
  FpSave(&cpu.host_vectors.fp);
}

void RestoreHostVectors(PerCpu& cpu) {
  if (CpuFeatures().sve) {
    SveRestore(&cpu.host_vectors.sve);
    return;
  }
  FpRestore(&cpu.host_vectors.fp);
}

// Statistical profiling and trace stop, and their buffers drain, while they are still the host's
// (Arm ARM D18.1, D6.5; PSB CSYNC and TSB CSYNC are hints 17 and 18).
void StopProfiling(ProfilingState& saved) {
  if (CpuFeatures().spe) {
    saved.pmscr = sysreg::PmscrEl1::Read();
    sysreg::PmscrEl1::Write(0);
    asm volatile("isb; hint #17; dsb nsh" ::: "memory");
  }
  if (CpuFeatures().trbe) {
    saved.trfcr = sysreg::TrfcrEl1::Read();
    sysreg::TrfcrEl1::Write(0);
    asm volatile("isb; hint #18; dsb nsh" ::: "memory");
  }
}

void ResumeProfiling(const ProfilingState& saved) {
  if (CpuFeatures().spe) {
    sysreg::PmscrEl1::Write(saved.pmscr);
  }
  if (CpuFeatures().trbe) {
    sysreg::TrfcrEl1::Write(saved.trfcr);
  }
}

void ActivateGuestTraps(const GuestRegime& regime) {
  const Features& features = CpuFeatures();
  sysreg::VtcrEl2::Write(VtcrFor(regime.geometry));
  sysreg::VttbrEl2::Write(regime.root.raw() | Field<63, 48>::Make(regime.vmid.raw()));
  sysreg::HcrEl2::Write(traps::kGuestHcr);
  sysreg::CptrEl2::Write(traps::kCptrRes1 | traps::kTz | traps::kTsm | traps::kTta | traps::kTam);
  sysreg::MdcrEl2::Write(traps::kGuestMdcr | EventCounters());
  sysreg::CnthctlEl2::Write(traps::kEl1pcten);
  sysreg::CntvoffEl2::Write(regime.counter_offset);
  sysreg::VmpidrEl2::Write(regime.vmpidr);
  if (features.hcx) {
    sysreg::HcrxEl2::Write(0);
  }
  if (features.fgt) {
    sysreg::HfgrtrEl2::Write(0);
    sysreg::HfgwtrEl2::Write(0);
    sysreg::HfgitrEl2::Write(0);
    sysreg::HdfgrtrEl2::Write(0);
    sysreg::HdfgwtrEl2::Write(0);
  }
  if (features.mpam) {
    sysreg::Mpam2El2::Write(Bit(48) | Bit(49));  // TRAPMPAM1EL1, TRAPMPAM0EL1
  }
  if (features.ras) {
    sysreg::VdisrEl2::Write(0);
  }
  sysreg::IccSreEl2::Write(0x7);  // Enable = 0: ICC_SRE_EL1 traps
  sysreg::VbarEl2::Write(reinterpret_cast<std::uint64_t>(GuestVectors));
  Isb();
}

}  // namespace

Result<> EnterWorld(const GuestRegime& regime, GuestState& guest) {
  if (CpuFeatures().sme && (sysreg::Svcr::Read() & 1) != 0) {
    return Failure{Error::kWrongState};
  }
  PerCpu& cpu = ThisCpu();
  cpu.host_point = {.pc = sysreg::ElrEl2::Read(), .pstate = sysreg::SpsrEl2::Read()};
  SaveEl1(cpu.host_el1);
  SaveHostVectors(cpu);
  StopProfiling(cpu.host_profiling);
  ActivateGuestTraps(regime);
  RestoreEl1(guest.el1);
  FpRestore(&guest.fp);
  LoadGic(guest.gic);
  sysreg::CntvCvalEl0::Write(guest.timer.cval);
  sysreg::CntvCtlEl0::Write(guest.timer.ctl);
  Isb();
  return {};
}

void LeaveWorld(GuestState& guest) {
  PerCpu& cpu = ThisCpu();
  guest.timer.ctl = sysreg::CntvCtlEl0::Read();
  guest.timer.cval = sysreg::CntvCvalEl0::Read();
  sysreg::CntvCtlEl0::Write(0);
  SaveEl1(guest.el1);
  FpSave(&guest.fp);
  StoreGic(guest.gic);
  ActivateHostTraps();
  RestoreEl1(cpu.host_el1);
  RestoreHostVectors(cpu);
  ResumeProfiling(cpu.host_profiling);
  sysreg::ElrEl2::Write(cpu.host_point.pc);
  sysreg::SpsrEl2::Write(cpu.host_point.pstate);
  Isb();
}

ExitKind RunGuest(GuestState& guest) {
  switch (EnterGuest(&guest.registers)) {
    case GUEST_EXIT_SYNC:
      return ExitKind::kSynchronous;
    case GUEST_EXIT_IRQ:
      return ExitKind::kIrq;
    default:
      return ExitKind::kSerror;
  }
}

TimerState LiveTimer() {
  return {.ctl = sysreg::CntvCtlEl0::Read(), .cval = sysreg::CntvCvalEl0::Read()};
}

Syndrome ReadSyndrome() {
  return {.esr = sysreg::EsrEl2::Read(),
          .far = sysreg::FarEl2::Read(),
          .hpfar = sysreg::HpfarEl2::Read()};
}

Result<Ipa> TranslateFault(std::uint64_t far) {
  const std::uint64_t saved = sysreg::ParEl1::Read();
  asm volatile("at s1e1r, %0; isb" : : "r"(far) : "memory");
  const std::uint64_t par = sysreg::ParEl1::Read();
  sysreg::ParEl1::Write(saved);
  if ((par & Bit(0)) != 0) {
    return Failure{Error::kNotMapped};
  }
  return Ipa{Field<47, 12>::Make(Field<47, 12>::Get(par)) | Field<11, 0>::Get(far)};
}

El1State ResetEl1() {
  El1State state{};
  state.sctlr = 0x30d00800;  // RES1 bits: little endian, MMU and caches off (Arm ARM D23.2.147)
  state.actlr = sysreg::ActlrEl1::Read();
  return state;
}

namespace el1 {

std::uint64_t Vbar() { return sysreg::VbarEl1::Read(); }
std::uint64_t Sctlr() { return sysreg::SctlrEl1::Read(); }
void SetSyndrome(std::uint64_t esr) { sysreg::EsrEl1::Write(esr); }
void SetFaultAddress(std::uint64_t far) { sysreg::FarEl1::Write(far); }
void SetReturn(ExecutionPoint from) {
  sysreg::ElrEl1::Write(from.pc);
  sysreg::SpsrEl1::Write(from.pstate);
}
bool HasTags() { return CpuFeatures().mte; }

}  // namespace el1
}  // namespace ravelin::arch
