/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of the monitor. The only file that executes HVC: legal only after ravelin_detect() has
 * found the monitor's device-tree node, since HVC is undefined on a machine without EL2.
 */
#ifndef RAVELIN_CALL_H
#define RAVELIN_CALL_H

#include <linux/types.h>
#include <hyp/abi/host_call.h>

struct ravelin_args {
	u64 x[6];
};

struct ravelin_result {
	s64 status;
	u64 value;
	u64 x2;
	u64 x3;
};

/*
 * Not arm_smccc_1_1_hvc(): its newer versions put the SVE hint of SMCCC 1.3 into the function
 * identifier, which the monitor compares as a whole. Unused arguments are 0, as the ABI asks.
 */
static __always_inline struct ravelin_result
ravelin_hvc(u32 function, struct ravelin_args args)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = args.x[0];
	register u64 x2 asm("x2") = args.x[1];
	register u64 x3 asm("x3") = args.x[2];
	register u64 x4 asm("x4") = args.x[3];
	register u64 x5 asm("x5") = args.x[4];
	register u64 x6 asm("x6") = args.x[5];

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)
		     : "r" (x4), "r" (x5), "r" (x6)
		     : "memory", "cc");

	return (struct ravelin_result){ (s64)x0, x1, x2, x3 };
}

/* ravelin_call(VM_TOPUP, handle, pfn, count) */
#define ravelin_call(name, ...)						\
	ravelin_hvc(RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_##name,	\
		    (struct ravelin_args){ { __VA_ARGS__ } })

int ravelin_errno(s64 status);

#endif
