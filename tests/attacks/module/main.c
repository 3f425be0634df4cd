// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile host kernel for the tests: /dev/ravelin-attack, see attack_abi.h. Not for any other
 * use: whoever may open the device may do anything to the machine that the kernel may do.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/virt.h>

#include <hyp/abi/host_call.h>

#include "attack.h"

int attack_hvc(struct attack_call *call)
{
	register u64 x0 asm("x0") = call->x[0];
	register u64 x1 asm("x1") = call->x[1];
	register u64 x2 asm("x2") = call->x[2];
	register u64 x3 asm("x3") = call->x[3];
	register u64 x4 asm("x4") = call->x[4];
	register u64 x5 asm("x5") = call->x[5];
	register u64 x6 asm("x6") = call->x[6];

	/* A kernel at EL2 would call itself. */
	if (is_kernel_in_hyp_mode())
		return -ENODEV;

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)
		     : "r" (x4), "r" (x5), "r" (x6)
		     : "memory", "cc");

	call->x[0] = x0;
	call->x[1] = x1;
	call->x[2] = x2;
	call->x[3] = x3;
	return 0;
}

/* The answer of PAGE_QUERY, or -1. */
static s64 query(u64 pfn)
{
	struct attack_call call = { { RAVELIN_HOST_CALL_BASE + RAVELIN_HOST_PAGE_QUERY, pfn } };

	if (attack_hvc(&call) || (s64)call.x[0] != RAVELIN_SUCCESS)
		return -1;
	return call.x[1];
}

bool attack_is_foreign(u64 pfn)
{
	return query(pfn) == RAVELIN_PAGE_FOREIGN;
}

bool attack_is_owned(u64 pfn)
{
	s64 state = query(pfn);

	return state == RAVELIN_PAGE_OWNED || (state < 0 && is_kernel_in_hyp_mode());
}

static long alloc_block(struct attack_block *block)
{
	struct page *page;

	if (block->order > MAX_ORDER - 1)
		return -EINVAL;
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, block->order);
	if (!page)
		return -ENOMEM;
	block->pfn = page_to_pfn(page);
	return 0;
}

static long free_block(struct attack_block *block)
{
	u64 i;

	if (block->order > MAX_ORDER - 1 || !pfn_valid(block->pfn))
		return -EINVAL;
	for (i = 0; i < 1ULL << block->order; i++) {
		if (!attack_is_owned(block->pfn + i))
			return -EBUSY;
	}
	__free_pages(pfn_to_page(block->pfn), block->order);
	return 0;
}

static long call(struct attack_call *call)
{
	return attack_hvc(call);
}

/* Runs one handler on a copy of the caller's structure, and copies it back. */
#define HANDLE(type, handler)							\
	({									\
		long err_ = -EFAULT;						\
		struct type *copy_ = memdup_user(argument, sizeof(*copy_));	\
										\
		if (IS_ERR(copy_))						\
			return PTR_ERR(copy_);					\
		err_ = handler(copy_);						\
		if (copy_to_user(argument, copy_, sizeof(*copy_)))		\
			err_ = -EFAULT;						\
		kfree(copy_);							\
		err_;								\
	})

static long attack_ioctl(struct file *file, unsigned int command, unsigned long value)
{
	void __user *argument = (void __user *)value;

	switch (command) {
	case ATTACK_CALL:
		return HANDLE(attack_call, call);
	case ATTACK_ALLOC:
		return HANDLE(attack_block, alloc_block);
	case ATTACK_FREE:
		return HANDLE(attack_block, free_block);
	case ATTACK_COPY:
		return HANDLE(attack_copy, attack_copy);
	case ATTACK_SCAN:
		return HANDLE(attack_scan, attack_scan);
	case ATTACK_TOUCH:
		return HANDLE(attack_touch, attack_touch);
	case ATTACK_RUN:
		return HANDLE(attack_run, attack_run);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations attack_file = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = attack_ioctl,
};

static struct miscdevice attack_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ravelin-attack",
	.fops = &attack_file,
	.mode = 0600,
};

module_misc_device(attack_device);

MODULE_DESCRIPTION("A hostile host kernel for the tests of the Ravelin monitor");
MODULE_AUTHOR("The Ravelin Authors");
MODULE_LICENSE("GPL");
