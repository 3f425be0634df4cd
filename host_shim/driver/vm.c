// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* VMs: creation, ioctls of the VM file, launch, destruction. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call.h"
#include "ravelin.h"

/* The argument of KVM_CREATE_VM: IPA bits (0: KVM's default) and the kind. */
#define TYPE_IPA_MASK		0xffUL
#define TYPE_PROTECTED		BIT(31)
#define DEFAULT_IPA_BITS	40
#define MIN_IPA_BITS		32

long ravelin_check_extension(unsigned long extension)
{
	switch (extension) {
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_ONE_REG:
	case KVM_CAP_ARM_PSCI:
	case KVM_CAP_ARM_PSCI_0_2:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_SYSTEM_EVENT_DATA:
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_DEVICE_CTRL:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_VCPU_ATTRIBUTES:
		return 1;
	case KVM_CAP_NR_MEMSLOTS:
		return RAVELIN_MAX_SLOTS;
	case KVM_CAP_NR_VCPUS:
		return min(num_online_cpus(), ravelin_monitor.max_vcpus);
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return ravelin_monitor.max_vcpus;
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return ravelin_monitor.max_ipa_bits;
	default:
		return 0;
	}
}

/* The VM was made by this process, and the monitor has not stopped it. */
bool ravelin_vm_usable(struct ravelin_vm *vm)
{
	return vm->mm == current->mm && !READ_ONCE(vm->dead);
}

/* The interrupt controller comes before any memory. */
static int launch(struct ravelin_vm *vm)
{
	int err = ravelin_gic_launch(vm);

	if (!err && vm->protected)
		err = ravelin_load(vm);
	if (!err)
		err = ravelin_errno(ravelin_call(VM_LAUNCH, vm->handle).status);
	if (!err)
		err = ravelin_power_launch(vm);
	return err;
}

/*
 * First KVM_RUN: the memory of a protected VM is loaded and measured, and the VM may run. What
 * fails half-way is continued by the next attempt.
 */
int ravelin_vm_launch(struct ravelin_vm *vm)
{
	int err = 0;

	if (smp_load_acquire(&vm->launched))
		return 0;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;

	if (!vm->launched) {
		vm->sealed = true;
		err = launch(vm);
		if (!err)
			smp_store_release(&vm->launched, true);
	}

	mutex_unlock(&vm->lock);
	return err;
}

/* The pages of the VM's objects, which the monitor returns when the VM ends. */
static bool end_in_monitor(struct ravelin_vm *vm)
{
	struct ravelin_result res = ravelin_call(VM_DESTROY, vm->handle);

	if (res.status) {
		pr_err("VM %u: the monitor does not end it (status %lld); its memory is lost\n",
		       vm->handle, res.status);
		return false;
	}
	if (!ravelin_reclaim_all(vm))
		return false;

	for (;;) {
		res = ravelin_call(VM_FREE, vm->handle);
		if (res.status != RAVELIN_INCOMPLETE)
			break;
		cond_resched();
	}
	if (res.status) {
		pr_err("VM %u: the monitor keeps its metadata (status %lld, %llu pages left)\n",
		       vm->handle, res.status, res.value);
		return false;
	}
	return true;
}

static void free_blocks(struct ravelin_vm *vm)
{
	struct ravelin_block *block, *next;

	list_for_each_entry_safe(block, next, &vm->blocks, node)
		ravelin_block_free(block);
}

/* Nobody else knows the VM any more. What the monitor does not give back is left alone for ever. */
static void destroy(struct kref *users)
{
	struct ravelin_vm *vm = container_of(users, struct ravelin_vm, users);

	ravelin_irqfds_free(vm);
	ravelin_ioeventfds_free(vm);

	mutex_lock(&vm->lock);
	if (end_in_monitor(vm)) {
		free_blocks(vm);
		ravelin_vcpus_free(vm);
	}
	ravelin_slots_free(vm);
	xa_destroy(&vm->pages);
	mutex_unlock(&vm->lock);

	mmdrop(vm->mm);
	free_page((unsigned long)vm->batch);
	kfree(vm);
}

void ravelin_vm_get(struct ravelin_vm *vm)
{
	kref_get(&vm->users);
}

void ravelin_vm_put(struct ravelin_vm *vm)
{
	kref_put(&vm->users, destroy);
}

static int set_memory_region(struct ravelin_vm *vm, const void __user *arg)
{
	struct kvm_userspace_memory_region region;
	int err;

	if (copy_from_user(&region, arg, sizeof(region)))
		return -EFAULT;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	err = ravelin_slot_set(vm, &region);
	mutex_unlock(&vm->lock);
	return err;
}

static int irq_line(struct ravelin_vm *vm, const void __user *arg)
{
	struct kvm_irq_level line;

	if (copy_from_user(&line, arg, sizeof(line)))
		return -EFAULT;
	return ravelin_irq_line(vm, &line);
}

