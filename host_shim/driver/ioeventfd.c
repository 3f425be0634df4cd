// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* KVM_IOEVENTFD: a write of the guest to an address signals an eventfd instead of the VMM. */
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "ravelin.h"

#define FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN)

struct ravelin_ioeventfd {
	struct list_head node;
	u64 addr;
	u32 len;		/* 0: any */
	bool matches_data;
	u64 data;
	struct eventfd_ctx *eventfd;
};

static int check(const struct kvm_ioeventfd *args)
{
	if (args->flags & ~FLAGS)
		return -EINVAL;
	if (args->addr + args->len < args->addr)
		return -EINVAL;

	switch (args->len) {
	case 0:
		return args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH ? -EINVAL : 0;
	case 1:
	case 2:
	case 4:
	case 8:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Both would be signalled by the same write. */
static bool collides(const struct ravelin_ioeventfd *a, const struct ravelin_ioeventfd *b)
{
	if (a->addr != b->addr || (a->len && b->len && a->len != b->len))
		return false;
	return !a->matches_data || !b->matches_data || a->data == b->data;
}

/* vm->event_lock held. */
static int insert(struct ravelin_vm *vm, struct ravelin_ioeventfd *new)
{
	struct ravelin_ioeventfd *other;

	list_for_each_entry(other, &vm->ioeventfds, node) {
		if (collides(other, new))
			return -EEXIST;
	}
	list_add(&new->node, &vm->ioeventfds);
	return 0;
}

static int assign(struct ravelin_vm *vm, const struct kvm_ioeventfd *args,
		  struct eventfd_ctx *eventfd)
{
	struct ravelin_ioeventfd *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	int err;

	if (!new)
		return -ENOMEM;
	new->addr = args->addr;
	new->len = args->len;
	new->matches_data = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	new->data = args->datamatch;
	new->eventfd = eventfd;

	spin_lock_irq(&vm->event_lock);
	err = insert(vm, new);
	spin_unlock_irq(&vm->event_lock);
	if (err)
		kfree(new);
	return err;
}

static bool is_same(const struct ravelin_ioeventfd *ioeventfd, const struct kvm_ioeventfd *args,
		    const struct eventfd_ctx *eventfd)
{
	bool matches_data = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;

	return ioeventfd->eventfd == eventfd && ioeventfd->addr == args->addr &&
	       ioeventfd->len == args->len && ioeventfd->matches_data == matches_data &&
	       (!matches_data || ioeventfd->data == args->datamatch);
}

static struct ravelin_ioeventfd *take(struct ravelin_vm *vm, const struct kvm_ioeventfd *args,
				      const struct eventfd_ctx *eventfd)
{
	struct ravelin_ioeventfd *found = NULL, *ioeventfd;

	spin_lock_irq(&vm->event_lock);
	list_for_each_entry(ioeventfd, &vm->ioeventfds, node) {
		if (is_same(ioeventfd, args, eventfd)) {
			found = ioeventfd;
			list_del(&found->node);
			break;
		}
	}
	spin_unlock_irq(&vm->event_lock);
	return found;
}

static void drop(struct ravelin_ioeventfd *ioeventfd)
{
	eventfd_ctx_put(ioeventfd->eventfd);
	kfree(ioeventfd);
}

static int deassign(struct ravelin_vm *vm, const struct kvm_ioeventfd *args,
		    struct eventfd_ctx *eventfd)
{
	struct ravelin_ioeventfd *found = take(vm, args, eventfd);

	eventfd_ctx_put(eventfd);
	if (!found)
		return -ENOENT;
	drop(found);
	return 0;
}

int ravelin_ioeventfd(struct ravelin_vm *vm, const struct kvm_ioeventfd *args)
{
	struct eventfd_ctx *eventfd;
	int err = check(args);

	if (err)
		return err;
	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		return deassign(vm, args, eventfd);

	err = assign(vm, args, eventfd);
	if (err)
		eventfd_ctx_put(eventfd);
	return err;
}

static bool is_hit(const struct ravelin_ioeventfd *ioeventfd, u64 addr, u32 len, u64 data)
{
	return ioeventfd->addr == addr && (!ioeventfd->len || ioeventfd->len == len) &&
	       (!ioeventfd->matches_data || ioeventfd->data == data);
}

/* The guest writes. Returns whether somebody waited for it. */
bool ravelin_ioeventfds_write(struct ravelin_vm *vm, u64 addr, u32 len, u64 data)
{
	struct ravelin_ioeventfd *ioeventfd;
	bool hit = false;

	if (list_empty_careful(&vm->ioeventfds))
		return false;

	spin_lock_irq(&vm->event_lock);
	list_for_each_entry(ioeventfd, &vm->ioeventfds, node) {
		if (is_hit(ioeventfd, addr, len, data)) {
			eventfd_signal(ioeventfd->eventfd, 1);
			hit = true;
			break;
		}
	}
	spin_unlock_irq(&vm->event_lock);
	return hit;
}

/* Before the VM goes. */
void ravelin_ioeventfds_free(struct ravelin_vm *vm)
{
	struct ravelin_ioeventfd *ioeventfd, *next;

	list_for_each_entry_safe(ioeventfd, next, &vm->ioeventfds, node)
		drop(ioeventfd);
}
