/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exception vectors of EL2 (Arm ARM D1.3.1.5): one table while the host runs, one while a guest
 * runs, so that no instruction asks which of the two it was. Exceptions of EL2 itself end in the
 * panic report, on a stack of its own: the fault may be a stack that ran into its guard page.
 */
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/macros.S"

.macro VECTOR target
	.balign	0x80
	b	\target
.endm

/* The monitor's own exception: never returns, so host registers may serve as scratch. */
.macro MONITOR_VECTOR kind
	.balign	0x80
	msr	tpidr_el0, x0
	msr	tpidrro_el0, x1
	mov	x1, #\kind
	b	MonitorFault
.endm

.macro MONITOR_VECTORS
	MONITOR_VECTOR 0
	MONITOR_VECTOR 1
	MONITOR_VECTOR 2
	MONITOR_VECTOR 3
	MONITOR_VECTOR 4
	MONITOR_VECTOR 5
	MONITOR_VECTOR 6
	MONITOR_VECTOR 7
.endm

	.section .text.vectors, "ax"
	.balign	0x800
	.global HostVectors
HostVectors:
	MONITOR_VECTORS
	VECTOR	HostSync
	VECTOR	HostUnexpected		/* IRQs go to EL1 while the host runs (HCR_EL2.IMO = 0) */
	VECTOR	HostUnexpected
	VECTOR	HostSerror
	VECTOR	HostSync		/* from AArch32: the host kernel is 64-bit, its processes may not be */
	VECTOR	HostUnexpected
	VECTOR	HostUnexpected
	VECTOR	HostSerror

	.balign	0x800
	.global GuestVectors
GuestVectors:
	MONITOR_VECTORS
	VECTOR	GuestSync
	VECTOR	GuestIrq
	VECTOR	GuestIrq
	VECTOR	GuestSerror
	VECTOR	GuestSync
	VECTOR	GuestIrq
	VECTOR	GuestIrq
	VECTOR	GuestSerror

	.balign	0x800
	.global BootVectors		/* before the first CPU has its per-CPU data */
BootVectors:
	.rept	16
	.balign	0x80
	mov	x0, #0
	b	BootFault
	.endr

	.text

