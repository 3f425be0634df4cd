// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: pages of the VMM, pinned, charged to its RLIMIT_MEMLOCK, and given to the VM:
 * donated to a protected one, shared with a normal one. vm->pages has exactly the pages that the
 * monitor holds; each of them is pinned and charged once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched.h>

#include "call.h"
#include "ravelin.h"

#define PERM_ALL	(RAVELIN_PERM_READ | RAVELIN_PERM_WRITE | RAVELIN_PERM_EXEC)
#define PIN_FLAGS	(FOLL_WRITE | FOLL_LONGTERM)

/* The most pages that one fault brings in, and of these, the most that the VMM lacks so far. */
#define FAULT_PAGES	64
#define FAULT_NEW_PAGES	16L

/* One call may need several top-ups if these come page by page. */
#define MAX_TOPUPS	16

/* How many of the first n pages are contiguous in physical memory. */
static unsigned long run_length(struct page **pages, unsigned long n)
{
	unsigned long len = 1;

	while (len < n && page_to_pfn(pages[len]) == page_to_pfn(pages[0]) + len)
		len++;
	return len;
}

/* One call of the monitor: all of the run or none of it. */
static int give_run(struct ravelin_vm *vm, u64 gfn, u64 pfn, unsigned long count)
{
	struct ravelin_result res;
	unsigned int topups;
	int err;

	for (topups = 0; ; topups++) {
		if (vm->protected)
			res = ravelin_call(VM_DONATE, vm->handle, gfn, pfn, count);
		else
			res = ravelin_call(VM_SHARE, vm->handle, gfn, pfn, count, PERM_ALL);
		if (res.status != RAVELIN_NO_MEMORY || topups == MAX_TOPUPS)
			return ravelin_errno(res.status);

		err = ravelin_topup(vm);
		if (err)
			return err;
	}
}

/* Charges the pages, or at least the first one. Returns how many. */
static long charge(struct ravelin_vm *vm, unsigned long n)
{
	if (!account_locked_vm(vm->mm, n, true))
		return n;
	if (n > 1 && !account_locked_vm(vm->mm, 1, true))
		return 1;
	return -ENOMEM;
}

/* Gives n tracked pages, run by run. Returns how many; the reason for stopping is in *err. */
static unsigned long give(struct ravelin_vm *vm, u64 gfn, struct page **pages, unsigned long n,
			  int *err)
{
	unsigned long done = 0, len;

	while (done < n) {
		len = run_length(pages + done, n - done);
		*err = give_run(vm, gfn + done, page_to_pfn(pages[done]), len);
		if (*err && len > 1) {
			/* All or nothing: what it refuses may be a later page. */
			len = 1;
			*err = give_run(vm, gfn + done, page_to_pfn(pages[done]), len);
		}
		if (*err)
			break;
		done += len;
	}
	return done;
}

/* Tracks and gives n charged pages. As give(). */
static unsigned long track_and_give(struct ravelin_vm *vm, u64 gfn, struct page **pages,
				    unsigned long n, int *err)
{
	unsigned long tracked, given, i;

	*err = 0;
	/* First the record, which may fail; then the page, which may not get lost. */
	for (tracked = 0; tracked < n; tracked++) {
		*err = xa_err(xa_store(&vm->pages, gfn + tracked, pages[tracked],
				       GFP_KERNEL_ACCOUNT));
		if (*err)
			break;
	}

	given = give(vm, gfn, pages, tracked, err);
	for (i = given; i < tracked; i++)
		xa_erase(&vm->pages, gfn + i);
	return given;
}

/*
 * Gives n pinned pages to the VM at gfn, and unpins those that it did not get. Returns how many
 * it got, or if none, the reason.
 */
long ravelin_place(struct ravelin_vm *vm, u64 gfn, struct page **pages, unsigned long n)
{
	long charged = charge(vm, n);
	unsigned long given = 0;
	int err = charged;

	if (charged > 0) {
		given = track_and_give(vm, gfn, pages, charged, &err);
		account_locked_vm(vm->mm, charged - given, false);
	}

	unpin_user_pages(pages + given, n - given);
	return given ? given : err;
}

/* How many pages from gfn on a fault may bring in: up to the slot's end or the next known page. */
static long fault_extent(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 gfn)
{
	long n = min_t(u64, slot->gfn + slot->npages - gfn, FAULT_PAGES);
	unsigned long next = gfn + 1;

	if (n > 1 && xa_find(&vm->pages, &next, gfn + n - 1, XA_PRESENT))
		n = next - gfn;
	return n;
}

/* Pins n pages, or fewer: the first FAULT_NEW_PAGES are made if need be, the others not. */
static long pin_to_share(struct ravelin_vm *vm, unsigned long addr, long n)
{
	long first = min(n, FAULT_NEW_PAGES), more;
	long done = pin_user_pages_fast(addr, first, PIN_FLAGS, vm->batch);

	if (done < first || n == first)
		return done;
	more = pin_user_pages_fast_only(addr + (first << PAGE_SHIFT), n - first, PIN_FLAGS,
					vm->batch + first);
	return more > 0 ? done + more : done;
}

