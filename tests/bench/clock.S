// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// One instruction between readings of the counter (clock.h). The counter is coarser than an
// instruction, so it is read many times in a row: which of the readings is the first of a new tick
// tells the time of all of them to the instruction.

    .macro  read_counter
    .irp    number, 7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23
    mrs     x\number, cntpct_el0
    .endr
    .endm

    .macro  store_readings offset
    stp     x7, x8, [x29, #(\offset)]
    stp     x9, x10, [x29, #(\offset + 16)]
    stp     x11, x12, [x29, #(\offset + 32)]
    stp     x13, x14, [x29, #(\offset + 48)]
    stp     x15, x16, [x29, #(\offset + 64)]
    stp     x17, x18, [x29, #(\offset + 80)]
    stp     x19, x20, [x29, #(\offset + 96)]
    stp     x21, x22, [x29, #(\offset + 112)]
    str     x23, [x29, #(\offset + 128)]
    .endm

    // void name(const uint64_t in[7], struct Sample*): x0..x6 = in; out = x0..x3.
    .macro  measure name, instruction:vararg
    .globl  \name
    .type   \name, %function
\name:
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    mov     x28, x0
    mov     x29, x1
    read_counter
    store_readings 0
    ldp     x0, x1, [x28]
    ldp     x2, x3, [x28, #16]
    ldp     x4, x5, [x28, #32]
    ldr     x6, [x28, #48]
    \instruction
    read_counter
    store_readings 136
    stp     x0, x1, [x29, #272]
    stp     x2, x3, [x29, #288]
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret
    .size   \name, . - \name
    .endm

    // Among the probes, because an access may fault: it is skipped (tests/support/vectors.S).
    .section .text.probes, "ax"
    measure MeasureNothing, nop
    measure MeasureHvc, hvc #0
    measure MeasureSmc, smc #0
    measure MeasureRead, ldr x0, [x0]

    // For the check of the clock itself.
    .macro  hundred_nops
    .rept   100
    nop
    .endr
    .endm
    measure MeasureHundred, hundred_nops

    .section .note.GNU-stack, "", %progbits
