/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first instructions of the boot CPU. Entry as an arm64 Linux Image (Linux,
 * Documentation/arm64/booting.rst): MMU off, x0 = device tree, image at a multiple of 2 MiB, caches
 * clean for the image. Leaves for C++ at the link address with early tables (early_map.cc): first
 * step codes on the UART, so that a hang names its place.
 *
 * Step codes: 1 entered at EL2, 2 static data zeroed, 3 early tables built, 4 MMU on.
 */
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/macros.S"

	.section .head, "ax"
	.global __image_start
__image_start:
	b	ImageEntry			/* code0 */
	.long	0				/* code1 */
	.quad	0				/* text_offset: load at a multiple of 2 MiB */
	.quad	__image_size
	.quad	0xa				/* flags: little endian, 4 KiB pages, anywhere in RAM */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

FUNCTION ImageEntry
	mov	x19, x0				/* x19 = device tree, kept over the calls below */
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	.Lwrong_level
	EARLY_PUT '\r', x1, w2
	EARLY_PUT '\n', x1, w2
	EARLY_PUT '1', x1, w2

	adr	x0, __image_start
	tst	x0, #0x1fffff
	b.ne	.Lmisaligned

	/* A known state: MMU and caches off, EL1 in AArch64, EL2 not in host mode (E2H = 0). */
	msr	daifset, #0xf
	msr	spsel, #1
	ldr	x0, =0x30c50830			/* SCTLR_EL2: RES1 bits only (Arm ARM D23.2.148) */
	msr	sctlr_el2, x0
	isb
	mov	x0, #(1 << 31)			/* HCR_EL2.RW */
	msr	hcr_el2, x0
	isb
	mrs	x0, hcr_el2
	tbnz	x0, #34, .Lhost_mode_only

	/* Zero the static data: the loader has not. */
	adrp	x0, __bss_start
	add	x0, x0, :lo12:__bss_start
	adrp	x1, __bss_end
	add	x1, x1, :lo12:__bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	EARLY_PUT '2', x1, w2

	adrp	x0, __boot_stack_top
	add	x0, x0, :lo12:__boot_stack_top
	mov	sp, x0
	adrp	x0, __image_start
	add	x0, x0, :lo12:__image_start
	mov	x20, x0				/* x20 = load address */
	mov	x29, xzr
	mov	x30, xzr
	bl	BuildEarlyMap			/* -> x0 = physical address of struct CpuBoot */
	mov	x21, x0

	/* Drop lines that were fetched before the MMU-off stores above went to memory. */
	mov	x0, x20
	adrp	x1, __image_end
	add	x1, x1, :lo12:__image_end
3:	dc	ivac, x0
	add	x0, x0, #16
	cmp	x0, x1
	b.lo	3b
	dsb	sy
	EARLY_PUT '3', x1, w2

	mov	x0, x21
	ldr	x1, =.Lat_link_address
	b	EnableMmu
.Lat_link_address:
	ldr	x0, =__boot_stack_top
	mov	sp, x0
	mov	x29, xzr
	mov	x0, x19
	mov	x1, x20
	ldr	x2, =BootMain
	mov	x30, xzr
	br	x2

.Lwrong_level:
	adr	x3, .Lentered_el3
	cmp	x0, #(3 << 2)
	b.eq	.Lrefuse
	adr	x3, .Lentered_el1
	b	.Lrefuse
.Lmisaligned:
	adr	x3, .Lmisaligned_text
	b	.Lrefuse
.Lhost_mode_only:
	adr	x3, .Lhost_mode_text
.Lrefuse:
	ldr	x1, =RAVELIN_EARLY_UART
1:	ldrb	w2, [x3], #1
	cbz	w2, 2f
