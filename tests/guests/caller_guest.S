// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A guest of one page that makes the calls which its host tells it to make, for ever
// (caller_guest.h). MMU off, no stack.

#include "hyp/abi/guest_call.h"
#include "tests/guests/caller_guest.h"

    .section .text.start, "ax"
    .globl  _start
_start:
    movz    w0, #RAVELIN_GUEST_MMIO_GUARD_MAP >> 16, lsl #16
    movk    w0, #RAVELIN_GUEST_MMIO_GUARD_MAP & 0xffff
    mov     x1, #CALLER_PAGE
    mov     x2, #0
    mov     x3, #0
    hvc     #0                      // a normal VM answers "not supported", and needs no guard

1:  mov     x10, #CALLER_PAGE
    ldr     x0, [x10, #0]
    ldr     x1, [x10, #8]
    ldr     x2, [x10, #16]
    ldr     x3, [x10, #24]
    cmp     x0, #CALLER_STORE
    b.eq    2f
    cmp     x0, #CALLER_LOAD
    b.eq    3f
    hvc     #0
    b       4f
2:  str     x2, [x1]
    b       4f
3:  ldr     x0, [x1]
4:  mov     x10, #CALLER_PAGE
    str     x0, [x10, #CALLER_RESULT]
    b       1b

    .section .note.GNU-stack, "", %progbits
