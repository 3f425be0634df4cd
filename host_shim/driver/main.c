// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Finds the monitor and offers /dev/kvm on it: loading, parameters, system ioctls. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compat.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/string.h>
#include <asm/sysreg.h>

#include "call.h"
#include "ravelin.h"

#define MONITOR_COMPATIBLE	"ravelin,monitor"

struct ravelin_monitor ravelin_monitor __ro_after_init;
bool ravelin_protect_all;

/* protect=all: every VM is protected, whatever the VMM asks for. */
static int protect_set(const char *value, const struct kernel_param *kp)
{
	if (sysfs_streq(value, "all"))
		WRITE_ONCE(ravelin_protect_all, true);
	else if (sysfs_streq(value, "none"))
		WRITE_ONCE(ravelin_protect_all, false);
	else
		return -EINVAL;
	return 0;
}

static int protect_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%s\n", READ_ONCE(ravelin_protect_all) ? "all" : "none");
}

static const struct kernel_param_ops protect_ops = {
	.set = protect_set,
	.get = protect_get,
};
module_param_cb(protect, &protect_ops, NULL, 0644);
MODULE_PARM_DESC(protect, "all: every VM is protected; none: those that ask for it (default)");

/*
 * mode: what the monitor was started with. The same word on the host's command line
 * (ravelin.mode=) is the monitor's, and modprobe repeats it here: it is accepted and ignored.
 */
static int mode_set(const char *value, const struct kernel_param *kp)
{
	return 0;
}

static int mode_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%s\n", ravelin_mode_name(ravelin_monitor.mode));
}

static const struct kernel_param_ops mode_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = mode_set,
	.get = mode_get,
};
module_param_cb(mode, &mode_ops, NULL, 0444);
MODULE_PARM_DESC(mode, "the monitor's mode (read only; a value given at load time is ignored)");

static int kvm_open(struct inode *inode, struct file *file)
{
	return is_compat_task() ? -ENODEV : 0;
}

static long kvm_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	switch (ioctl) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : PAGE_SIZE;
	case KVM_CHECK_EXTENSION:
		return ravelin_check_extension(arg);
	case KVM_CREATE_VM:
		return ravelin_vm_open(arg);
	default:
		return -EINVAL;
	}
}

static const struct file_operations kvm_fops = {
	.owner = THIS_MODULE,
	.open = kvm_open,
	.unlocked_ioctl = kvm_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kvm_device = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &kvm_fops,
};

/* Only here it is decided whether HVC may be executed. */
static struct device_node *__init find_node(void)
{
	struct device_node *node;

	if (read_sysreg(CurrentEL) != CurrentEL_EL1) {
		pr_err("this kernel runs at EL2: there is no monitor below it\n");
		return NULL;
	}

	node = of_find_compatible_node(NULL, NULL, MONITOR_COMPATIBLE);
	if (!node)
		pr_err("no \"%s\" node in the device tree: not started by the monitor\n",
		       MONITOR_COMPATIBLE);
	return node;
}

static int __init check_identity(void)
{
	struct ravelin_result uid = ravelin_hvc(RAVELIN_CALL_UID, (struct ravelin_args){});
	struct ravelin_result version;
	u32 major, minor;

	if ((u32)uid.status != RAVELIN_UID_0 || uid.value != RAVELIN_UID_1 ||
	    uid.x2 != RAVELIN_UID_2 || uid.x3 != RAVELIN_UID_3) {
		pr_err("the hypervisor below is not Ravelin (UID %08x-%08x-%08x-%08x)\n",
		       (u32)uid.status, (u32)uid.value, (u32)uid.x2, (u32)uid.x3);
		return -ENODEV;
	}

	version = ravelin_call(VERSION);
	major = version.value >> 16;
	minor = version.value & 0xffff;
	if (version.status || major != RAVELIN_ABI_MAJOR || minor < RAVELIN_ABI_MINOR) {
		pr_err("the monitor's ABI is %u.%u (status %lld), this driver needs %u.%u\n",
		       major, minor, version.status, RAVELIN_ABI_MAJOR, RAVELIN_ABI_MINOR);
		return -ENODEV;
	}
	return 0;
}

static int __init get_info(u32 item, u32 *value)
{
	struct ravelin_result info = ravelin_call(INFO, item);

	if (info.status) {
		pr_err("the monitor does not know INFO item %u (status %lld)\n", item, info.status);
		return -ENODEV;
	}
	*value = info.value;
	return 0;
}

static int __init read_monitor(void)
{
	struct ravelin_monitor *m = &ravelin_monitor;

	if (get_info(RAVELIN_INFO_MODE, &m->mode) ||
	    get_info(RAVELIN_INFO_VM_PAGES, &m->vm_pages) ||
	    get_info(RAVELIN_INFO_VCPU_PAGES, &m->vcpu_pages) ||
	    get_info(RAVELIN_INFO_MAX_IPA_BITS, &m->max_ipa_bits) ||
	    get_info(RAVELIN_INFO_MAX_VMS, &m->max_vms) ||
	    get_info(RAVELIN_INFO_MAX_VCPUS, &m->max_vcpus))
		return -ENODEV;

	if (m->mode != RAVELIN_MODE_PROTECTED && m->mode != RAVELIN_MODE_NVHE) {
		pr_err("the monitor runs in mode \"%s\": no VMs\n", ravelin_mode_name(m->mode));
		return -ENODEV;
	}
	return 0;
}

static int __init register_device(void)
{
	int err = misc_register(&kvm_device);

	if (err)
		pr_err("/dev/kvm cannot be registered (%d): is another KVM active?\n", err);
	return err;
}

static int __init start(struct device_node *node)
{
	int err = ravelin_irqfds_init();

	if (err)
		return err;
	err = ravelin_irqs_init(node);
	if (err)
		goto no_irqs;
	err = register_device();
	if (err)
		goto no_device;
	return 0;

no_device:
	ravelin_irqs_exit();
no_irqs:
	ravelin_irqfds_exit();
	return err;
}

static int __init ravelin_init(void)
{
	struct device_node *node;
	int err;

	BUILD_BUG_ON(PAGE_SIZE != 4096);
	BUILD_BUG_ON(sizeof(struct ravelin_run_page) > PAGE_SIZE);
	BUILD_BUG_ON(RAVELIN_BATCH * sizeof(struct page *) > PAGE_SIZE);

	node = find_node();
	if (!node)
		return -ENODEV;
	err = check_identity();
	if (!err)
		err = read_monitor();
	if (!err)
		err = start(node);
	of_node_put(node);
	if (err)
		return err;
	ravelin_info_init();

	pr_info("mode %s, up to %u VMs of %u vCPUs, %u-bit IPA\n",
		ravelin_mode_name(ravelin_monitor.mode), ravelin_monitor.max_vms,
		ravelin_monitor.max_vcpus, ravelin_monitor.max_ipa_bits);
	return 0;
}

static void __exit ravelin_exit(void)
{
	ravelin_info_exit();
	misc_deregister(&kvm_device);
	ravelin_irqs_exit();
	ravelin_irqfds_exit();
}

module_init(ravelin_init);
module_exit(ravelin_exit);

static const struct of_device_id ravelin_of_match[] = {
	{ .compatible = MONITOR_COMPATIBLE },
	{ }
};
MODULE_DEVICE_TABLE(of, ravelin_of_match);

MODULE_DESCRIPTION("KVM API on the Ravelin monitor");
MODULE_AUTHOR("The Ravelin Authors");
MODULE_LICENSE("GPL");
