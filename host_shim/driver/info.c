// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* debugfs: ravelin/info, the monitor's figures, one "name value" per line. */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "call.h"
#include "ravelin.h"

static const char * const item_names[] = {
	[RAVELIN_INFO_MODE] = "mode",
	[RAVELIN_INFO_VM_PAGES] = "vm_pages",
	[RAVELIN_INFO_VCPU_PAGES] = "vcpu_pages",
	[RAVELIN_INFO_ROOT_PAGES] = "root_pages",
	[RAVELIN_INFO_MAX_IPA_BITS] = "max_ipa_bits",
	[RAVELIN_INFO_MAX_VMS] = "max_vms",
	[RAVELIN_INFO_MAX_VCPUS] = "max_vcpus",
	[RAVELIN_INFO_CARVEOUT_PFN] = "carveout_pfn",
	[RAVELIN_INFO_CARVEOUT_PAGES] = "carveout_pages",
	[RAVELIN_INFO_IMAGE_PAGES] = "image_pages",
	[RAVELIN_INFO_FREE_PAGES] = "free_pages",
	[RAVELIN_INFO_BOOT_TICKS] = "boot_ticks",
	[RAVELIN_INFO_LIVE_VMS] = "live_vms",
	[RAVELIN_INFO_DONATED_PAGES] = "donated_pages",
};

static struct dentry *debugfs_dir;

const char *ravelin_mode_name(u32 mode)
{
	switch (mode) {
	case RAVELIN_MODE_PROTECTED:
		return "protected";
	case RAVELIN_MODE_NVHE:
		return "nvhe";
	case RAVELIN_MODE_NONE:
		return "none";
	default:
		return "unknown";
	}
}

static int info_show(struct seq_file *seq, void *unused)
{
	u32 item;

	for (item = 0; item < ARRAY_SIZE(item_names); item++) {
		u64 arg = item == RAVELIN_INFO_ROOT_PAGES ? ravelin_monitor.max_ipa_bits : 0;
		struct ravelin_result info = ravelin_call(INFO, item, arg);

		if (info.status)
			seq_printf(seq, "%s error %lld\n", item_names[item], info.status);
		else if (item == RAVELIN_INFO_MODE)
			seq_printf(seq, "mode %s\n", ravelin_mode_name(info.value));
		else
			seq_printf(seq, "%s %llu\n", item_names[item], info.value);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

void ravelin_info_init(void)
{
	debugfs_dir = debugfs_create_dir("ravelin", NULL);
	debugfs_create_file("info", 0400, debugfs_dir, NULL, &info_fops);
}

void ravelin_info_exit(void)
{
	debugfs_remove(debugfs_dir);
}
