// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VM_SHARE asks of the host: a guest may run with its caches off, and then sees what is in
 * memory, not what the host's stores have left in the caches.
 */
#include <linux/bits.h>
#include <linux/mm.h>
#include <asm/barrier.h>
#include <asm/cacheflush.h>
#include <asm/cputype.h>

#include "ravelin.h"

/* CTR_EL0.DminLine: log2 of the words in the smallest line. */
#define CTR_DMINLINE(ctr)	(((ctr) >> 16) & 0xf)

static void clean_page(struct page *page, unsigned long line)
{
	unsigned long addr = (unsigned long)page_address(page);
	unsigned long end = addr + PAGE_SIZE;

	for (; addr < end; addr += line)
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
}

/* To the point of coherency; and no CPU runs instructions that it fetched before. */
void ravelin_clean_pages(struct page **pages, unsigned long n)
{
	unsigned long line = sizeof(u32) << CTR_DMINLINE(read_cpuid_cachetype());
	unsigned long i;

	for (i = 0; i < n; i++)
		clean_page(pages[i], line);
	dsb(sy);
	icache_inval_all_pou();
}
