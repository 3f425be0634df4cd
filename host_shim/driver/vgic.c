// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controller of a VM, a GICv3: KVM's device and its attributes, and KVM_IRQ_LINE. The
 * controller itself is the monitor's; it gets it at the first KVM_RUN, when all vCPUs exist. Lines
 * that the VMM sets before that are kept here until then.
 */
#include <linux/anon_inodes.h>
#include <linux/bitfield.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "call.h"
#include "ravelin.h"

#define PRIVATE_IRQS	32
#define DEFAULT_IRQS	256
#define FRAME_SIZE	SZ_64K
#define REDIST_SIZE	SZ_128K

/* The region of redistributors, as KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION packs it. */
#define REGION_COUNT	GENMASK_ULL(63, 52)
#define REGION_BASE	GENMASK_ULL(51, 16)
#define REGION_FLAGS	GENMASK_ULL(15, 12)
#define REGION_INDEX	GENMASK_ULL(11, 0)

/* What KVM_IRQ_LINE names. */
#define LINE_TYPE	GENMASK(27, 24)
#define LINE_NUMBER	GENMASK(15, 0)

void ravelin_wake(struct ravelin_vm *vm, u64 vcpus)
{
	for (; vcpus; vcpus &= vcpus - 1) {
		struct ravelin_vcpu *vcpu = smp_load_acquire(&vm->by_index[__ffs64(vcpus)]);

		if (!vcpu)
			continue;
		WRITE_ONCE(vcpu->woken, true);
		wake_up(&vcpu->wait);
	}
}

/* Any context. */
int ravelin_set_level(struct ravelin_vm *vm, u32 intid, u32 level)
{
	struct ravelin_result res;

	if (!smp_load_acquire(&vm->gic.ready))
		return -ENXIO;
	res = ravelin_call(VM_IRQ_LINE, vm->handle, intid, level);
	if (res.status)
		return ravelin_errno(res.status);
	ravelin_wake(vm, res.value);
	return 0;
}

static int set_early_level(struct ravelin_vm *vm, u32 intid, bool high)
{
	if (intid >= vm->gic.intids)
		return -EINVAL;
	__assign_bit(intid, vm->gic.early, high);
	return 0;
}

int ravelin_irq_line(struct ravelin_vm *vm, const struct kvm_irq_level *line)
{
	u32 intid = FIELD_GET(LINE_NUMBER, line->irq);
	bool high = line->level;
	int err;

	if (!READ_ONCE(vm->gic.exists))
		return -ENXIO;
	/* A private interrupt is between the vCPU and the monitor. */
	if (FIELD_GET(LINE_TYPE, line->irq) != KVM_ARM_IRQ_TYPE_SPI || intid < PRIVATE_IRQS)
		return -EINVAL;

	if (smp_load_acquire(&vm->gic.ready))
		return ravelin_set_level(vm, intid, high ? RAVELIN_LINE_HIGH : RAVELIN_LINE_LOW);

	mutex_lock(&vm->lock);
	err = vm->gic.ready ? -EAGAIN : set_early_level(vm, intid, high);
	mutex_unlock(&vm->lock);
	if (err != -EAGAIN)
		return err;
	return ravelin_set_level(vm, intid, high ? RAVELIN_LINE_HIGH : RAVELIN_LINE_LOW);
}

static int allow_all(struct ravelin_vm *vm)
{
	u32 first;
	s64 status;

	for (first = PRIVATE_IRQS; first < vm->gic.intids; first += 32) {
		status = ravelin_call(VM_ALLOW_IRQ, vm->handle, first, U32_MAX).status;
		if (status)
			return ravelin_errno(status);
	}
	return 0;
}

/* The first KVM_RUN: the monitor gets the controller, if the VMM wants one. vm->lock held. */
int ravelin_gic_launch(struct ravelin_vm *vm)
{
	u32 intid;
	int err;

	if (!vm->gic.exists || vm->gic.ready)
		return 0;
	if (!vm->gic.has_dist || !vm->gic.has_redist)
		return -ENXIO;

	err = ravelin_errno(ravelin_call(VM_SET_GIC, vm->handle, vm->gic.dist, vm->gic.redist,
					 vm->gic.intids).status);
	if (!err)
		err = allow_all(vm);
	if (err)
		return err;

	for_each_set_bit(intid, vm->gic.early, vm->gic.intids)
		ravelin_call(VM_IRQ_LINE, vm->handle, intid, RAVELIN_LINE_HIGH);
	smp_store_release(&vm->gic.ready, true);
	return 0;
}

static int check_frame(struct ravelin_vm *vm, u64 base, u64 size)
{
	if (!IS_ALIGNED(base, FRAME_SIZE))
		return -EINVAL;
	return base + size > BIT_ULL(vm->ipa_bits) ? -E2BIG : 0;
}

