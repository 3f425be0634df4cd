// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: enters the vCPU until the VMM is needed, and serves what the driver can serve itself.
 *
 * The run page is shared with the monitor; the monitor's words in it are copied once, and believed.
 */
#include <linux/clocksource.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <asm/arch_timer.h>
#include <asm/unaligned.h>
#include <clocksource/arm_arch_timer.h>

#include "call.h"
#include "ravelin.h"

/* How long a vCPU without interrupt controller waits at most before it is entered again. */
#define NO_DEADLINE_NS	(10 * NSEC_PER_MSEC)

/* Results of an exit handler; negative: KVM_RUN fails with it. */
#define TO_VMM		0
#define AGAIN		1

typedef int (*exit_handler)(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit);

static void reply(struct ravelin_vcpu *vcpu, u64 kind, u64 value)
{
	struct ravelin_reply *to = &vcpu->page->reply;

	WRITE_ONCE(to->values[0], value);
	WRITE_ONCE(to->values[1], 0);
	WRITE_ONCE(to->values[2], 0);
	WRITE_ONCE(to->values[3], 0);
	WRITE_ONCE(to->kind, kind);
}

static int internal_error(struct ravelin_vcpu *vcpu, u64 reason, u64 detail)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	run->internal.ndata = 2;
	run->internal.data[0] = reason;
	run->internal.data[1] = detail;
	return TO_VMM;
}

static int handle_irq(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	/* Taken by the kernel as soon as enter() allowed interrupts again. */
	return AGAIN;
}

/* The counter is the host's: both it and the guest's timer run from the physical counter. */
static u64 ns_until(u64 deadline)
{
	u64 now = arch_timer_read_counter();
	u32 rate = arch_timer_get_cntfrq();

	if (deadline <= now || !rate)
		return 0;
	/* At most a day, which bounds the product. */
	return mul_u64_u32_div(min_t(u64, deadline - now, 86400ULL * rate), NSEC_PER_SEC, rate);
}

static int handle_wfx(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	ktime_t timeout = KTIME_MAX;

	if (exit->deadline)
		timeout = ns_to_ktime(ns_until(exit->deadline));
	else if (!vcpu->vm->gic.ready)
		timeout = ns_to_ktime(NO_DEADLINE_NS);
	if (!timeout)
		return AGAIN;

	/* Returns at once if a signal is pending. */
	wait_event_interruptible_hrtimeout(vcpu->wait, READ_ONCE(vcpu->woken), timeout);
	return AGAIN;
}

static int handle_wake(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	ravelin_wake(vcpu->vm, exit->value);
	return AGAIN;
}

static int handle_line_fell(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	ravelin_irqfds_resample(vcpu->vm, exit->value);
	return AGAIN;
}

static int exit_mmio(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	struct kvm_run *run = vcpu->run;

	if (exit->size > sizeof(run->mmio.data) || !is_power_of_2(exit->size))
		return internal_error(vcpu, exit->reason, exit->size);

	vcpu->mmio.pending = true;
	vcpu->mmio.is_write = exit->access == RAVELIN_ACCESS_WRITE;
	vcpu->mmio.len = exit->size;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = exit->ipa;
	run->mmio.len = vcpu->mmio.len;
	run->mmio.is_write = vcpu->mmio.is_write;
	put_unaligned_le64(exit->value, run->mmio.data);
	return TO_VMM;
}

/* The VMM has served the access: passes on what it answers. */
static void finish_mmio(struct ravelin_vcpu *vcpu)
{
	u8 data[sizeof(vcpu->run->mmio.data)] = { 0 };

	if (!vcpu->mmio.pending)
		return;
	vcpu->mmio.pending = false;
	if (!vcpu->mmio.is_write)
		memcpy(data, vcpu->run->mmio.data, vcpu->mmio.len);
	reply(vcpu, RAVELIN_REPLY_VALUE, get_unaligned_le64(data));
}

/* Backs the address with the VMM's memory. -ENOENT: it has none there. */
static int back(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	int err = ravelin_fault(vcpu->vm, exit->ipa >> PAGE_SHIFT,
				exit->access == RAVELIN_ACCESS_WRITE);

	if (err)
		return err;
	reply(vcpu, RAVELIN_REPLY_NONE, 0);
	return AGAIN;
}

static int handle_mmio(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	int ret = -ENOENT;

	if (exit->access == RAVELIN_ACCESS_WRITE &&
	    ravelin_ioeventfds_write(vcpu->vm, exit->ipa, exit->size, exit->value)) {
		reply(vcpu, RAVELIN_REPLY_VALUE, 0);
		return AGAIN;
	}
	/* A protected VM has declared these pages as MMIO itself, whatever the slots say. */
	if (!vcpu->vm->protected)
		ret = back(vcpu, exit);
	return ret == -ENOENT ? exit_mmio(vcpu, exit) : ret;
}

static int handle_memory_fault(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	int ret = back(vcpu, exit);

	if (ret != -ENOENT)
		return ret;
	reply(vcpu, RAVELIN_REPLY_EXTERNAL_ABORT, 0);
	return AGAIN;
}

/* A normal VM's first touch of its memory may be by an instruction without a syndrome. */
static int handle_not_decodable(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	if (!vcpu->vm->protected)
		return handle_memory_fault(vcpu, exit);
	reply(vcpu, RAVELIN_REPLY_EXTERNAL_ABORT, 0);
	return AGAIN;
}

/* KVM's API has no hypercall that the VMM serves: SMCCC's NOT_SUPPORTED. */
static int handle_hypercall(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	reply(vcpu, RAVELIN_REPLY_VALUE, -1ULL);
	return AGAIN;
}

