// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs: creation, ioctls of the vCPU file, the mmapped kvm_run. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call.h"
#include "ravelin.h"

#define FEATURES	(BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2))

/* KVM's bound of feature numbers: ENOENT beyond it, EINVAL for those below that we lack. */
#define MAX_FEATURES	7

void ravelin_preferred_target(struct kvm_vcpu_init *init)
{
	memset(init, 0, sizeof(*init));
	init->target = KVM_ARM_TARGET_GENERIC_V8;
}

static int check_init(const struct kvm_vcpu_init *init)
{
	unsigned int i;

	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	for (i = 1; i < ARRAY_SIZE(init->features); i++) {
		if (init->features[i])
			return -ENOENT;
	}
	if (init->features[0] >> MAX_FEATURES)
		return -ENOENT;
	if (init->features[0] & ~FEATURES)
		return -EINVAL;
	return 0;
}

static int vcpu_init(struct ravelin_vcpu *vcpu, const void __user *arg)
{
	struct kvm_vcpu_init init;
	int err;

	if (copy_from_user(&init, arg, sizeof(init)))
		return -EFAULT;
	err = check_init(&init);
	if (err)
		return err;
	/* The monitor resets a vCPU once, when it makes it. */
	if (vcpu->has_run)
		return -EPERM;
	if (vcpu->initialised) {
		err = ravelin_reset_regs(vcpu);
		if (err)
			return err;
	}

	vcpu->initialised = true;
	return ravelin_power_init(vcpu, !(init.features[0] & BIT(KVM_ARM_VCPU_POWER_OFF)));
}

static int access_reg(struct ravelin_vcpu *vcpu, unsigned int ioctl, const void __user *arg)
{
	struct kvm_one_reg reg;

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (copy_from_user(&reg, arg, sizeof(reg)))
		return -EFAULT;
	return ioctl == KVM_SET_ONE_REG ? ravelin_set_reg(vcpu, &reg) : ravelin_get_reg(vcpu, &reg);
}

/* KVM_ARM_VCPU_TIMER_CTRL: the timers' interrupts are where they are. */
static int device_attr(unsigned int ioctl, const void __user *arg)
{
	static const u32 timers[] = {
		[KVM_ARM_VCPU_TIMER_IRQ_VTIMER] = 27,
		[KVM_ARM_VCPU_TIMER_IRQ_PTIMER] = 30,
	};
	struct kvm_device_attr attr;
	u32 __user *at;
	u32 irq;

	if (copy_from_user(&attr, arg, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_ARM_VCPU_TIMER_CTRL || attr.attr >= ARRAY_SIZE(timers))
		return -ENXIO;

	at = u64_to_user_ptr(attr.addr);
	switch (ioctl) {
	case KVM_GET_DEVICE_ATTR:
		return put_user(timers[attr.attr], at);
	case KVM_SET_DEVICE_ATTR:
		if (get_user(irq, at))
			return -EFAULT;
		return irq == timers[attr.attr] ? 0 : -EINVAL;
	default:
		return 0;
	}
}

static long ioctl_locked(struct ravelin_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_RUN:
		return arg ? -EINVAL : ravelin_run(vcpu);
	case KVM_ARM_VCPU_INIT:
		return vcpu_init(vcpu, argp);
	case KVM_SET_ONE_REG:
	case KVM_GET_ONE_REG:
		return access_reg(vcpu, ioctl, argp);
	case KVM_GET_REG_LIST:
		return vcpu->initialised ? ravelin_reg_list(vcpu, argp) : -ENOEXEC;
	case KVM_GET_MP_STATE:
		return ravelin_get_mp_state(vcpu, argp);
	case KVM_SET_MP_STATE:
		return ravelin_set_mp_state(vcpu, argp);
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return vcpu->initialised ? device_attr(ioctl, argp) : -ENOEXEC;
	default:
		return -EINVAL;
	}
}

