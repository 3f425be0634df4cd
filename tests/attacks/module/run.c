// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* VCPU_RUN with canaries in every register that the monitor must preserve. */
#include <linux/irqflags.h>
#include <linux/string.h>
#include <asm/neon.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include <hyp/abi/host_call.h>

#include "attack.h"

#define X_CANARY	0x0123456789abcd00ULL
#define Q_CANARY	0xfedcba9876543200ULL
#define FIRST_PRESERVED	4

/* run_asm.S: loads x0..x30 and q0..q31, calls HVC #0 and stores them again. */
void attack_run_asm(u64 x[31], u64 q[64]);

static void read_system_registers(u64 values[ATTACK_SYSTEM_REGISTERS])
{
	int i = 0;

	values[i++] = read_sysreg(tpidr_el0);
	values[i++] = read_sysreg(tpidrro_el0);
	values[i++] = read_sysreg(tpidr_el1);
	values[i++] = read_sysreg(sp_el0);
	values[i++] = read_sysreg(elr_el1);
	values[i++] = read_sysreg(spsr_el1);
	values[i++] = read_sysreg(esr_el1);
	values[i++] = read_sysreg(far_el1);
	values[i++] = read_sysreg(vbar_el1);
	values[i++] = read_sysreg(sctlr_el1);
	values[i++] = read_sysreg(tcr_el1);
	values[i++] = read_sysreg(mair_el1);
	values[i++] = read_sysreg(ttbr0_el1);
	values[i++] = read_sysreg(contextidr_el1);
	values[i++] = read_sysreg(par_el1);
	values[i++] = read_sysreg(cpacr_el1);
}

static void set_canaries(struct attack_run *run)
{
	int i;

	memset(run->x, 0, sizeof(run->x));
	run->x[0] = RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_VCPU_RUN;
	run->x[1] = run->handle;
	run->x[2] = run->index;
	/* x3 to x6 are unused arguments, which must be 0. */
	for (i = 7; i < 31; i++)
		run->x[i] = X_CANARY + i;
	for (i = 0; i < 64; i++)
		run->q[i] = Q_CANARY + i;
}

static void compare_canaries(struct attack_run *run)
{
	u64 expected;
	int i;

	run->changed_x = 0;
	run->changed_q = 0;
	run->changed_system = 0;
	for (i = FIRST_PRESERVED; i < 31; i++) {
		expected = i < 7 ? 0 : X_CANARY + i;
		run->changed_x |= (u64)(run->x[i] != expected) << i;
	}
	for (i = 0; i < 64; i++)
		run->changed_q |= (u64)(run->q[i] != Q_CANARY + i) << i / 2;
	for (i = 0; i < ATTACK_SYSTEM_REGISTERS; i++)
		run->changed_system |= (u64)(run->system_before[i] != run->system_after[i]) << i;
}

long attack_run(struct attack_run *run)
{
	unsigned long flags;

	if (is_kernel_in_hyp_mode())
		return -ENODEV;
	set_canaries(run);
	kernel_neon_begin();
	local_irq_save(flags);
	read_system_registers(run->system_before);
	attack_run_asm(run->x, run->q);
	read_system_registers(run->system_after);
	local_irq_restore(flags);
	kernel_neon_end();
	compare_canaries(run);
	return 0;
}
