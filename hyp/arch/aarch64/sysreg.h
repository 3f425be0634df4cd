// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// System registers by name: the only file that knows MRS and MSR. A register's access right is in
// its type: writing a read-only register does not compile. A register of an optional feature is
// named by its encoding, so that an assembler for Armv8.0 accepts it; its user checks the feature.
// Fields and meanings: Arm ARM (DDI 0487) chapter D23.
#pragma once

#include <cstdint>

#define RAVELIN_SYSREG_RO(Name, text)              \
  struct Name {                                    \
    static std::uint64_t Read() {                  \
      std::uint64_t value;                         \
      asm volatile("mrs %0, " text : "=r"(value)); \
      return value;                                \
    }                                              \
  }

#define RAVELIN_SYSREG_RW(Name, text)                             \
  struct Name {                                                   \
    static std::uint64_t Read() {                                 \
      std::uint64_t value;                                        \
      asm volatile("mrs %0, " text : "=r"(value));                \
      return value;                                               \
    }                                                             \
    static void Write(std::uint64_t value) {                      \
      asm volatile("msr " text ", %0" : : "r"(value) : "memory"); \
    }                                                             \
  }

namespace ravelin::sysreg {

// Identification
RAVELIN_SYSREG_RO(MidrEl1, "midr_el1");
RAVELIN_SYSREG_RO(MpidrEl1, "mpidr_el1");
RAVELIN_SYSREG_RO(CtrEl0, "ctr_el0");
RAVELIN_SYSREG_RO(DczidEl0, "dczid_el0");
RAVELIN_SYSREG_RO(ClidrEl1, "clidr_el1");
RAVELIN_SYSREG_RO(IdAa64Pfr0El1, "id_aa64pfr0_el1");
RAVELIN_SYSREG_RO(IdAa64Pfr1El1, "id_aa64pfr1_el1");
RAVELIN_SYSREG_RO(IdAa64Smfr0El1, "S3_0_C0_C4_5");
RAVELIN_SYSREG_RO(IdAa64Isar0El1, "id_aa64isar0_el1");
RAVELIN_SYSREG_RO(IdAa64Isar1El1, "id_aa64isar1_el1");
RAVELIN_SYSREG_RO(IdAa64Isar2El1, "S3_0_C0_C6_2");
RAVELIN_SYSREG_RO(IdAa64Mmfr0El1, "id_aa64mmfr0_el1");
RAVELIN_SYSREG_RO(IdAa64Mmfr1El1, "id_aa64mmfr1_el1");
RAVELIN_SYSREG_RO(IdAa64Mmfr2El1, "S3_0_C0_C7_2");
RAVELIN_SYSREG_RO(IdAa64Mmfr3El1, "S3_0_C0_C7_3");
RAVELIN_SYSREG_RO(IdAa64Dfr0El1, "id_aa64dfr0_el1");

// The monitor's own regime and what it traps
RAVELIN_SYSREG_RW(HcrEl2, "hcr_el2");
RAVELIN_SYSREG_RW(HcrxEl2, "S3_4_C1_C2_2");
RAVELIN_SYSREG_RW(CptrEl2, "cptr_el2");
RAVELIN_SYSREG_RW(MdcrEl2, "mdcr_el2");
RAVELIN_SYSREG_RW(HstrEl2, "hstr_el2");
RAVELIN_SYSREG_RW(CnthctlEl2, "cnthctl_el2");
RAVELIN_SYSREG_RW(CntvoffEl2, "cntvoff_el2");
RAVELIN_SYSREG_RW(SctlrEl2, "sctlr_el2");
RAVELIN_SYSREG_RW(TcrEl2, "tcr_el2");
RAVELIN_SYSREG_RW(MairEl2, "mair_el2");
RAVELIN_SYSREG_RW(Ttbr0El2, "ttbr0_el2");
RAVELIN_SYSREG_RW(VbarEl2, "vbar_el2");
RAVELIN_SYSREG_RW(TpidrEl2, "tpidr_el2");
RAVELIN_SYSREG_RW(VtcrEl2, "vtcr_el2");
RAVELIN_SYSREG_RW(VttbrEl2, "vttbr_el2");
RAVELIN_SYSREG_RW(VpidrEl2, "vpidr_el2");
RAVELIN_SYSREG_RW(VmpidrEl2, "vmpidr_el2");
RAVELIN_SYSREG_RW(EsrEl2, "esr_el2");
RAVELIN_SYSREG_RW(FarEl2, "far_el2");
RAVELIN_SYSREG_RW(HpfarEl2, "hpfar_el2");
RAVELIN_SYSREG_RW(ElrEl2, "elr_el2");
RAVELIN_SYSREG_RW(SpsrEl2, "spsr_el2");
RAVELIN_SYSREG_RW(VsesrEl2, "S3_4_C5_C2_3");
RAVELIN_SYSREG_RW(VdisrEl2, "S3_4_C12_C1_1");
RAVELIN_SYSREG_RW(ZcrEl2, "S3_4_C1_C2_0");
RAVELIN_SYSREG_RW(SmcrEl2, "S3_4_C1_C2_6");
RAVELIN_SYSREG_RW(Mpam2El2, "S3_4_C10_C5_0");
RAVELIN_SYSREG_RW(MpamhcrEl2, "S3_4_C10_C4_0");
RAVELIN_SYSREG_RW(HfgrtrEl2, "S3_4_C1_C1_4");
RAVELIN_SYSREG_RW(HfgwtrEl2, "S3_4_C1_C1_5");
RAVELIN_SYSREG_RW(HfgitrEl2, "S3_4_C1_C1_6");
RAVELIN_SYSREG_RW(HdfgrtrEl2, "S3_4_C3_C1_4");
RAVELIN_SYSREG_RW(HdfgwtrEl2, "S3_4_C3_C1_5");
RAVELIN_SYSREG_RW(HafgrtrEl2, "S3_4_C3_C1_6");
RAVELIN_SYSREG_RW(IccSreEl2, "S3_4_C12_C9_5");

// GICv3: the virtual CPU interface and SGIs
RAVELIN_SYSREG_RW(IchHcrEl2, "S3_4_C12_C11_0");
RAVELIN_SYSREG_RO(IchVtrEl2, "S3_4_C12_C11_1");
RAVELIN_SYSREG_RO(IchMisrEl2, "S3_4_C12_C11_2");
RAVELIN_SYSREG_RW(IchVmcrEl2, "S3_4_C12_C11_7");
RAVELIN_SYSREG_RW(IchAp0r0El2, "S3_4_C12_C8_0");
RAVELIN_SYSREG_RW(IchAp0r1El2, "S3_4_C12_C8_1");
RAVELIN_SYSREG_RW(IchAp0r2El2, "S3_4_C12_C8_2");
RAVELIN_SYSREG_RW(IchAp0r3El2, "S3_4_C12_C8_3");
RAVELIN_SYSREG_RW(IchAp1r0El2, "S3_4_C12_C9_0");
RAVELIN_SYSREG_RW(IchAp1r1El2, "S3_4_C12_C9_1");
RAVELIN_SYSREG_RW(IchAp1r2El2, "S3_4_C12_C9_2");
RAVELIN_SYSREG_RW(IchAp1r3El2, "S3_4_C12_C9_3");
RAVELIN_SYSREG_RW(IchLr0El2, "S3_4_C12_C12_0");
RAVELIN_SYSREG_RW(IchLr1El2, "S3_4_C12_C12_1");
RAVELIN_SYSREG_RW(IchLr2El2, "S3_4_C12_C12_2");
RAVELIN_SYSREG_RW(IchLr3El2, "S3_4_C12_C12_3");
RAVELIN_SYSREG_RW(IchLr4El2, "S3_4_C12_C12_4");
RAVELIN_SYSREG_RW(IchLr5El2, "S3_4_C12_C12_5");
RAVELIN_SYSREG_RW(IchLr6El2, "S3_4_C12_C12_6");
RAVELIN_SYSREG_RW(IchLr7El2, "S3_4_C12_C12_7");
RAVELIN_SYSREG_RW(IchLr8El2, "S3_4_C12_C13_0");
RAVELIN_SYSREG_RW(IchLr9El2, "S3_4_C12_C13_1");
RAVELIN_SYSREG_RW(IchLr10El2, "S3_4_C12_C13_2");
RAVELIN_SYSREG_RW(IchLr11El2, "S3_4_C12_C13_3");
RAVELIN_SYSREG_RW(IchLr12El2, "S3_4_C12_C13_4");
RAVELIN_SYSREG_RW(IchLr13El2, "S3_4_C12_C13_5");
RAVELIN_SYSREG_RW(IchLr14El2, "S3_4_C12_C13_6");
RAVELIN_SYSREG_RW(IchLr15El2, "S3_4_C12_C13_7");
RAVELIN_SYSREG_RW(IccSgi1rEl1, "S3_0_C12_C11_5");

// Counters and timers
RAVELIN_SYSREG_RO(CntpctEl0, "cntpct_el0");
RAVELIN_SYSREG_RO(CntfrqEl0, "cntfrq_el0");
RAVELIN_SYSREG_RW(CntvCtlEl0, "cntv_ctl_el0");
RAVELIN_SYSREG_RW(CntvCvalEl0, "cntv_cval_el0");
RAVELIN_SYSREG_RW(CntkctlEl1, "cntkctl_el1");

// EL1 and EL0, switched between the host and guests
RAVELIN_SYSREG_RW(SctlrEl1, "sctlr_el1");
RAVELIN_SYSREG_RW(ActlrEl1, "actlr_el1");
RAVELIN_SYSREG_RW(CpacrEl1, "cpacr_el1");
RAVELIN_SYSREG_RW(Ttbr0El1, "ttbr0_el1");
RAVELIN_SYSREG_RW(Ttbr1El1, "ttbr1_el1");
RAVELIN_SYSREG_RW(TcrEl1, "tcr_el1");
RAVELIN_SYSREG_RW(EsrEl1, "esr_el1");
RAVELIN_SYSREG_RW(Afsr0El1, "afsr0_el1");
RAVELIN_SYSREG_RW(Afsr1El1, "afsr1_el1");
RAVELIN_SYSREG_RW(FarEl1, "far_el1");
RAVELIN_SYSREG_RW(MairEl1, "mair_el1");
RAVELIN_SYSREG_RW(AmairEl1, "amair_el1");
RAVELIN_SYSREG_RW(VbarEl1, "vbar_el1");
RAVELIN_SYSREG_RW(ContextidrEl1, "contextidr_el1");
RAVELIN_SYSREG_RW(TpidrEl0, "tpidr_el0");
RAVELIN_SYSREG_RW(TpidrroEl0, "tpidrro_el0");
RAVELIN_SYSREG_RW(TpidrEl1, "tpidr_el1");
RAVELIN_SYSREG_RW(ParEl1, "par_el1");
RAVELIN_SYSREG_RW(SpEl0, "sp_el0");
RAVELIN_SYSREG_RW(SpEl1, "sp_el1");
RAVELIN_SYSREG_RW(ElrEl1, "elr_el1");
RAVELIN_SYSREG_RW(SpsrEl1, "spsr_el1");
RAVELIN_SYSREG_RW(CsselrEl1, "csselr_el1");
RAVELIN_SYSREG_RW(MdscrEl1, "mdscr_el1");
RAVELIN_SYSREG_RW(DisrEl1, "S3_0_C12_C1_1");
RAVELIN_SYSREG_RW(ScxtnumEl0, "S3_3_C13_C0_7");
RAVELIN_SYSREG_RW(ScxtnumEl1, "S3_0_C13_C0_7");
RAVELIN_SYSREG_RW(ZcrEl1, "S3_0_C1_C2_0");
RAVELIN_SYSREG_RW(Svcr, "S3_3_C4_C2_2");
RAVELIN_SYSREG_RW(PmcrEl0, "pmcr_el0");
RAVELIN_SYSREG_RW(PmuserenrEl0, "pmuserenr_el0");
RAVELIN_SYSREG_RW(PmscrEl1, "S3_0_C9_C9_0");  // SPE
RAVELIN_SYSREG_RW(TrfcrEl1, "S3_0_C1_C2_1");  // trace filter

}  // namespace ravelin::sysreg
