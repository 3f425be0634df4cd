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

/* One call of the monitor. It does the first part of the run, all of that part or nothing. */
static struct ravelin_result give_part(struct ravelin_vm *vm, u64 gfn, u64 pfn,
				       unsigned long count)
{
	if (vm->protected)
		return ravelin_call(VM_DONATE, vm->handle, gfn, pfn, count);
	return ravelin_call(VM_SHARE, vm->handle, gfn, pfn, count, PERM_ALL);
}

/* Gives pages that are contiguous in physical memory. As give(). */
static unsigned long give_run(struct ravelin_vm *vm, u64 gfn, u64 pfn, unsigned long count,
			      int *err)
{
	unsigned long done = 0, limit = count;
	struct ravelin_result res;
	unsigned int topups = 0;

	while (done < count) {
		res = give_part(vm, gfn + done, pfn + done, min(count - done, limit));
		if (res.status >= 0) {
			done += res.value;
			topups = 0;
		} else if (res.status == RAVELIN_NO_MEMORY && topups++ < MAX_TOPUPS) {
			*err = ravelin_topup(vm);
			if (*err)
				return done;
		} else if (limit > 1) {
			/* What it refuses may be a later page of the part. */
			limit = 1;
		} else {
			*err = ravelin_errno(res.status);
			return done;
		}
	}
	return done;
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

	if (!vm->protected)
		ravelin_clean_pages(pages, n);
	while (done < n && !*err) {
		len = run_length(pages + done, n - done);
		done += give_run(vm, gfn + done, page_to_pfn(pages[done]), len, err);
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

/*
 * Whether the page at addr, which is for gfn, is part of a huge page that a block of the slot can
 * map as a whole: then where the block begins, in frames before gfn; else -1. The page is pinned.
 */
static long block_offset(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 gfn,
			 unsigned long addr, struct page *page)
{
	u64 first = ALIGN_DOWN(gfn, RAVELIN_BATCH);
	unsigned long index = first;

	if (compound_order(compound_head(page)) < get_order(RAVELIN_BATCH * PAGE_SIZE))
		return -1;
	if ((((addr >> PAGE_SHIFT) ^ gfn) | (page_to_pfn(page) ^ gfn)) & (RAVELIN_BATCH - 1))
		return -1;
	if (first < slot->gfn || first + RAVELIN_BATCH > slot->gfn + slot->npages)
		return -1;
	if (xa_find(&vm->pages, &index, first + RAVELIN_BATCH - 1, XA_PRESENT))
		return -1;
	return gfn - first;
}

/*
 * Pins a whole huge page of a normal VM instead of a page of it. Returns how many pages from *gfn
 * on are pinned: 0 if it is none.
 */
static long pin_block(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 *gfn,
		      unsigned long addr)
{
	long offset, n;

	if (pin_user_pages_fast(addr, 1, PIN_FLAGS, vm->batch) != 1)
		return 0;
	offset = block_offset(vm, slot, *gfn, addr, vm->batch[0]);
	unpin_user_page(vm->batch[0]);
	if (offset < 0)
		return 0;

	addr -= offset << PAGE_SHIFT;
	n = pin_user_pages_fast(addr, RAVELIN_BATCH, PIN_FLAGS, vm->batch);
	if (n <= offset) {
		unpin_user_pages(vm->batch, max(n, 0L));
		return 0;
	}
	*gfn -= offset;
	return n;
}

static long pin_for_fault(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 *gfn)
{
	unsigned long addr = slot->hva + ((*gfn - slot->gfn) << PAGE_SHIFT);
	long n;

	if (vm->protected) {
		n = pin_to_donate(vm, addr, fault_extent(vm, slot, *gfn));
	} else {
		n = pin_block(vm, slot, gfn, addr);
		if (!n)
			n = pin_to_share(vm, addr, fault_extent(vm, slot, *gfn));
	}
	return n ?: -EFAULT;
}

/* The page is there: another vCPU was faster, or it lacks the permission to write. */
static int allow(struct ravelin_vm *vm, u64 gfn, bool write)
{
	if (vm->protected || !write)
		return 0;
	return ravelin_errno(ravelin_call(VM_SET_PERMISSIONS, vm->handle, gfn, 1, PERM_ALL).status);
}

static int fault_locked(struct ravelin_vm *vm, u64 gfn, bool write)
{
	struct ravelin_slot *slot = ravelin_slot_find(vm, gfn);
	long n;

	if (!slot)
		return -ENOENT;
	if (xa_load(&vm->pages, gfn))
		return allow(vm, gfn, write);

	n = pin_for_fault(vm, slot, &gfn);
	if (n > 0)
		n = ravelin_place(vm, gfn, vm->batch, n);
	if (n > 0)
		return 0;
	/* -ENOENT is for "no slot" only. */
	return n == -ENOENT ? -EIO : n;
}

/* The guest needs its page gfn. 0: it is there; -ENOENT: outside the slots; else KVM_RUN fails. */
int ravelin_fault(struct ravelin_vm *vm, u64 gfn, bool write)
{
	int err;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	err = fault_locked(vm, gfn, write);
	mutex_unlock(&vm->lock);
	return err;
}

/* The monitor has given these up. The guest may have written them all. */
static void give_back(struct ravelin_vm *vm, struct page **pages, unsigned long n)
{
	unpin_user_pages_dirty_lock(pages, n, true);
	account_locked_vm(vm->mm, n, false);
}

/* A protected guest has given its page back to the host, which is told once. */
void ravelin_relinquished(struct ravelin_vm *vm, u64 gfn)
{
	struct page *page;

	mutex_lock(&vm->lock);
	page = xa_erase(&vm->pages, gfn);
	if (page)
		give_back(vm, &page, 1);
	mutex_unlock(&vm->lock);
}

/* Takes the n pages of vm->batch, contiguous in IPA space, back from a normal VM. */
static int unshare_run(struct ravelin_vm *vm, u64 gfn, unsigned long n)
{
	struct ravelin_result res;
	unsigned long done = 0, i;

	while (done < n) {
		res = ravelin_call(VM_UNSHARE, vm->handle, gfn + done, n - done);
		if (res.status < 0) {
			pr_err("VM %u: the monitor keeps page %#llx (status %lld)\n", vm->handle,
			       gfn + done, res.status);
			return -EIO;
		}
		for (i = 0; i < res.value; i++)
			xa_erase(&vm->pages, gfn + done + i);
		give_back(vm, vm->batch + done, res.value);
		done += res.value;
		cond_resched();
	}
	return 0;
}

/*
 * Takes a range of a VM's memory back. A protected VM has none when this may be asked for. Blocks
 * are taken as a whole: no run crosses a boundary of one.
 */
int ravelin_unshare(struct ravelin_vm *vm, u64 gfn, u64 npages)
{
	unsigned long index, n = 0;
	struct page *page;
	u64 first = gfn;
	int err;

	if (!npages)
		return 0;

	xa_for_each_range(&vm->pages, index, page, gfn, gfn + npages - 1) {
		if (n && (index != first + n || IS_ALIGNED(index, RAVELIN_BATCH))) {
			err = unshare_run(vm, first, n);
			if (err)
				return err;
			n = 0;
		}
		if (!n)
			first = index;
		vm->batch[n++] = page;
	}
	return n ? unshare_run(vm, first, n) : 0;
}

/*
 * Takes a run back from a dying protected VM; page by page where a part of it is refused. Returns
 * how many are lost.
 */
static unsigned long reclaim_run(struct ravelin_vm *vm, struct page **pages, unsigned long n)
{
	unsigned long done = 0, lost = 0, limit = n;
	struct ravelin_result res;

	while (done < n) {
		res = ravelin_call(VM_RECLAIM, vm->handle, page_to_pfn(pages[done]),
				   min(n - done, limit));
		if (res.status >= 0) {
			give_back(vm, pages + done, res.value);
			done += res.value;
		} else if (limit > 1) {
			limit = 1;
		} else {
			pr_err_once("VM %u: the monitor keeps frame %#lx (status %lld)\n",
				    vm->handle, page_to_pfn(pages[done]), res.status);
			lost++;
			done++;
		}
		cond_resched();
	}
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

	if (!vm->protected)
		return !ravelin_unshare(vm, 0, ULONG_MAX);

	xa_for_each(&vm->pages, index, page) {
		if (n == RAVELIN_BATCH || (n && page_to_pfn(page) != page_to_pfn(batch[0]) + n)) {
			lost += reclaim_run(vm, batch, n);
			n = 0;
		}
		batch[n++] = page;
	}
	if (n)
		lost += reclaim_run(vm, batch, n);

	if (lost)
		pr_err("VM %u: %lu pages of guest memory are lost\n", vm->handle, lost);
	return !lost;
}
