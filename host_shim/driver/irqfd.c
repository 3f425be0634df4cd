// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQFD: an eventfd whose signal raises an interrupt of the VM. With a second one, for
 * resampling, the interrupt is a level that lasts until the guest ends it; then the second is
 * signalled.
 *
 * An irqfd is in vm->irqfds from its assignment until it is deassigned, its eventfd is closed or the
 * VM ends, whichever is first: who takes it off the list ends it, by a work item, because closing
 * comes with the eventfd's own lock held.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ravelin.h"

#define FIRST_SPI	32

struct ravelin_irqfd {
	struct list_head node;
	struct ravelin_vm *vm;
	u32 intid;
	struct eventfd_ctx *trigger;
	struct eventfd_ctx *resample;	/* or NULL */
	wait_queue_head_t *queue;
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct end;
};

static struct workqueue_struct *end_queue;

static void end(struct work_struct *work)
{
	struct ravelin_irqfd *irqfd = container_of(work, struct ravelin_irqfd, end);
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->trigger, &irqfd->wait, &count);
	eventfd_ctx_put(irqfd->trigger);
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	kfree(irqfd);
}

/* vm->event_lock held. */
static void deactivate(struct ravelin_irqfd *irqfd)
{
	list_del_init(&irqfd->node);
	queue_work(end_queue, &irqfd->end);
}

static void raise(struct ravelin_irqfd *irqfd)
{
	ravelin_set_level(irqfd->vm, irqfd->intid,
			  irqfd->resample ? RAVELIN_LINE_UNTIL_END : RAVELIN_LINE_PULSE);
}

/* With the lock of the eventfd's wait queue held, interrupts off. */
static int on_event(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct ravelin_irqfd *irqfd = container_of(wait, struct ravelin_irqfd, wait);
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->trigger, &count);
		raise(irqfd);
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&irqfd->vm->event_lock, flags);
		if (!list_empty(&irqfd->node))
			deactivate(irqfd);
		spin_unlock_irqrestore(&irqfd->vm->event_lock, flags);
	}
	return 0;
}

static void on_poll(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct ravelin_irqfd *irqfd = container_of(poll, struct ravelin_irqfd, poll);

	irqfd->queue = queue;
	add_wait_queue_priority(queue, &irqfd->wait);
}

/* vm->event_lock held. */
static bool is_assigned(struct ravelin_vm *vm, const struct eventfd_ctx *trigger)
{
	struct ravelin_irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds, node) {
		if (irqfd->trigger == trigger)
			return true;
	}
	return false;
}

static int activate(struct ravelin_irqfd *irqfd, struct file *file)
{
	struct ravelin_vm *vm = irqfd->vm;
	__poll_t events;
	u64 count;

	spin_lock_irq(&vm->event_lock);
	if (is_assigned(vm, irqfd->trigger)) {
		spin_unlock_irq(&vm->event_lock);
		return -EBUSY;
	}
	list_add(&irqfd->node, &vm->irqfds);
	spin_unlock_irq(&vm->event_lock);

	/* From here on it ends by deactivate(). What was signalled before counts. */
	events = vfs_poll(file, &irqfd->poll);
	if (events & EPOLLIN) {
		spin_lock_irq(&irqfd->queue->lock);
		eventfd_ctx_do_read(irqfd->trigger, &count);
		spin_unlock_irq(&irqfd->queue->lock);
		raise(irqfd);
	}
	return 0;
}

static void drop(struct ravelin_irqfd *irqfd)
{
	if (!IS_ERR_OR_NULL(irqfd->trigger))
		eventfd_ctx_put(irqfd->trigger);
	if (!IS_ERR_OR_NULL(irqfd->resample))
		eventfd_ctx_put(irqfd->resample);
	kfree(irqfd);
}

static int get_eventfds(struct ravelin_irqfd *irqfd, const struct kvm_irqfd *args,
			struct file *file)
{
	irqfd->trigger = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->trigger))
		return PTR_ERR(irqfd->trigger);
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(irqfd->resample))
			return PTR_ERR(irqfd->resample);
	}
	return 0;
}

static int assign_file(struct ravelin_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct ravelin_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	int err;

	if (!irqfd)
		return -ENOMEM;

	INIT_LIST_HEAD(&irqfd->node);
	INIT_WORK(&irqfd->end, end);
	init_waitqueue_func_entry(&irqfd->wait, on_event);
	init_poll_funcptr(&irqfd->poll, on_poll);
	irqfd->vm = vm;
	irqfd->intid = FIRST_SPI + args->gsi;

	err = get_eventfds(irqfd, args, file);
	if (!err)
		err = activate(irqfd, file);
	if (err)
		drop(irqfd);
	return err;
}

static int assign(struct ravelin_vm *vm, const struct kvm_irqfd *args)
{
	struct fd f;
	int err;

	if (!READ_ONCE(vm->gic.exists))
		return -ENXIO;
	if (args->gsi >= RAVELIN_MAX_INTIDS - FIRST_SPI)
		return -EINVAL;

	f = fdget(args->fd);
	if (!f.file)
		return -EBADF;
	err = assign_file(vm, args, f.file);
	fdput(f);
	return err;
}

static int deassign(struct ravelin_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *trigger = eventfd_ctx_fdget(args->fd);
	struct ravelin_irqfd *irqfd, *next;

	if (IS_ERR(trigger))
		return PTR_ERR(trigger);

	spin_lock_irq(&vm->event_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, node) {
		if (irqfd->trigger == trigger && irqfd->intid == FIRST_SPI + args->gsi)
			deactivate(irqfd);
	}
	spin_unlock_irq(&vm->event_lock);

	eventfd_ctx_put(trigger);
	/* No interrupt comes from it once this returns. */
	flush_workqueue(end_queue);
	return 0;
}

int ravelin_irqfd(struct ravelin_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	return args->flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(vm, args) : assign(vm, args);
}

/* The guest has ended an interrupt that lasts until then. */
void ravelin_irqfds_resample(struct ravelin_vm *vm, u32 intid)
{
	struct ravelin_irqfd *irqfd;
	unsigned long flags;

	spin_lock_irqsave(&vm->event_lock, flags);
	list_for_each_entry(irqfd, &vm->irqfds, node) {
		if (irqfd->intid == intid && irqfd->resample)
			eventfd_signal(irqfd->resample, 1);
	}
	spin_unlock_irqrestore(&vm->event_lock, flags);
}

/* Before the VM goes. */
void ravelin_irqfds_free(struct ravelin_vm *vm)
{
	struct ravelin_irqfd *irqfd, *next;

	spin_lock_irq(&vm->event_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, node)
		deactivate(irqfd);
	spin_unlock_irq(&vm->event_lock);
	flush_workqueue(end_queue);
}

int __init ravelin_irqfds_init(void)
{
	end_queue = alloc_workqueue("ravelin-irqfd", 0, 0);
	return end_queue ? 0 : -ENOMEM;
}

void ravelin_irqfds_exit(void)
{
	destroy_workqueue(end_queue);
}