static int exit_system_event(struct ravelin_vcpu *vcpu, u32 type)
{
	struct kvm_run *run = vcpu->run;

	/* No vCPU goes on until the VMM has acted on it. */
	WRITE_ONCE(vcpu->vm->off, true);

	memset(&run->system_event, 0, sizeof(run->system_event));
	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	run->system_event.type = type;
	run->system_event.ndata = 1;
	return TO_VMM;
}

static int handle_system_event(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	switch (exit->event) {
	case RAVELIN_EVENT_SHUTDOWN:
		return exit_system_event(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN);
	case RAVELIN_EVENT_RESET:
		return exit_system_event(vcpu, KVM_SYSTEM_EVENT_RESET);
	case RAVELIN_EVENT_CPU_OFF:
		vcpu->off = true;
		return AGAIN;
	default:
		return internal_error(vcpu, exit->reason, exit->event);
	}
}

static int handle_stopped(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	WRITE_ONCE(vcpu->vm->dead, true);
	ravelin_wake(vcpu->vm, U64_MAX);
	return internal_error(vcpu, exit->reason, exit->event);
}

static int handle_relinquished(struct ravelin_vcpu *vcpu, const struct ravelin_exit *exit)
{
	ravelin_relinquished(vcpu->vm, exit->ipa >> PAGE_SHIFT);
	return AGAIN;
}

static const exit_handler handlers[] = {
	[RAVELIN_EXIT_IRQ] = handle_irq,
	[RAVELIN_EXIT_WFX] = handle_wfx,
	[RAVELIN_EXIT_MMIO] = handle_mmio,
	[RAVELIN_EXIT_MEMORY_FAULT] = handle_memory_fault,
	[RAVELIN_EXIT_NOT_DECODABLE] = handle_not_decodable,
	[RAVELIN_EXIT_HYPERCALL] = handle_hypercall,
	[RAVELIN_EXIT_SYSTEM_EVENT] = handle_system_event,
	[RAVELIN_EXIT_STOPPED] = handle_stopped,
	[RAVELIN_EXIT_RELINQUISHED] = handle_relinquished,
	[RAVELIN_EXIT_WAKE] = handle_wake,
	[RAVELIN_EXIT_LINE_FELL] = handle_line_fell,
};

static int handle_exit(struct ravelin_vcpu *vcpu, u64 reason)
{
	const struct ravelin_exit *from = &vcpu->page->exit;
	const struct ravelin_exit exit = {
		.reason = reason,
		.ipa = READ_ONCE(from->ipa),
		.access = READ_ONCE(from->access),
		.size = READ_ONCE(from->size),
		.value = READ_ONCE(from->value),
		.event = READ_ONCE(from->event),
		.deadline = READ_ONCE(from->deadline),
	};

	if (reason >= ARRAY_SIZE(handlers))
		return internal_error(vcpu, reason, 0);
	return handlers[reason](vcpu, &exit);
}

static int fail_entry(struct ravelin_vcpu *vcpu, s64 status)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = -status;
	run->fail_entry.cpu = raw_smp_processor_id();
	return TO_VMM;
}

/*
 * One stay in the guest. With interrupts off, none can be taken between the check for signals and
 * the entry: one that arrives there ends the stay at once, and is taken when they are on again. The
 * monitor saves and restores all of the host's registers, FP and SVE included.
 */
static int enter(struct ravelin_vcpu *vcpu)
{
	struct ravelin_result res;

	local_irq_disable();
	if (signal_pending(current) || need_resched()) {
		local_irq_enable();
		return AGAIN;
	}
	/* Who wakes it from here on has told the monitor before. */
	WRITE_ONCE(vcpu->woken, false);
	res = ravelin_call(VCPU_RUN, vcpu->vm->handle, vcpu->index);
	local_irq_enable();

	if (res.status)
		return fail_entry(vcpu, res.status);
	return handle_exit(vcpu, res.value);
}

/*
 * A vCPU that is off waits in KVM_RUN, as in KVM, until the guest switches it on or a signal gets
 * the thread out. Who switches it on does so in the monitor first, and wakes it then.
 */
static int wait_off(struct ravelin_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->woken, false);
	smp_mb();
	if (!READ_ONCE(vcpu->vm->off) && ravelin_is_on(vcpu)) {
		vcpu->off = false;
		return AGAIN;
	}
	wait_event_interruptible(vcpu->wait, READ_ONCE(vcpu->woken));
	return AGAIN;
}

static int run_loop(struct ravelin_vcpu *vcpu)
{
	int ret;

	do {
		cond_resched();
		if (signal_pending(current)) {
			vcpu->run->exit_reason = KVM_EXIT_INTR;
			return -EINTR;
		}
		if (READ_ONCE(vcpu->vm->dead))
			return -EIO;

		if (vcpu->off || READ_ONCE(vcpu->vm->off))
			ret = wait_off(vcpu);
		else
			ret = enter(vcpu);
	} while (ret == AGAIN);

	return ret;
}

int ravelin_run(struct ravelin_vcpu *vcpu)
{
	int err;

	if (!vcpu->initialised)
		return -ENOEXEC;

	finish_mmio(vcpu);
	if (READ_ONCE(vcpu->run->immediate_exit))
		return -EINTR;

	err = ravelin_vm_launch(vcpu->vm);
	if (err)
		return err;

	vcpu->has_run = true;
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	vcpu->run->flags = 0;
	return run_loop(vcpu);
}