static int set_address(struct ravelin_vm *vm, u64 type, u64 value)
{
	u64 base = value;
	int err;

	switch (type) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		err = vm->gic.has_dist ? -EEXIST : check_frame(vm, base, FRAME_SIZE);
		if (!err) {
			vm->gic.dist = base;
			vm->gic.has_dist = true;
		}
		return err;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		/* One region that holds them all. */
		if (FIELD_GET(REGION_FLAGS, value) || FIELD_GET(REGION_INDEX, value) ||
		    !FIELD_GET(REGION_COUNT, value))
			return -EINVAL;
		vm->gic.redist_room = FIELD_GET(REGION_COUNT, value);
		base = value & REGION_BASE;
		fallthrough;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		err = vm->gic.has_redist ? -EEXIST : check_frame(vm, base, REDIST_SIZE);
		if (!err) {
			vm->gic.redist = base;
			vm->gic.has_redist = true;
		}
		return err;
	default:
		return -ENODEV;
	}
}

static int get_address(struct ravelin_vm *vm, u64 type, u64 *value)
{
	switch (type) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		*value = vm->gic.has_dist ? vm->gic.dist : U64_MAX;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		*value = vm->gic.has_redist ? vm->gic.redist : U64_MAX;
		return 0;
	default:
		return -ENODEV;
	}
}

static int set_number(struct ravelin_vm *vm, u32 intids)
{
	if (intids < PRIVATE_IRQS + 32 || intids > RAVELIN_MAX_INTIDS || intids % 32)
		return -EINVAL;
	if (vm->gic.has_number)
		return -EBUSY;
	vm->gic.intids = intids;
	vm->gic.has_number = true;
	return 0;
}

static int set_attr(struct ravelin_vm *vm, const struct kvm_device_attr *attr)
{
	void __user *at = u64_to_user_ptr(attr->addr);
	u64 address;
	u32 number;

	if (vm->sealed)
		return -EBUSY;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		if (copy_from_user(&address, at, sizeof(address)))
			return -EFAULT;
		return set_address(vm, attr->attr, address);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		if (get_user(number, (u32 __user *)at))
			return -EFAULT;
		return set_number(vm, number);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		if (attr->attr != KVM_DEV_ARM_VGIC_CTRL_INIT)
			return -ENXIO;
		vm->gic.has_number = true;
		return 0;
	default:
		return -ENXIO;
	}
}

static int get_attr(struct ravelin_vm *vm, const struct kvm_device_attr *attr)
{
	void __user *at = u64_to_user_ptr(attr->addr);
	u64 address;
	int err;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		err = get_address(vm, attr->attr, &address);
		if (err)
			return err;
		return copy_to_user(at, &address, sizeof(address)) ? -EFAULT : 0;
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return put_user(vm->gic.intids, (u32 __user *)at);
	default:
		return -ENXIO;
	}
}

static int has_attr(const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		switch (attr->attr) {
		case KVM_VGIC_V3_ADDR_TYPE_DIST:
		case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
			return 0;
		}
		return -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return 0;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return attr->attr == KVM_DEV_ARM_VGIC_CTRL_INIT ? 0 : -ENXIO;
	default:
		return -ENXIO;
	}
}

static long gic_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct ravelin_vm *vm = file->private_data;
	struct kvm_device_attr attr;
	long ret;

	if (!ravelin_vm_usable(vm))
		return -EIO;
	if (ioctl != KVM_SET_DEVICE_ATTR && ioctl != KVM_GET_DEVICE_ATTR &&
	    ioctl != KVM_HAS_DEVICE_ATTR)
		return -ENOTTY;
	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;
	if (attr.flags)
		return -EINVAL;
	if (ioctl == KVM_HAS_DEVICE_ATTR)
		return has_attr(&attr);

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = ioctl == KVM_SET_DEVICE_ATTR ? set_attr(vm, &attr) : get_attr(vm, &attr);
	mutex_unlock(&vm->lock);
	return ret;
}

static int gic_release(struct inode *inode, struct file *file)
{
	ravelin_vm_put(file->private_data);
	return 0;
}

static const struct file_operations gic_fops = {
	.owner = THIS_MODULE,
	.release = gic_release,
	.unlocked_ioctl = gic_ioctl,
	.llseek = noop_llseek,
};

/* vm->lock held. Returns a file descriptor. */
static int create(struct ravelin_vm *vm)
{
	int fd;

	if (vm->gic.exists)
		return -EEXIST;
	if (vm->sealed)
		return -EBUSY;

	ravelin_vm_get(vm);
	fd = anon_inode_getfd("kvm-arm-vgic-v3", &gic_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ravelin_vm_put(vm);
		return fd;
	}
	vm->gic.intids = DEFAULT_IRQS;
	WRITE_ONCE(vm->gic.exists, true);
	return fd;
}

int ravelin_create_device(struct ravelin_vm *vm, struct kvm_create_device __user *arg)
{
	struct kvm_create_device device;
	int fd;

	if (copy_from_user(&device, arg, sizeof(device)))
		return -EFAULT;
	if (device.type != KVM_DEV_TYPE_ARM_VGIC_V3)
		return -ENODEV;
	if (device.flags & ~KVM_CREATE_DEVICE_TEST)
		return -EINVAL;
	if (device.flags & KVM_CREATE_DEVICE_TEST)
		return 0;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	fd = create(vm);
	mutex_unlock(&vm->lock);
	if (fd < 0)
		return fd;
	return put_user(fd, &arg->fd);
}
