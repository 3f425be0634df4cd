// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// guest_code.h says what each of them does.

    .macro  guest name
    .balign 8
    .globl  \name
\name:
    .endm

    .macro  end_of name
    .globl  \name\()End
\name\()End:
    .word   0
    .endm

    .macro  shut_down
    mov     w0, #0x84000000         // PSCI SYSTEM_OFF
    orr     w0, w0, #8
    hvc     #0
    b       .
    .endm

    .section .rodata.guest_code, "a"

    guest   kSpinGuest
    b       .
    end_of  kSpinGuest

    guest   kMmioGuest
    mov     x9, x0
    mov     x1, x0
    mov     x2, #0
    mov     x3, #0
    movz    w0, #0xc600, lsl #16    // MMIO_GUARD_MAP; a normal VM answers "not supported"
    movk    w0, #7
    hvc     #0
    ldr     w10, [x9]
    add     w10, w10, #1
    str     w10, [x9, #8]
    shut_down
    end_of  kMmioGuest

    guest   kOffGuest
    shut_down
    end_of  kOffGuest

    guest   kTouchGuest
1:  cbz     x1, 2f
    str     x1, [x0]
    add     x0, x0, #4096
    sub     x1, x1, #1
    b       1b
2:  shut_down
    end_of  kTouchGuest

    .section .note.GNU-stack, "", %progbits
