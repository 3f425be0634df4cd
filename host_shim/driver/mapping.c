// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM's mappings of a protected VM's memory. The kernel may not touch a donated page: it has
 * fix-ups for an access through the user's mapping, but not for one through its own, and the thread
 * that makes it dies. Of what reads or writes other people's memory that way, all but
 * get_user_pages_fast() asks the mapping first. So these mappings are claimed:
 *
 *   VM_IO          get_user_pages() fails: process_vm_readv(), /proc/PID/mem, ptrace, VFIO;
 *                  likewise KSM, huge page collapse, NUMA balancing and core dumps pass by
 *   VM_DONTCOPY    fork() does not copy them
 *   VM_DONTDUMP    core dumps leave them out
 *
 * Page faults, mprotect() and munmap() of anonymous memory do not look at these flags, and VM_IO
 * makes madvise() refuse to take the others back. A mapping stays claimed until it is unmapped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include "ravelin.h"

#define CLAIMED		(VM_IO | VM_DONTCOPY | VM_DONTDUMP)
#define PIN_FLAGS	(FOLL_WRITE | FOLL_LONGTERM)

/* Where the slot that has this address of the VMM ends; 0: none has it. */
static unsigned long slot_end(struct ravelin_vm *vm, unsigned long addr)
{
	struct ravelin_slot *slot;

	list_for_each_entry(slot, &vm->slots, node) {
		unsigned long size = slot->npages << PAGE_SHIFT;

		if (addr >= slot->hva && addr - slot->hva < size)
			return slot->hva + size;
	}
	return 0;
}

/* Whether slots account for all of a mapping. */
static bool is_covered(struct ravelin_vm *vm, const struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;

	while (addr && addr < vma->vm_end)
		addr = slot_end(vm, addr);
	return addr;
}

/*
 * Only anonymous memory: other ways lead to the pages of a file, a memfd included. And nothing but
 * guest memory: the rest of the mapping would change with it, and a module cannot split it.
 */
static int claim(struct ravelin_vm *vm, struct vm_area_struct *vma)
{
	if (!vma_is_anonymous(vma)) {
		pr_warn_once("memory of a protected VM has to be private and anonymous\n");
		return -EINVAL;
	}
	if (!is_covered(vm, vma)) {
		pr_warn_once("memory of a protected VM shares a mapping with other memory: use MADV_DONTFORK on it\n");
		return -EINVAL;
	}

	/* As mmap() has it: never VM_LOCKED with VM_IO. What the VM has is pinned, and charged. */
	if (vma->vm_flags & VM_LOCKED)
		vm->mm->locked_vm -= vma_pages(vma);
	vma->vm_flags = (vma->vm_flags & VM_LOCKED_CLEAR_MASK & ~VM_MERGEABLE) | CLAIMED;
	return 0;
}

/* Claims all mappings in the slots. mmap_lock held for writing. */
static int claim_slots(struct ravelin_vm *vm)
{
	struct ravelin_slot *slot;
	struct vm_area_struct *vma;
	int err;

	list_for_each_entry(slot, &vm->slots, node) {
		VMA_ITERATOR(vmi, vm->mm, slot->hva);

		for_each_vma_range(vmi, vma, slot->hva + (slot->npages << PAGE_SHIFT)) {
			err = claim(vm, vma);
			if (err)
				return err;
		}
	}
	return 0;
}

int ravelin_claim_slots(struct ravelin_vm *vm)
{
	int err;

	if (mmap_write_lock_killable(vm->mm))
		return -EINTR;
	err = claim_slots(vm);
	mmap_write_unlock(vm->mm);
	return err;
}

/*
 * Pins up to n pages from addr on. `flags`: FOLL_DUMP = fail on a page that was never touched
 * instead of making one; swapped and copy-on-write pages are still brought in. mmap_lock held for
 * writing: nobody else sees the mapping without VM_IO.
 */
long ravelin_pin_claimed(struct ravelin_vm *vm, unsigned long addr, unsigned long n,
			 unsigned int flags, struct page **pages)
{
	struct vm_area_struct *vma = vma_lookup(vm->mm, addr);
	long ret;

	if (!vma)
		return -EFAULT;
	ret = claim(vm, vma);
	if (ret)
		return ret;

	vma->vm_flags &= ~VM_IO;
	n = min_t(unsigned long, n, (vma->vm_end - addr) >> PAGE_SHIFT);
	ret = pin_user_pages(addr, n, PIN_FLAGS | flags, pages, NULL);
	vma->vm_flags |= VM_IO;
	return ret;
}
