// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The guest of the guest phase, copied to STORM_GUEST_CODE. MMU off, no stack. Each round it calls
// the monitor, counts in its data page, waits, and reads an address without memory. Every way out
// of the loop ends in an exit: VBAR_EL1 is 0, where the guest has no memory.

#include "hyp/abi/guest_call.h"
#include "tests/storm/entry.h"

    .section .rodata.guest_code, "a"
    .balign 4096
    .globl  storm_guest_begin
storm_guest_begin:
    movz    x20, #STORM_SECRET, lsl #48
    movz    x21, #(STORM_GUEST_DATA >> 16), lsl #16
    movk    x21, #(STORM_GUEST_DATA & 0xffff)
    movz    x22, #(STORM_GUEST_HOLE >> 16), lsl #16
    mov     x23, #0
1:  movz    w0, #(RAVELIN_SMCCC_VERSION >> 16), lsl #16
    mov     x1, #0
    mov     x2, #0
    mov     x3, #0
    hvc     #0
    mov     x26, #STORM_GUEST_STEPS
2:  add     x23, x23, #1
    orr     x24, x20, x23
    str     x24, [x21]
    subs    x26, x26, #1
    b.ne    2b
    wfi
    tst     x23, #(STORM_GUEST_STEPS * 4 - 1)
    b.ne    1b
    ldr     x25, [x22]
    b       1b
    .globl  storm_guest_end
storm_guest_end:

    .section .note.GNU-stack, "", %progbits
