/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only code of the monitor that touches FP, SIMD and SVE registers: it saves and restores them
 * whole between the host and guests. The image check knows these four functions by name.
 */
#include "hyp/arch/aarch64/macros.S"

	.arch	armv8-a+sve
	.text

/* FpSave(x0 = struct FpState) */
FUNCTION FpSave
	bti	c
	stp	q0, q1, [x0, #0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x0, x0, #512
	stp	x1, x2, [x0]
	ret
END_FUNCTION FpSave

/* FpRestore(x0 = struct FpState) */
FUNCTION FpRestore
	bti	c
	ldp	q0, q1, [x0, #0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q16, q17, [x0, #256]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	add	x0, x0, #512
	ldp	x1, x2, [x0]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
END_FUNCTION FpRestore

.macro FOR_EACH_Z operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation	z\n, [x0, #\n, mul vl]
	.endr
.endm

.macro FOR_EACH_P operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\operation	p\n, [x1, #\n, mul vl]
	.endr
.endm

/*
 * SveSave(x0 = struct SveState): the Z registers at the vector length in force (at most 256 bytes
 * each), then P0..P15 and FFR, FPSR and FPCR at fixed offsets.
 */
FUNCTION SveSave
	bti	c
	FOR_EACH_Z str
	add	x1, x0, #8192
	FOR_EACH_P str
	rdffr	p0.b
	str	p0, [x1, #16, mul vl]
	ldr	p0, [x1]
	mrs	x2, fpsr
	mrs	x3, fpcr
	add	x1, x1, #1024
	stp	x2, x3, [x1]
	ret
END_FUNCTION SveSave

/* SveRestore(x0 = struct SveState) */
FUNCTION SveRestore
	bti	c
	FOR_EACH_Z ldr
	add	x1, x0, #8192
	ldr	p0, [x1, #16, mul vl]
	wrffr	p0.b
	FOR_EACH_P ldr
	add	x1, x1, #1024
	ldp	x2, x3, [x1]
	msr	fpsr, x2
	msr	fpcr, x3
	ret
END_FUNCTION SveRestore
