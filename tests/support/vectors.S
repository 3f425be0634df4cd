// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Calls with canaries, accesses that may fault, and the vectors that survive those.

#include "tests/support/entry.h"

    .macro  for_canaries action:vararg
    .irp    number, 7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    \action \number
    .endr
    .endm

    .macro  set_canary number
    movz    x\number, #(PAYLOAD_CANARY + \number), lsl #48
    .endm

    // Adds 1 to x0 if the register is not its canary. Changes x1.
    .macro  check_canary number
    movz    x1, #(PAYLOAD_CANARY + \number), lsl #48
    cmp     x\number, x1
    cinc    x0, x0, ne
    .endm

    .macro  check_argument number
    ldr     x2, [x1, #(8 * \number)]
    cmp     x\number, x2
    cinc    x0, x0, ne
    .endm

    // uint64_t name(const uint64_t in[7], uint64_t out[4]): x0..x6 = in, out = x0..x3; returns how
    // many of x4..x30 changed.
    .macro  call_function name, instruction:vararg
    .globl  \name
    .type   \name, %function
\name:
    stp     x29, x30, [sp, #-112]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     x0, x1, [sp, #96]
    mov     x7, x0
    ldp     x0, x1, [x7]
    ldp     x2, x3, [x7, #16]
    ldp     x4, x5, [x7, #32]
    ldr     x6, [x7, #48]
    for_canaries set_canary
    \instruction
    stp     x0, x1, [sp, #-32]!
    stp     x2, x3, [sp, #16]
    mov     x0, #0
    for_canaries check_canary
    ldr     x1, [sp, #(96 + 32)]
    check_argument 4
    check_argument 5
    check_argument 6
    ldr     x1, [sp, #(104 + 32)]
    ldp     x4, x5, [sp], #16
    stp     x4, x5, [x1]
    ldp     x4, x5, [sp], #16
    stp     x4, x5, [x1, #16]
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #112
    ret
    .size   \name, . - \name
    .endm

    .text
    call_function CallByHvc, hvc #0
    call_function CallBySmc, smc #0

    .section .text.probes, "ax"
    // x0 = address -> x0 = what is there, x1 = 0; or x1 = syndrome of the fault
    .globl  ProbeRead
ProbeRead:
    mov     x2, x0
    mov     x0, #0
    msr     tpidr_el1, xzr
    ldr     x0, [x2]
    mrs     x1, tpidr_el1
    ret

    // x0 = address: reads a word and writes it back -> x0, x1 = syndromes of the faults
    .globl  ProbeReadWrite
ProbeReadWrite:
    mov     x2, x0
    mov     x3, #0
    msr     tpidr_el1, xzr
    ldr     x3, [x2]
    mrs     x0, tpidr_el1
    msr     tpidr_el1, xzr
    str     x3, [x2]
    mrs     x1, tpidr_el1
    ret

    // x0 = address, x1 = value -> x0 = syndrome of the fault
    .globl  ProbeWrite
ProbeWrite:
    msr     tpidr_el1, xzr
    str     x1, [x0]
    mrs     x0, tpidr_el1
    ret

    .macro  unexpected number
    .balign 128
    mov     x0, #\number
    bl      UnexpectedException
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .globl  PayloadVectors
PayloadVectors:
    .irp    number, 0, 1, 2, 3
    unexpected \number
    .endr
    .balign 128
    b       Synchronous
    .irp    number, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    unexpected \number
    .endr

    // An access of a probe is skipped, with its syndrome in TPIDR_EL1. Only probes fault, and they
    // are calls for their caller: x9..x11 are free.
    .balign 128
Synchronous:
    mrs     x9, elr_el1
    adrp    x10, __probes_begin
    add     x10, x10, :lo12:__probes_begin
    cmp     x9, x10
    b.lo    1f
    adrp    x10, __probes_end
    add     x10, x10, :lo12:__probes_end
    cmp     x9, x10
    b.hs    1f
    mrs     x11, esr_el1
    msr     tpidr_el1, x11
    add     x9, x9, #4
    msr     elr_el1, x9
    eret
1:  mov     x0, #4
    bl      UnexpectedException

    .section .note.GNU-stack, "", %progbits
