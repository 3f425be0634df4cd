// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Access to single frames, with provision for a fault. */
#include <linux/io.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attack.h"

#define PAGE_WORDS	(PAGE_SIZE / sizeof(u64))

void *attack_map(u64 pfn)
{
	if (pfn > PHYS_PFN(PHYS_MASK))
		return NULL;
	if (pfn_is_map_memory(pfn))
		return __va(PFN_PHYS(pfn));
	return memremap(PFN_PHYS(pfn), PAGE_SIZE, MEMREMAP_WB);
}

void attack_unmap(u64 pfn, void *page)
{
	if (page && !pfn_is_map_memory(pfn))
		memunmap(page);
}

/* Word by word, so that the only copy is the one that the caller asked for. */
bool attack_read_words(u64 *to, const u64 *from, size_t words)
{
	size_t i;
	u64 word;

	pagefault_disable();
	for (i = 0; i < words; i++) {
		__get_kernel_nofault(&word, &from[i], u64, fault);
		to[i] = word;
	}
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

bool attack_write_words(u64 *to, const u64 *from, size_t words)
{
	size_t i;

	pagefault_disable();
	for (i = 0; i < words; i++)
		__put_kernel_nofault(&to[i], &from[i], u64, fault);
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

static long read_frame(struct attack_copy *copy, u64 *page, u64 *buffer)
{
	if (!attack_read_words(buffer, page + copy->offset / 8, copy->bytes / 8))
		return -EFAULT;
	if (copy_to_user(u64_to_user_ptr(copy->buffer), buffer, copy->bytes))
		return -EINVAL;
	return 0;
}

static long write_frame(struct attack_copy *copy, u64 *page, u64 *buffer)
{
	if (copy_from_user(buffer, u64_to_user_ptr(copy->buffer), copy->bytes))
		return -EINVAL;
	if (!attack_write_words(page + copy->offset / 8, buffer, copy->bytes / 8))
		return -EFAULT;
	return 0;
}

long attack_copy(struct attack_copy *copy)
{
	u64 *page, *buffer;
	long err;

	if ((copy->offset | copy->bytes) % 8 || copy->bytes > PAGE_SIZE ||
	    copy->offset > PAGE_SIZE - copy->bytes)
		return -EINVAL;
	page = attack_map(copy->pfn);
	if (!page)
		return -EINVAL;
	buffer = kmalloc_array(PAGE_WORDS, sizeof(u64), GFP_KERNEL);
	err = -ENOMEM;
	if (buffer)
		err = copy->write ? write_frame(copy, page, buffer) : read_frame(copy, page, buffer);
	kfree(buffer);
	attack_unmap(copy->pfn, page);
	return err;
}
