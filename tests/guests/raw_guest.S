// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A guest of one page, for tests that make a VM by raw host calls. MMU off, no stack. It reports by
// writes to the UART's page, which it guards:
//
//   offset 0    1: every register holds a canary now
//   offset 8    how many of them changed while the host looked
//   offset 16   what the page at kEmptyPage held when it was first read
//
// and shuts down. raw_guest.h has the canaries.

#include "hyp/abi/guest_call.h"
#include "tests/guests/raw_guest.h"

    .arch   armv8.5-a+simd

    .macro  for_registers action:vararg
    .irp    number, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    \action \number
    .endr
    .endm

    .macro  for_vectors action:vararg
    .irp    number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    \action \number
    .endr
    .irp    number, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \action \number
    .endr
    .endm

    // target = the canary of that number
    .macro  canary target, number
    movz    \target, #(RAW_CANARY >> 48) & 0xffff, lsl #48
    movk    \target, #(RAW_CANARY >> 32) & 0xffff, lsl #32
    movk    \target, #(RAW_CANARY >> 16) & 0xffff, lsl #16
    movk    \target, #((RAW_CANARY & 0xffff) + \number)
    .endm

    .macro  set_register number
    canary  x\number, \number
    .endm

    .macro  set_vector number
    canary  x2, \number + RAW_VECTOR_OFFSET
    dup     v\number\().2d, x2
    .endm

    // Adds 1 to x0 if the register is not its canary. Changes x1.
    .macro  check_register number
    canary  x1, \number
    cmp     x\number, x1
    cinc    x0, x0, ne
    .endm

    .macro  check_vector number
    canary  x1, \number + RAW_VECTOR_OFFSET
    umov    x2, v\number\().d[0]
    cmp     x2, x1
    cinc    x0, x0, ne
    umov    x2, v\number\().d[1]
    cmp     x2, x1
    cinc    x0, x0, ne
    .endm

    .macro  system_registers action
    \action tpidr_el0, RAW_SYSTEM_OFFSET
    \action tpidrro_el0, RAW_SYSTEM_OFFSET + 1
    \action tpidr_el1, RAW_SYSTEM_OFFSET + 2
    \action sp_el0, RAW_SYSTEM_OFFSET + 3
    \action elr_el1, RAW_SYSTEM_OFFSET + 4
    \action far_el1, RAW_SYSTEM_OFFSET + 5
    .endm

    .macro  set_system register, number
    canary  x2, \number
    msr     \register, x2
    .endm

    .macro  check_system register, number
    canary  x1, \number
    mrs     x2, \register
    cmp     x2, x1
    cinc    x0, x0, ne
    .endm

    .section .text.start, "ax"
    .globl  _start
_start:
    mov     x0, #(3 << 20)          // CPACR_EL1.FPEN
    msr     cpacr_el1, x0
    isb
    movz    w0, #RAVELIN_GUEST_MMIO_GUARD_MAP >> 16, lsl #16
    movk    w0, #RAVELIN_GUEST_MMIO_GUARD_MAP & 0xffff
    mov     x1, #RAW_REPORT_PAGE
    mov     x2, #0
    mov     x3, #0
    hvc     #0                      // a normal VM answers "not supported", and needs no guard

    for_vectors set_vector
    system_registers set_system
    for_registers set_register
    mov     x1, #RAW_REPORT_PAGE
    mov     x0, #1
    str     x0, [x1, #0]

    mov     x0, #0
    for_registers check_register
    for_vectors check_vector
    system_registers check_system
    mov     x1, #RAW_REPORT_PAGE
    str     x0, [x1, #8]

    movz    x2, #RAW_EMPTY_PAGE >> 16, lsl #16
    ldr     x0, [x2]
    str     x0, [x1, #16]

    movz    w0, #RAVELIN_PSCI_SYSTEM_OFF >> 16, lsl #16
    movk    w0, #RAVELIN_PSCI_SYSTEM_OFF & 0xffff
    hvc     #0
1:  b       1b

    .section .note.GNU-stack, "", %progbits
