// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// SMC Calling Convention (DEN 0028): void CallBy...(const SmcccArguments* in, SmcccResults* out)
// loads x0..x6, makes the call and stores x0..x3.

    .macro smccc_function name, instruction:vararg
    .globl \name
    .type \name, %function
\name:
    bti     c
    stp     x29, x30, [sp, #-32]!
    mov     x29, sp
    str     x1, [sp, #16]
    mov     x8, x0
    ldp     x0, x1, [x8]
    ldp     x2, x3, [x8, #16]
    ldp     x4, x5, [x8, #32]
    ldr     x6, [x8, #48]
    \instruction
    ldr     x8, [sp, #16]
    stp     x0, x1, [x8]
    stp     x2, x3, [x8, #16]
    ldp     x29, x30, [sp], #32
    ret
    .size \name, . - \name
    .endm

    .arch   armv8.5-a
    .text
    smccc_function CallByHvc, hvc #0
    smccc_function CallByHvc1, hvc #1
    smccc_function CallBySmc, smc #0
    smccc_function CallBySmc1, smc #1

    .section .note.GNU-stack, "", %progbits
