// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Kernel pages for the monitor: metadata that it owns, run pages that it shares. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "call.h"
#include "ravelin.h"

/* Enough tables for any batch that is contiguous in IPA space, at every level. */
#define TOPUP_PAGES	8

/* Contiguous pages, aligned to their size rounded up to a power of two. */
struct ravelin_block *ravelin_block_alloc(unsigned int npages)
{
	struct ravelin_block *block = kmalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);

	if (!block)
		return NULL;

	block->npages = npages;
	block->va = alloc_pages_exact(npages * PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!block->va) {
		kfree(block);
		return NULL;
	}
	return block;
}

/* Only for a block that the monitor does not have (any more). */
void ravelin_block_free(struct ravelin_block *block)
{
	if (!block)
		return;
	free_pages_exact(block->va, block->npages * PAGE_SIZE);
	kfree(block);
}

u64 ravelin_block_pfn(const struct ravelin_block *block)
{
	return PHYS_PFN(virt_to_phys(block->va));
}

/* Gives the monitor memory for the VM's stage-2 tables; under memory pressure, a single page. */
int ravelin_topup(struct ravelin_vm *vm)
{
	struct ravelin_block *block = ravelin_block_alloc(TOPUP_PAGES);
	struct ravelin_result res;

	if (!block)
		block = ravelin_block_alloc(1);
	if (!block)
		return -ENOMEM;

	res = ravelin_call(VM_TOPUP, vm->handle, ravelin_block_pfn(block), block->npages);
	if (res.status) {
		ravelin_block_free(block);
		return ravelin_errno(res.status);
	}
	list_add(&block->node, &vm->blocks);
	return 0;
}

struct ravelin_run_page *ravelin_run_page_alloc(void)
{
	void *va = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!va)
		return NULL;
	if (ravelin_call(PAGE_SHARE, PHYS_PFN(virt_to_phys(va))).status) {
		free_page((unsigned long)va);
		return NULL;
	}
	return va;
}

/* A page that the monitor does not let go is lost, never reused. */
void ravelin_run_page_free(struct ravelin_run_page *page)
{
	s64 status = ravelin_call(PAGE_UNSHARE, PHYS_PFN(virt_to_phys(page))).status;

	if (status)
		pr_err("the monitor keeps a run page (status %lld); it is lost\n", status);
	else
		free_page((unsigned long)page);
}
