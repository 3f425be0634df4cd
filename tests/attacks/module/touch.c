// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Accesses of a kernel thread that does not expect a fault: it is the only one that dies. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "attack.h"

#define POLL_MS		10

struct victim {
	u64 access;
	void *page;
	u64 value;
	bool survived;
};

static int touch_thread(void *argument)
{
	struct victim *victim = argument;

	switch (victim->access) {
	case ATTACK_TOUCH_READ:
		victim->value = READ_ONCE(*(u64 *)victim->page);
		break;
	case ATTACK_TOUCH_WRITE:
		WRITE_ONCE(*(u64 *)victim->page, victim->value);
		break;
	}
	WRITE_ONCE(victim->survived, true);
	return 0;
}

/* Runs the victim until it has returned or died. */
static int run_victim(struct victim *victim)
{
	struct task_struct *task = kthread_create(touch_thread, victim, "attack-touch");

	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	wake_up_process(task);
	while (!READ_ONCE(task->exit_state))
		msleep(POLL_MS);
	put_task_struct(task);
	return 0;
}

long attack_touch(struct attack_touch *touch)
{
	struct victim victim = { .access = touch->access, .value = touch->value };
	int err;

	if (touch->access > ATTACK_TOUCH_WRITE)
		return -EINVAL;
	victim.page = attack_map(touch->pfn);
	if (!victim.page)
		return -EINVAL;
	err = run_victim(&victim);
	attack_unmap(touch->pfn, victim.page);
	touch->survived = victim.survived;
	touch->value = victim.value;
	return err;
}