static int irqfd(struct ravelin_vm *vm, const void __user *arg)
{
	struct kvm_irqfd args;
	int err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	err = ravelin_irqfd(vm, &args);
	mutex_unlock(&vm->lock);
	return err;
}

static int ioeventfd(struct ravelin_vm *vm, const void __user *arg)
{
	struct kvm_ioeventfd args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	return ravelin_ioeventfd(vm, &args);
}

static int preferred_target(void __user *arg)
{
	struct kvm_vcpu_init init;

	ravelin_preferred_target(&init);
	return copy_to_user(arg, &init, sizeof(init)) ? -EFAULT : 0;
}

static int create_vcpu(struct ravelin_vm *vm, unsigned long id)
{
	int fd;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	fd = ravelin_vcpu_open(vm, id);
	mutex_unlock(&vm->lock);
	return fd;
}

static long vm_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct ravelin_vm *vm = file->private_data;
	void __user *argp = (void __user *)arg;

	if (!ravelin_vm_usable(vm))
		return -EIO;

	switch (ioctl) {
	case KVM_CHECK_EXTENSION:
		return ravelin_check_extension(arg);
	case KVM_SET_USER_MEMORY_REGION:
		return set_memory_region(vm, argp);
	case KVM_CREATE_VCPU:
		return create_vcpu(vm, arg);
	case KVM_ARM_PREFERRED_TARGET:
		return preferred_target(argp);
	case KVM_CREATE_DEVICE:
		return ravelin_create_device(vm, argp);
	case KVM_IRQ_LINE:
		return irq_line(vm, argp);
	case KVM_IRQFD:
		return irqfd(vm, argp);
	case KVM_IOEVENTFD:
		return ioeventfd(vm, argp);
	/* For GICv2. */
	case KVM_CREATE_IRQCHIP:
	case KVM_ARM_SET_DEVICE_ADDR:
		return -ENXIO;
	default:
		return -EINVAL;
	}
}

static int vm_release(struct inode *inode, struct file *file)
{
	ravelin_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.llseek = noop_llseek,
};

/* Has the monitor make the VM, in pages that then are its own. */
static int create_in_monitor(struct ravelin_vm *vm)
{
	struct ravelin_result root_pages =
		ravelin_call(INFO, RAVELIN_INFO_ROOT_PAGES, vm->ipa_bits);
	struct ravelin_block *object, *root;
	struct ravelin_result res;

	if (root_pages.status)
		return ravelin_errno(root_pages.status);

	object = ravelin_block_alloc(ravelin_monitor.vm_pages);
	root = ravelin_block_alloc(root_pages.value);
	if (!object || !root) {
		ravelin_block_free(object);
		ravelin_block_free(root);
		return -ENOMEM;
	}

	res = ravelin_call(VM_CREATE, vm->protected ? RAVELIN_VM_PROTECTED : RAVELIN_VM_NORMAL,
			   vm->ipa_bits, ravelin_block_pfn(object), ravelin_block_pfn(root));
	if (res.status) {
		ravelin_block_free(object);
		ravelin_block_free(root);
		return ravelin_errno(res.status);
	}

	vm->handle = res.value;
	list_add(&object->node, &vm->blocks);
	list_add(&root->node, &vm->blocks);
	return 0;
}

static struct ravelin_vm *vm_create(bool protected, u32 ipa_bits)
{
	struct ravelin_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!vm)
		return ERR_PTR(-ENOMEM);

	kref_init(&vm->users);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->slots);
	INIT_LIST_HEAD(&vm->vcpus);
	INIT_LIST_HEAD(&vm->blocks);
	xa_init(&vm->pages);
	spin_lock_init(&vm->event_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->ioeventfds);
	vm->protected = protected;
	vm->ipa_bits = ipa_bits;

	vm->batch = (struct page **)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (vm->batch)
		err = create_in_monitor(vm);
	if (err) {
		free_page((unsigned long)vm->batch);
		kfree(vm);
		return ERR_PTR(err);
	}

	mmgrab(current->mm);
	vm->mm = current->mm;
	return vm;
}

/* KVM_CREATE_VM: returns a file descriptor. */
int ravelin_vm_open(unsigned long type)
{
	u32 ipa_bits = type & TYPE_IPA_MASK ?: DEFAULT_IPA_BITS;
	bool protected = type & TYPE_PROTECTED;
	struct ravelin_vm *vm;
	int fd;

	if (type & ~(TYPE_IPA_MASK | TYPE_PROTECTED))
		return -EINVAL;
	if (ipa_bits < MIN_IPA_BITS || ipa_bits > ravelin_monitor.max_ipa_bits)
		return -EINVAL;
	if (READ_ONCE(ravelin_protect_all))
		protected = true;
	if (protected && ravelin_monitor.mode != RAVELIN_MODE_PROTECTED)
		return -EINVAL;

	vm = vm_create(protected, ipa_bits);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	fd = anon_inode_getfd("kvm-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		ravelin_vm_put(vm);
	return fd;
}
