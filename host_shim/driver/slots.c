// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots: KVM_SET_USER_MEMORY_REGION with KVM's checks and errors. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ravelin.h"

#define MAX_SLOT_PAGES	((1UL << 31) - 1)	/* KVM's limit */

static int check_region(const struct ravelin_vm *vm,
			const struct kvm_userspace_memory_region *region)
{
	u64 end = region->guest_phys_addr + region->memory_size;

	/* Neither dirty logging nor read-only slots: see KVM_CHECK_EXTENSION. */
	if (region->flags)
		return -EINVAL;
	if (!PAGE_ALIGNED(region->memory_size) || !PAGE_ALIGNED(region->guest_phys_addr) ||
	    !PAGE_ALIGNED(region->userspace_addr))
		return -EINVAL;
	if (region->userspace_addr != untagged_addr(region->userspace_addr) ||
	    !access_ok((void __user *)(unsigned long)region->userspace_addr, region->memory_size))
		return -EINVAL;
	if (region->slot >= RAVELIN_MAX_SLOTS || end < region->guest_phys_addr)
		return -EINVAL;
	if ((region->memory_size >> PAGE_SHIFT) > MAX_SLOT_PAGES)
		return -EINVAL;
	if (region->memory_size && end > BIT_ULL(vm->ipa_bits))
		return -EFAULT;
	return 0;
}

static struct ravelin_slot *find_id(struct ravelin_vm *vm, u32 id)
{
	struct ravelin_slot *slot;

	list_for_each_entry(slot, &vm->slots, node) {
		if (slot->id == id)
			return slot;
	}
	return NULL;
}

static bool overlaps(struct ravelin_vm *vm, const struct ravelin_slot *self, u64 gfn, u64 npages)
{
	struct ravelin_slot *slot;

	list_for_each_entry(slot, &vm->slots, node) {
		if (slot != self && gfn < slot->gfn + slot->npages && slot->gfn < gfn + npages)
			return true;
	}
	return false;
}

static void insert(struct ravelin_vm *vm, struct ravelin_slot *new)
{
	struct ravelin_slot *slot;

	list_for_each_entry(slot, &vm->slots, node) {
		if (slot->gfn > new->gfn)
			break;
	}
	list_add_tail(&new->node, &slot->node);
}

static int create(struct ravelin_vm *vm, const struct kvm_userspace_memory_region *region)
{
	u64 gfn = region->guest_phys_addr >> PAGE_SHIFT;
	u64 npages = region->memory_size >> PAGE_SHIFT;
	struct ravelin_slot *slot;

	if (overlaps(vm, NULL, gfn, npages))
		return -EEXIST;

	slot = kmalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return -ENOMEM;
	slot->id = region->slot;
	slot->gfn = gfn;
	slot->npages = npages;
	slot->hva = region->userspace_addr;
	insert(vm, slot);
	return 0;
}

static int delete(struct ravelin_vm *vm, struct ravelin_slot *slot)
{
	int err = ravelin_unshare(vm, slot->gfn, slot->npages);

	if (err)
		return err;
	list_del(&slot->node);
	kfree(slot);
	return 0;
}

static int move(struct ravelin_vm *vm, struct ravelin_slot *slot, u64 gfn)
{
	int err;

	if (overlaps(vm, slot, gfn, slot->npages))
		return -EEXIST;
	err = ravelin_unshare(vm, slot->gfn, slot->npages);
	if (err)
		return err;

	list_del(&slot->node);
	slot->gfn = gfn;
	insert(vm, slot);
	return 0;
}

int ravelin_slot_set(struct ravelin_vm *vm, const struct kvm_userspace_memory_region *region)
{
	u64 gfn = region->guest_phys_addr >> PAGE_SHIFT;
	struct ravelin_slot *slot;
	int err;

	err = check_region(vm, region);
	if (err)
		return err;
	/* The layout of a protected VM is part of what was measured. */
	if (vm->protected && vm->sealed)
		return -EPERM;

	slot = find_id(vm, region->slot);
	if (!region->memory_size)
		return slot ? delete(vm, slot) : -EINVAL;
	if (!slot)
		return create(vm, region);

	/* An existing slot may only move. */
	if (region->userspace_addr != slot->hva ||
	    region->memory_size >> PAGE_SHIFT != slot->npages)
		return -EINVAL;
	return gfn == slot->gfn ? 0 : move(vm, slot, gfn);
}

struct ravelin_slot *ravelin_slot_find(struct ravelin_vm *vm, u64 gfn)
{
	struct ravelin_slot *slot;

	list_for_each_entry(slot, &vm->slots, node) {
		if (gfn >= slot->gfn && gfn - slot->gfn < slot->npages)
			return slot;
	}
	return NULL;
}

void ravelin_slots_free(struct ravelin_vm *vm)
{
	struct ravelin_slot *slot, *next;

	list_for_each_entry_safe(slot, next, &vm->slots, node)
		kfree(slot);
}
