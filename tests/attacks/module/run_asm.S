/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attack_run_asm(x0 = u64 x[31], x1 = u64 q[64]): loads x0..x30 and q0..q31 from the arrays, calls
 * HVC #0, and stores them back.
 */
#include <linux/linkage.h>

	.arch_extension	fp
	.arch_extension	simd

/* Loads or stores (\op = ldp or stp) all of q0..q31 at x\base. */
.macro	move_vectors op, base
	\op	q0, q1, [\base, #0]
	\op	q2, q3, [\base, #32]
	\op	q4, q5, [\base, #64]
	\op	q6, q7, [\base, #96]
	\op	q8, q9, [\base, #128]
	\op	q10, q11, [\base, #160]
	\op	q12, q13, [\base, #192]
	\op	q14, q15, [\base, #224]
	\op	q16, q17, [\base, #256]
	\op	q18, q19, [\base, #288]
	\op	q20, q21, [\base, #320]
	\op	q22, q23, [\base, #352]
	\op	q24, q25, [\base, #384]
	\op	q26, q27, [\base, #416]
	\op	q28, q29, [\base, #448]
	\op	q30, q31, [\base, #480]
.endm

/* All of x2..x29 but the array's own register x0, x1 and x30. */
.macro	move_registers op, base
	\op	x2, x3, [\base, #16]
	\op	x4, x5, [\base, #32]
	\op	x6, x7, [\base, #48]
	\op	x8, x9, [\base, #64]
	\op	x10, x11, [\base, #80]
	\op	x12, x13, [\base, #96]
	\op	x14, x15, [\base, #112]
	\op	x16, x17, [\base, #128]
	\op	x18, x19, [\base, #144]
	\op	x20, x21, [\base, #160]
	\op	x22, x23, [\base, #176]
	\op	x24, x25, [\base, #192]
	\op	x26, x27, [\base, #208]
	\op	x28, x29, [\base, #224]
.endm

SYM_FUNC_START(attack_run_asm)
	stp	x29, x30, [sp, #-128]!
	stp	x18, x19, [sp, #16]
	stp	x20, x21, [sp, #32]
	stp	x22, x23, [sp, #48]
	stp	x24, x25, [sp, #64]
	stp	x26, x27, [sp, #80]
	str	x28, [sp, #96]
	stp	x0, x1, [sp, #112]

	move_vectors ldp, x1
	move_registers ldp, x0
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	hvc	#0

	/* x0 is the first result: kept below the stack pointer's frame while x0 is the array. */
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #128]
	move_registers stp, x0
	str	x30, [x0, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	ldr	x1, [sp, #120]
	move_vectors stp, x1

	ldp	x18, x19, [sp, #16]
	ldp	x20, x21, [sp, #32]
	ldp	x22, x23, [sp, #48]
	ldp	x24, x25, [sp, #64]
	ldp	x26, x27, [sp, #80]
	ldr	x28, [sp, #96]
	ldp	x29, x30, [sp], #128
	ret
SYM_FUNC_END(attack_run_asm)