/* x0..x30 lie at 8 * n from their base, in a struct TrapFrame and in a struct GuestRegisters. */
.macro STORE_X4_TO_X30 base
	stp	x4, x5, [\base, #32]
	stp	x6, x7, [\base, #48]
	stp	x8, x9, [\base, #64]
	stp	x10, x11, [\base, #80]
	stp	x12, x13, [\base, #96]
	stp	x14, x15, [\base, #112]
	stp	x16, x17, [\base, #128]
	stp	x18, x19, [\base, #144]
	stp	x20, x21, [\base, #160]
	stp	x22, x23, [\base, #176]
	stp	x24, x25, [\base, #192]
	stp	x26, x27, [\base, #208]
	stp	x28, x29, [\base, #224]
	str	x30, [\base, #240]
.endm

.macro LOAD_X2_TO_X30 base
	ldp	x2, x3, [\base, #16]
	ldp	x4, x5, [\base, #32]
	ldp	x6, x7, [\base, #48]
	ldp	x8, x9, [\base, #64]
	ldp	x10, x11, [\base, #80]
	ldp	x12, x13, [\base, #96]
	ldp	x14, x15, [\base, #112]
	ldp	x16, x17, [\base, #128]
	ldp	x18, x19, [\base, #144]
	ldp	x20, x21, [\base, #160]
	ldp	x22, x23, [\base, #176]
	ldp	x24, x25, [\base, #192]
	ldp	x26, x27, [\base, #208]
	ldp	x28, x29, [\base, #224]
	ldr	x30, [\base, #240]
.endm

/* Spills x0..x30 as a struct TrapFrame on the stack. */
.macro SAVE_FRAME
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	STORE_X4_TO_X30 sp
.endm

/*
 * Calls a C++ handler with x0 = struct HostFrame, of the registers that it may change. The frame
 * pointer chain ends here: the host is not ours.
 */
.macro HOST_TRAP name, handler
FUNCTION \name
	stp	x0, x1, [sp, #-HOST_FRAME_SIZE]!
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	mov	x29, xzr
	mov	x0, sp
	bl	\handler
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	ldp	x0, x1, [sp], #HOST_FRAME_SIZE
	eret
	sb_or_barrier
END_FUNCTION \name
.endm

/* No speculation beyond an exception return (CVE-2020-13844 class). */
.macro sb_or_barrier
	dsb	nsh
	isb
.endm

HOST_TRAP HostSync, HandleHostSync
HOST_TRAP HostSerror, HandleHostSerror
HOST_TRAP HostUnexpected, HandleHostUnexpected

/* EnterHost(x0 = struct TrapFrame of the host's first registers): does not return. */
FUNCTION EnterHost
	bti	c
	mrs	x1, tpidr_el2
	ldr	x1, [x1, #PERCPU_STACK]
	mov	sp, x0
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldr	x0, [sp, #0]
	mov	sp, x1
	mov	x1, xzr
	mov	x8, xzr
	mov	x9, xzr
	mov	x10, xzr
	mov	x11, xzr
	mov	x12, xzr
	mov	x13, xzr
	mov	x14, xzr
	mov	x15, xzr
	mov	x16, xzr
	mov	x17, xzr
	mov	x18, xzr
	mov	x19, xzr
	mov	x20, xzr
	mov	x21, xzr
	mov	x22, xzr
	mov	x23, xzr
	mov	x24, xzr
	mov	x25, xzr
	mov	x26, xzr
	mov	x27, xzr
	mov	x28, xzr
	mov	x29, xzr
	mov	x30, xzr
	eret
	sb_or_barrier
END_FUNCTION EnterHost

/* From MONITOR_VECTOR: x0, x1 saved in TPIDR_EL0 and TPIDRRO_EL0, x1 = vector number. */
FUNCTION MonitorFault
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #PERCPU_PANIC_STACK]
	sub	x0, x0, #(FRAME_SIZE + 16)
	str	x1, [x0, #FRAME_SIZE]
	mov	x1, sp
	str	x1, [x0, #(FRAME_SIZE + 8)]
	mov	sp, x0
	add	sp, sp, #FRAME_SIZE
	mrs	x0, tpidr_el0
	mrs	x1, tpidrro_el0
	SAVE_FRAME
	mov	x0, sp
	ldr	x1, [sp, #FRAME_SIZE]
	ldr	x2, [sp, #(FRAME_SIZE + 8)]
	bl	HandleMonitorFault
1:	wfe
	b	1b
END_FUNCTION MonitorFault

FUNCTION BootFault
	ldr	x1, =__boot_stack_top
	mov	sp, x1
	bl	HandleBootFault
1:	wfe
	b	1b
END_FUNCTION BootFault

/*
 * EnterGuest(x0 = struct GuestRegisters) -> w0 = GUEST_EXIT_*: an ordinary call for its C++ caller.
 * The callee-saved registers of the monitor stay on the stack while the guest runs; PERCPU_GUEST
 * tells the vectors where the guest's registers go.
 */
FUNCTION EnterGuest
	bti	c
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mrs	x1, tpidr_el2
	str	x0, [x1, #PERCPU_GUEST]
	ldr	x1, [x0, #GUEST_PC]
	ldr	x2, [x0, #GUEST_PSTATE]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	LOAD_X2_TO_X30 x0
	ldp	x0, x1, [x0, #0]
	eret
	sb_or_barrier
END_FUNCTION EnterGuest

.macro GUEST_EXIT name, kind
FUNCTION \name
	stp	x0, x1, [sp, #-16]!
	mrs	x1, tpidr_el2
	ldr	x0, [x1, #PERCPU_GUEST]
	stp	x2, x3, [x0, #16]
	mov	w2, #\kind
	b	LeaveGuest
END_FUNCTION \name
.endm

GUEST_EXIT GuestSync, GUEST_EXIT_SYNC
GUEST_EXIT GuestIrq, GUEST_EXIT_IRQ
GUEST_EXIT GuestSerror, GUEST_EXIT_SERROR

/* x0 = struct GuestRegisters, w2 = exit kind, guest's x0 and x1 on the stack. */
FUNCTION LeaveGuest
	STORE_X4_TO_X30 x0
	ldp	x3, x4, [sp], #16
	stp	x3, x4, [x0, #0]
	mrs	x3, elr_el2
	mrs	x4, spsr_el2
	str	x3, [x0, #GUEST_PC]
	str	x4, [x0, #GUEST_PSTATE]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	mov	w0, w2
	ret
END_FUNCTION LeaveGuest
