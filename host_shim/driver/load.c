// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The initial memory of a protected VM: what the VMM has put into the slots by the first KVM_RUN is
 * donated in IPA order, and the monitor keeps and measures it. Memory that the VMM has never
 * touched is left out: it is zero, and comes on demand.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include "ravelin.h"

/* The next address that may have a page: steps over absent tables. */
static unsigned long skip_absent(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma;
	pgd_t *pgd;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	for (; addr < end; cond_resched()) {
		vma = find_vma(mm, addr);
		if (!vma)
			break;
		if (addr < vma->vm_start) {
			addr = vma->vm_start;
			continue;
		}

		pgd = pgd_offset(mm, addr);
		if (pgd_none(READ_ONCE(*pgd))) {
			addr = pgd_addr_end(addr, end);
			continue;
		}
		p4d = p4d_offset(pgd, addr);
		if (p4d_none(READ_ONCE(*p4d))) {
			addr = p4d_addr_end(addr, end);
			continue;
		}
		pud = pud_offset(p4d, addr);
		if (pud_none(READ_ONCE(*pud))) {
			addr = pud_addr_end(addr, end);
			continue;
		}
		if (pud_leaf(READ_ONCE(*pud)))
			return addr;
		pmd = pmd_offset(pud, addr);
		if (pmd_none(READ_ONCE(*pmd))) {
			addr = pmd_addr_end(addr, end);
			continue;
		}
		return addr;
	}
	return end;
}

/*
 * Pins the next pages from *addr on that exist. Returns how many, at least one, and where they
 * begin in *addr; 0 at the end.
 */
static long pin_present(struct ravelin_vm *vm, unsigned long *addr, unsigned long end)
{
	long n = 0;

	if (mmap_write_lock_killable(vm->mm))
		return -EINTR;

	for (;;) {
		*addr = skip_absent(vm->mm, *addr, end);
		if (*addr >= end)
			break;
		n = min_t(unsigned long, (end - *addr) >> PAGE_SHIFT, RAVELIN_BATCH);
		n = ravelin_pin_claimed(vm, *addr, n, FOLL_DUMP, vm->batch);
		if (n != -EFAULT)
			break;
		*addr += PAGE_SIZE;
		n = 0;
	}

	mmap_write_unlock(vm->mm);
	return n;
}

static int load_slot(struct ravelin_vm *vm, const struct ravelin_slot *slot)
{
	unsigned long addr = slot->hva;
	unsigned long end = addr + (slot->npages << PAGE_SHIFT);
	long n;

	while (addr < end) {
		unsigned long gfn = slot->gfn + ((addr - slot->hva) >> PAGE_SHIFT);
		unsigned long last = slot->gfn + slot->npages - 1, known = gfn;
		unsigned long stop = end;

		/* Pages of an earlier attempt that failed half-way are with the monitor already. */
		if (xa_find(&vm->pages, &known, last, XA_PRESENT))
			stop = addr + ((known - gfn) << PAGE_SHIFT);
		if (stop == addr) {
			addr += PAGE_SIZE;
			continue;
		}

		n = pin_present(vm, &addr, stop);
		if (n > 0) {
			gfn = slot->gfn + ((addr - slot->hva) >> PAGE_SHIFT);
			n = ravelin_place(vm, gfn, vm->batch, n);
		}
		if (n < 0)
			return n;
		addr += n << PAGE_SHIFT;
		cond_resched();
	}
	return 0;
}

int ravelin_load(struct ravelin_vm *vm)
{
	struct ravelin_slot *slot;
	int err;

	err = ravelin_claim_slots(vm);
	if (err)
		return err;

	list_for_each_entry(slot, &vm->slots, node) {
		err = load_slot(vm, slot);
		if (err)
			return err;
	}
	return 0;
}