static long vcpu_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct ravelin_vcpu *vcpu = file->private_data;
	long ret;

	if (!ravelin_vm_usable(vcpu->vm))
		return -EIO;
	if (_IOC_TYPE(ioctl) != KVMIO)
		return -EINVAL;

	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = ioctl_locked(vcpu, ioctl, arg);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct ravelin_vcpu *vcpu = vmf->vma->vm_file->private_data;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(vcpu->run);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct ravelin_vcpu *vcpu = file->private_data;

	ravelin_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/* Has the monitor make the vCPU, in pages that then are its own. */
static int create_in_monitor(struct ravelin_vcpu *vcpu)
{
	struct ravelin_block *object = ravelin_block_alloc(ravelin_monitor.vcpu_pages);
	struct ravelin_vm *vm = vcpu->vm;
	struct ravelin_result res;

	if (!object)
		return -ENOMEM;

	res = ravelin_call(VCPU_CREATE, vm->handle, vcpu->index, ravelin_block_pfn(object),
			   PHYS_PFN(virt_to_phys(vcpu->page)));
	if (res.status) {
		ravelin_block_free(object);
		return ravelin_errno(res.status);
	}
	list_add(&object->node, &vm->blocks);
	return 0;
}

/* The monitor does not know the vCPU, or not any more. */
static void vcpu_free(struct ravelin_vcpu *vcpu)
{
	if (vcpu->page)
		ravelin_run_page_free(vcpu->page);
	free_page((unsigned long)vcpu->run);
	kfree(vcpu);
}

static struct ravelin_vcpu *vcpu_create(struct ravelin_vm *vm, u32 index)
{
	struct ravelin_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);

	mutex_init(&vcpu->mutex);
	init_waitqueue_head(&vcpu->wait);
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->run = (struct kvm_run *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->page = ravelin_run_page_alloc();
	if (vcpu->run && vcpu->page)
		err = create_in_monitor(vcpu);
	if (err) {
		vcpu_free(vcpu);
		return ERR_PTR(err);
	}

	list_add(&vcpu->node, &vm->vcpus);
	smp_store_release(&vm->by_index[index], vcpu);
	return vcpu;
}

static struct ravelin_vcpu *vcpu_find(struct ravelin_vm *vm, u32 index)
{
	struct ravelin_vcpu *vcpu;

	list_for_each_entry(vcpu, &vm->vcpus, node) {
		if (vcpu->index == index)
			return vcpu;
	}
	return NULL;
}

/*
 * KVM_CREATE_VCPU: returns a file descriptor. The monitor cannot delete a single vCPU: one whose
 * file could not be made is kept, and a second attempt makes the file only.
 */
int ravelin_vcpu_open(struct ravelin_vm *vm, unsigned long id)
{
	struct ravelin_vcpu *vcpu;
	char name[24];
	int fd;

	if (id >= min_t(unsigned long, ravelin_monitor.max_vcpus, RAVELIN_MAX_VCPUS))
		return -EINVAL;

	vcpu = vcpu_find(vm, id);
	if (vcpu && vcpu->has_file)
		return -EEXIST;
	if (!vcpu) {
		if (vm->sealed)
			return -EBUSY;
		vcpu = vcpu_create(vm, id);
		if (IS_ERR(vcpu))
			return PTR_ERR(vcpu);
	}

	ravelin_vm_get(vm);
	snprintf(name, sizeof(name), "kvm-vcpu:%u", vcpu->index);
	vcpu->has_file = true;
	fd = anon_inode_getfd(name, &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		vcpu->has_file = false;
		ravelin_vm_put(vm);
	}
	return fd;
}

void ravelin_vcpus_free(struct ravelin_vm *vm)
{
	struct ravelin_vcpu *vcpu, *next;

	list_for_each_entry_safe(vcpu, next, &vm->vcpus, node)
		vcpu_free(vcpu);
}
