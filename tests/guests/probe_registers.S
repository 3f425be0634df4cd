// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// System registers that probe_guest reads: a table of {name, function that reads it}.

    .arch   armv8.5-a

    .macro  probe name, encoding
    .section .text.probe, "ax"
8:  bti     c
    mov     x0, #0
    mrs     x0, \encoding
    ret
    .section .rodata.probe_names, "a"
9:  .asciz  "\name"
    .section .rodata.probe_table, "a"
    .quad   9b, 8b
    .endm

    .section .rodata.probe_table, "a"
    .balign 8
    .globl  register_probes
register_probes:
    // What a VM's CPU has.
    probe   MIDR_EL1, S3_0_C0_C0_0
    probe   MPIDR_EL1, S3_0_C0_C0_5
    probe   ID_AA64PFR0_EL1, S3_0_C0_C4_0
    probe   ID_AA64PFR1_EL1, S3_0_C0_C4_1
    probe   ID_AA64ZFR0_EL1, S3_0_C0_C4_4
    probe   ID_AA64SMFR0_EL1, S3_0_C0_C4_5
    probe   ID_AA64DFR0_EL1, S3_0_C0_C5_0
    probe   ID_AA64MMFR1_EL1, S3_0_C0_C7_1
    // Debug and trace (Arm ARM D19.3).
    probe   MDSCR_EL1, S2_0_C0_C2_2
    probe   DBGBVR0_EL1, S2_0_C0_C0_4
    probe   DBGWVR0_EL1, S2_0_C0_C0_6
    probe   OSLSR_EL1, S2_0_C1_C1_4
    probe   TRCSTATR, S2_1_C0_C3_0
    probe   TRBLIMITR_EL1, S3_0_C9_C11_0
    probe   TRFCR_EL1, S3_0_C1_C2_1
    // Performance monitors, statistical profiling, activity monitors.
    probe   PMCR_EL0, S3_3_C9_C12_0
    probe   PMCCNTR_EL0, S3_3_C9_C13_0
    probe   PMEVCNTR0_EL0, S3_3_C14_C8_0
    probe   PMSCR_EL1, S3_0_C9_C9_0
    probe   PMBLIMITR_EL1, S3_0_C9_C10_0
    probe   AMCR_EL0, S3_3_C13_C2_0
    // Extensions that a protected VM does not have.
    probe   ZCR_EL1, S3_0_C1_C2_0
    probe   SMCR_EL1, S3_0_C1_C2_6
    probe   GCR_EL1, S3_0_C1_C0_6
    probe   RGSR_EL1, S3_0_C1_C0_5
    probe   LORID_EL1, S3_0_C10_C4_7
    // Not the guest's at all.
    probe   ACTLR_EL1, S3_0_C1_C0_1
    probe   HCR_EL2, S3_4_C1_C1_0
    probe   VTTBR_EL2, S3_4_C2_C1_0
    probe   TPIDR_EL2, S3_4_C13_C0_2
    probe   SCR_EL3, S3_6_C1_C1_0
    probe   IMPLEMENTATION_DEFINED, S3_0_C15_C0_0
    .section .rodata.probe_table, "a"
    .globl  register_probes_end
register_probes_end:

    .section .note.GNU-stack, "", %progbits
