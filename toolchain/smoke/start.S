// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

.section .text.start, "ax"
.globl _start
.type _start, %function
_start:
    bl Smoke
1:  wfe
    b 1b
.size _start, . - _start
.section .note.GNU-stack, "", %progbits
