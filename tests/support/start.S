// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Entry as an arm64 Image, at EL1 with the MMU off and x0 = device tree; of further CPUs with x0 =
// their number. Both turn on an identity mapping with caches. A wrong load address: waits for ever.

#include "tests/support/entry.h"

#define DEVICE_BLOCK ((3 << 53) | (1 << 10) | (1 << 2) | 1)
#define MEMORY_BLOCK ((1 << 10) | (3 << 8) | (0 << 2) | 1)

#define MAIR_VALUE 0x04ff  // index 0: write-back memory; 1: Device-nGnRE
// 512 GiB, 4 KiB, inner shareable, write-back; TTBR1 off; 40-bit addresses
#define TCR_VALUE (25 | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23) | (2 << 32))
#define SCTLR_VALUE 0x30d01805  // RES1 bits, I, C, M
#define CPACR_VALUE 0x00300000  // no traps of FP

    .section .text.start, "ax"
    .globl  _start
_start:
    b       BootEntry
    .long   0
    .quad   0                       // text_offset
    .quad   __image_size
    .quad   0xa                     // little endian, 4 KiB pages, anywhere in RAM
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

BootEntry:
    mov     x19, x0
    adr     x0, _start
    ldr     x1, =_start
    cmp     x0, x1
0:  b.ne    0b
    adrp    x1, __bss_start
    adrp    x2, __bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  mov     x0, #0
    bl      SetUpCpu
    mov     x0, x19
    bl      PayloadMain
3:  b       3b

    .globl  SecondaryEntry
SecondaryEntry:
    mov     x19, x0
    bl      SetUpCpu
    mov     x0, x19
    bl      SecondaryMain
4:  b       4b

    // x0 = number of the CPU: its stack, vectors and MMU. Keeps x19.
SetUpCpu:
    msr     tpidrro_el0, x0
    adrp    x1, __stacks
    add     x0, x0, #1
    add     x1, x1, x0, lsl #PAYLOAD_STACK_SHIFT
    mov     sp, x1
    adrp    x1, PayloadVectors
    add     x1, x1, :lo12:PayloadVectors
    msr     vbar_el1, x1
    ldr     x1, =CPACR_VALUE
    msr     cpacr_el1, x1
    mov     x1, #MAIR_VALUE
    msr     mair_el1, x1
    ldr     x1, =TCR_VALUE
    msr     tcr_el1, x1
    adrp    x1, level1_table
    msr     ttbr0_el1, x1
    dsb     sy
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x1, =SCTLR_VALUE
    msr     sctlr_el1, x1
    isb
    ret
    .ltorg

    // Devices in the first GiB, memory above.
    .section .rodata.level1_table, "a"
    .balign 4096
level1_table:
    .quad   DEVICE_BLOCK
    .set    block, 1
    .rept   511
    .quad   MEMORY_BLOCK + (block << 30)
    .set    block, block + 1
    .endr

    .section .note.GNU-stack, "", %progbits
