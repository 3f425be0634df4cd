// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Entry of every guest payload, at EL1 with the MMU off and the size of guest memory in x0. Turns
// on an identity mapping, so that guest and host see the same memory through their caches, and
// calls GuestMain(x0).

#define DEVICE_BLOCK(address) ((address) | (3 << 53) | (1 << 10) | (1 << 2) | 1)
#define MEMORY_BLOCK(address) ((address) | (1 << 10) | (3 << 8) | (0 << 2) | 1)

#define MAIR_VALUE 0x04ff             // index 0: write-back memory; 1: Device-nGnRE
#define TCR_VALUE (32 | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23))  // 4 GiB, 4 KiB, TTBR1 off
#define SCTLR_VALUE 0x30d01805        // RES1 bits, I, C, M
#define CPACR_VALUE 0x03330000       // no traps of FP, SVE and SME to EL1

    .section .text.start, "ax"
    .globl _start
    .type _start, %function
_start:
    mov     x19, x0
    adrp    x1, __stack_top
    mov     sp, x1
    adrp    x1, __bss_start
    adrp    x2, __bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b

2:  bl      set_up_cpu
    mov     x0, x19
    bl      GuestMain
    b       PowerOff
    .size _start, . - _start

    // Where a CPU starts that PSCI has switched on: x0 = struct SecondaryStart (runtime.h).
    .globl SecondaryEntry
    .type SecondaryEntry, %function
SecondaryEntry:
    mov     x19, x0
    bl      set_up_cpu
    ldp     x1, x2, [x19]
    mov     sp, x1
    ldr     x0, [x19, #16]
    blr     x2
    b       PowerOff
    .size SecondaryEntry, . - SecondaryEntry

    // Vectors, FP and the mapping. Changes x1.
    .type set_up_cpu, %function
set_up_cpu:
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
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
    .size set_up_cpu, . - set_up_cpu
    .ltorg

    // Devices in the first GiB. The second has neither memory nor devices; the guest's memory
    // starts with the third.
    .section .rodata.level1_table, "a"
    .balign 4096
level1_table:
    .quad DEVICE_BLOCK(0x00000000)
    .quad MEMORY_BLOCK(0x40000000)
    .quad MEMORY_BLOCK(0x80000000)
    .quad MEMORY_BLOCK(0xc0000000)
    .space 4096 - 32

    .section .note.GNU-stack, "", %progbits
