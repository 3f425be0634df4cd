// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// WaitWithSecret(x0 = secret, x1 = command register), see secret_registers.h. While it waits, the
// only registers without the secret are x0..x18, x29 and x30.

    // q(first)..q(first + 3) hold the whole secret.
    .macro  load_four first
    load_vector \first, 0, 0
    load_vector \first, 1, 16
    load_vector \first, 2, 32
    load_vector \first, 3, 48
    .endm

    .macro  load_vector first, step, offset
    .altmacro
    load_numbered %(\first + \step), \offset
    .noaltmacro
    .endm

    .macro  load_numbered number, offset
    ldr     q\number, [x0, #\offset]
    .endm

    // Counts in x3 which of two registers differ from the secret at `offset`.
    .macro  compare_pair low, high, offset
    ldp     x4, x5, [x0, #\offset]
    cmp     \low, x4
    cinc    x3, x3, ne
    cmp     \high, x5
    cinc    x3, x3, ne
    .endm

    .macro  compare_four first
    compare_vector \first, 0, 0
    compare_vector \first, 1, 16
    compare_vector \first, 2, 32
    compare_vector \first, 3, 48
    .endm

    .macro  compare_vector first, step, offset
    .altmacro
    compare_numbered %(\first + \step), \offset
    .noaltmacro
    .endm

    .macro  compare_numbered number, offset
    umov    x6, v\number\().d[0]
    umov    x7, v\number\().d[1]
    compare_pair x6, x7, \offset
    .endm

    .arch   armv8.5-a+simd
    .text
    .globl  WaitWithSecret
    .type   WaitWithSecret, %function
WaitWithSecret:
    bti     c
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]

    ldp     x19, x20, [x0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0]
    .irp    group, 0, 4, 8, 12, 16, 20, 24, 28
    load_four \group
    .endr

1:  ldr     x2, [x1]
    cmp     x2, #1
    b.eq    1b

    mov     x3, #0
    compare_pair x19, x20, 0
    compare_pair x21, x22, 16
    compare_pair x23, x24, 32
    compare_pair x25, x26, 48
    compare_pair x27, x28, 0
    .irp    group, 0, 4, 8, 12, 16, 20, 24, 28
    compare_four \group
    .endr
    mov     x0, x3

    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret
    .size   WaitWithSecret, . - WaitWithSecret

    .section .note.GNU-stack, "", %progbits
