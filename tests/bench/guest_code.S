// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A guest that does what it reads from a device, copied to BENCH_GUEST_CODE. MMU off, no stack. All
// operations take the same path, so that the difference of two is what EL2 does for them.

#include "hyp/abi/guest_call.h"
#include "tests/bench/entry.h"

    .macro  operation instructions:vararg
    .balign 16
    \instructions
    b       done
    .endm

    .section .rodata.guest_code, "a"
    .balign 4096
    .globl  bench_guest_begin
bench_guest_begin:
    movz    x20, #(BENCH_GUEST_DEVICE >> 16), lsl #16
    ldr     w0, guard_call
    mov     x1, x20
    mov     x2, #0
    mov     x3, #0
    hvc     #0

next:
    ldr     x8, [x20]
    and     x9, x8, #0xf            // the first of BENCH_GUEST_STEPS instructions
    and     x1, x8, #0xfffff000
    lsr     x0, x8, #32
    mov     x2, #0
    mov     x3, #0
    adr     x10, operations
    add     x10, x10, x9, lsl #4
    br      x10
done:
    str     x0, [x20, #8]
    b       next

    .balign 16
operations:
    operation nop
    operation hvc #0
    operation ldr x0, [x1]
    operation mrs x0, ctr_el0
    operation mrs x0, id_aa64pfr0_el1
    .balign 16
    wfi
    wfi
    b       done

guard_call:
    .word   RAVELIN_GUEST_MMIO_GUARD_MAP
    .globl  bench_guest_end
bench_guest_end:

    .section .note.GNU-stack, "", %progbits