/* The same for a protected VM. */
static long pin_to_donate(struct ravelin_vm *vm, unsigned long addr, long n)
{
	long first = min(n, FAULT_NEW_PAGES), more = 0, done;

	if (mmap_write_lock_killable(vm->mm))
		return -EINTR;
	done = ravelin_pin_claimed(vm, addr, first, 0, vm->batch);
	if (done == first && n > first)
		more = ravelin_pin_claimed(vm, addr + (first << PAGE_SHIFT), n - first, FOLL_DUMP,
					   vm->batch + first);
	mmap_write_unlock(vm->mm);
	return more > 0 ? done + more : done;
}

static long pin_for_fault(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 gfn)
{
	unsigned long addr = slot->hva + ((gfn - slot->gfn) << PAGE_SHIFT);
	long n = fault_extent(vm, slot, gfn);

	n = vm->protected ? pin_to_donate(vm, addr, n) : pin_to_share(vm, addr, n);
	return n ?: -EFAULT;
}

static int fault_locked(struct ravelin_vm *vm, u64 gfn)
{
	struct ravelin_slot *slot = ravelin_slot_find(vm, gfn);
	long n;

	if (!slot)
		return -ENOENT;
	/* Another vCPU was faster. */
	if (xa_load(&vm->pages, gfn))
		return 0;

	n = pin_for_fault(vm, slot, gfn);
	if (n > 0)
		n = ravelin_place(vm, gfn, vm->batch, n);
	if (n > 0)
		return 0;
	/* -ENOENT is for "no slot" only. */
	return n == -ENOENT ? -EIO : n;
}

/* The guest needs its page gfn. 0: it is there; -ENOENT: outside the slots; else KVM_RUN fails. */
int ravelin_fault(struct ravelin_vm *vm, u64 gfn)
{
	int err;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	err = fault_locked(vm, gfn);
	mutex_unlock(&vm->lock);
	return err;
}

/* The monitor has given these up. The guest may have written them all. */
static void give_back(struct ravelin_vm *vm, struct page **pages, unsigned long n)
{
	unpin_user_pages_dirty_lock(pages, n, true);
	account_locked_vm(vm->mm, n, false);
}

/* Takes n pages, contiguous in IPA space, back from a normal VM. */
static int unshare_run(struct ravelin_vm *vm, u64 gfn, unsigned long n)
{
	s64 status = ravelin_call(VM_UNSHARE, vm->handle, gfn, n).status;
	unsigned long i;

	if (status) {
		pr_err("VM %u: the monitor keeps page %#llx (status %lld)\n", vm->handle, gfn,
		       status);
		return -EIO;
	}
	for (i = 0; i < n; i++)
		xa_erase(&vm->pages, gfn + i);
	give_back(vm, vm->batch, n);
	return 0;
}

/* Takes a range of a VM's memory back. A protected VM has none when this may be asked for. */
int ravelin_unshare(struct ravelin_vm *vm, u64 gfn, u64 npages)
{
	unsigned long index, n = 0;
	struct page *page;
	u64 first = gfn;
	int err;

	if (!npages)
		return 0;

	xa_for_each_range(&vm->pages, index, page, gfn, gfn + npages - 1) {
		if (n == RAVELIN_MAX_BATCH || (n && index != first + n)) {
			err = unshare_run(vm, first, n);
			if (err)
				return err;
			n = 0;
			cond_resched();
		}
		if (!n)
			first = index;
		vm->batch[n++] = page;
	}
	return n ? unshare_run(vm, first, n) : 0;
}

/* Takes a run back from a dying VM; page by page if not as a whole. Returns how many are lost. */
static unsigned long reclaim_run(struct ravelin_vm *vm, struct page **pages, unsigned long n)
{
	s64 status = ravelin_call(VM_RECLAIM, vm->handle, page_to_pfn(pages[0]), n).status;
	unsigned long lost = 0, i;

	if (!status) {
		give_back(vm, pages, n);
		return 0;
	}
	if (n == 1) {
		pr_err_once("VM %u: the monitor keeps frame %#lx (status %lld)\n", vm->handle,
			    page_to_pfn(pages[0]), status);
		return 1;
	}
	for (i = 0; i < n; i++)
		lost += reclaim_run(vm, pages + i, 1);
	return lost;
}

/*
 * Takes all memory of a dying VM back. A page that the monitor refuses stays pinned for ever: it
 * must not reach the page allocator. Returns whether all came back.
 */
bool ravelin_reclaim_all(struct ravelin_vm *vm)
{
	unsigned long index, n = 0, lost = 0;
	struct page **batch = vm->batch;
	struct page *page;

	xa_for_each(&vm->pages, index, page) {
		if (n == RAVELIN_MAX_BATCH ||
		    (n && page_to_pfn(page) != page_to_pfn(batch[0]) + n)) {
			lost += reclaim_run(vm, batch, n);
			n = 0;
			cond_resched();
		}
		batch[n++] = page;
	}
	if (n)
		lost += reclaim_run(vm, batch, n);

	if (lost)
		pr_err("VM %u: %lu pages of guest memory are lost\n", vm->handle, lost);
	return !lost;
}