3:	ldr	w4, [x1, #0x18]			/* UARTFR.TXFF: the FIFO is full */
	tbnz	w4, #5, 3b
	str	w2, [x1]
	b	1b
2:	wfe
	b	2b
END_FUNCTION ImageEntry
	.ltorg
.Lentered_el1:
	.asciz	"\r\nRavelin: refused: entered at EL1, needs EL2 (QEMU: -M virt,virtualization=on)\r\n"
.Lentered_el3:
	.asciz	"\r\nRavelin: refused: entered at EL3, needs EL2 (start it from the firmware, not instead of it)\r\n"
.Lmisaligned_text:
	.asciz	"\r\nRavelin: refused: loaded at an address that is no multiple of 2 MiB\r\n"
.Lhost_mode_text:
	.asciz	"\r\nRavelin: refused: HCR_EL2.E2H is fixed to 1, needs a CPU with E2H = 0\r\n"
	.balign	8

/*
 * Code that is mapped at its physical address too (the identity page): it runs while the MMU goes
 * on or off.
 */
	.section .idmap, "ax"
	.balign	4096
	.global __idmap_start
__idmap_start:

/* EnableMmu(x0 = physical address of struct CpuBoot, x1 = address to go on at). MMU off on entry. */
FUNCTION EnableMmu
	ldr	x2, [x0, #CPU_BOOT_TTBR]
	ldr	x3, [x0, #CPU_BOOT_TCR]
	ldr	x4, [x0, #CPU_BOOT_MAIR]
	ldr	x5, [x0, #CPU_BOOT_SCTLR]
	msr	ttbr0_el2, x2
	msr	tcr_el2, x3
	msr	mair_el2, x4
	tlbi	alle2
	tlbi	alle1
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x5
	isb
	ret	x1				/* not BR: the target need not be a BTI landing pad */
END_FUNCTION EnableMmu

/*
 * SwitchTables(x0 = physical address of the new struct CpuBoot, x1 = where EnableMmu stands in the
 * new copy of the image, x2 = the return address): runs at its physical address. The MMU is off
 * between the two sets of tables, because both map the same addresses to different memory
 * (break-before-make, Arm ARM D8.16.1).
 */
FUNCTION SwitchTablesPhysical
	ldr	x3, =0x30c50830
	msr	sctlr_el2, x3
	isb
	mov	x3, x1
	mov	x1, x2
	br	x3
END_FUNCTION SwitchTablesPhysical

/*
 * A CPU that the PSCI relay has started or woken: MMU off, x0 = physical address of its struct
 * CpuBoot. Goes on in SecondaryMain with its own stack.
 */
FUNCTION SecondaryEntry
	msr	daifset, #0xf
	msr	spsel, #1
	mov	x19, x0
	ldr	x1, =0x30c50830
	msr	sctlr_el2, x1
	mov	x1, #(1 << 31)
	msr	hcr_el2, x1
	isb
	ldr	x20, [x19, #CPU_BOOT_PERCPU]
	ldr	x21, [x19, #CPU_BOOT_STACK]
	ldr	x22, [x19, #CPU_BOOT_VECTORS]
	ldr	x1, =.Lsecondary_linked
	b	EnableMmu
.Lsecondary_linked:
	mov	sp, x21
	msr	tpidr_el2, x20
	msr	vbar_el2, x22
	isb
	mov	x29, xzr
	mov	x30, xzr
	ldr	x16, =SecondaryMain
	br	x16
END_FUNCTION SecondaryEntry
	.ltorg
	.global __idmap_end
__idmap_end:

	.section .text.boot, "ax"
/* SwitchTables(x0 = new CpuBoot PA, x1 = new EnableMmu PA, x2 = SwitchTablesPhysical's PA). */
FUNCTION SwitchTables
	bti	c
	mov	x3, x2
	mov	x2, x30
	br	x3
END_FUNCTION SwitchTables

/* ContinueOnStack(x0 = first byte above the stack, x1 = function): does not return. */
FUNCTION ContinueOnStack
	bti	c
	mov	sp, x0
	mov	x29, xzr
	mov	x30, xzr
	mov	x16, x1
	br	x16
END_FUNCTION ContinueOnStack
