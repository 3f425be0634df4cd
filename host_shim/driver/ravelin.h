/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Ravelin host driver: /dev/kvm on top of the monitor's host calls.
 *
 * What it keeps: every page that the monitor holds, or may touch, for a VM is in exactly one of
 * vm->pages (guest memory, pinned and charged), vm->blocks (the monitor's metadata) and
 * vcpu->page (run pages). It goes back to the kernel only after the monitor has confirmed that it
 * gave it up; a page for which it refuses is never freed.
 *
 * The kernel never touches a page between donation and reclaim: the access would fault.
 *
 * Locks, in the order in which they are taken:
 *   vcpu->mutex      one ioctl of a vCPU at a time; held for all of KVM_RUN
 *   vm->lock         slots, pages, blocks, vCPU list, launch, interrupt controller, eventfds
 *   mm->mmap_lock    taken by pinning and by the RLIMIT_MEMLOCK accounting
 *   an eventfd's own, vm->event_lock   spin locks, in this order; interrupts off
 *
 * References: a VM's file and each of its vCPUs' files hold one reference to the VM; vCPUs live as
 * long as their VM. Whichever file is closed last destroys the VM.
 */
#ifndef RAVELIN_H
#define RAVELIN_H

#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <hyp/abi/host_call.h>
#include <hyp/abi/run_page.h>

#define RAVELIN_MAX_SLOTS	128
#define RAVELIN_MAX_VCPUS	64
#define RAVELIN_MAX_INTIDS	288

/* Pages that are handled at a time: a block of 2 MiB. */
#define RAVELIN_BATCH		512

/* What the monitor says of itself; constant after loading. */
struct ravelin_monitor {
	u32 mode;
	u32 vm_pages;
	u32 vcpu_pages;
	u32 max_ipa_bits;
	u32 max_vms;
	u32 max_vcpus;
};

extern struct ravelin_monitor ravelin_monitor;
extern bool ravelin_protect_all;

/* A range of guest memory that the VMM backs with its own. */
struct ravelin_slot {
	struct list_head node;
	u32 id;
	u64 gfn;
	u64 npages;
	unsigned long hva;
};

/* Pages that the monitor uses for its own objects and tables. */
struct ravelin_block {
	struct list_head node;
	void *va;
	unsigned int npages;
};

struct ravelin_vm {
	struct kref users;
	struct mm_struct *mm;
	u32 handle;
	u32 ipa_bits;
	bool protected;

	struct mutex lock;
	struct list_head slots;		/* by gfn */
	struct list_head vcpus;
	struct list_head blocks;
	struct xarray pages;		/* gfn -> pinned struct page */
	struct page **batch;		/* RAVELIN_BATCH entries of scratch */
	bool sealed;			/* the memory layout is final */
	bool launched;

	/* For those who wake a vCPU: entries are set once, and stay as long as the VM. */
	struct ravelin_vcpu *by_index[RAVELIN_MAX_VCPUS];

	struct {
		bool exists;		/* the VMM has asked for it */
		bool has_dist, has_redist, has_number;
		bool ready;		/* the monitor has it */
		u64 dist, redist;
		u32 redist_room;	/* redistributors that fit; 0: all */
		u32 intids;
		DECLARE_BITMAP(early, RAVELIN_MAX_INTIDS);	/* lines that are high before */
	} gic;

	spinlock_t event_lock;
	struct list_head irqfds;
	struct list_head ioeventfds;

	bool off;			/* the guest asked for shutdown or reset */
	bool dead;			/* the monitor stopped it */
};

struct ravelin_vcpu {
	struct ravelin_vm *vm;
	struct list_head node;
	u32 index;
	bool has_file;

	struct mutex mutex;
	struct kvm_run *run;		/* shared with the VMM */
	struct ravelin_run_page *page;	/* shared with the monitor */
	bool initialised;
	bool has_run;
	bool off;			/* it does not run before somebody switches it on */
	bool held;			/* off by the VMM's wish alone */
	bool woken;			/* it has something to do, or may have */
	wait_queue_head_t wait;
	struct {
		bool pending;
		bool is_write;
		u32 len;
	} mmio;
};

/* info.c */
void ravelin_info_init(void);
void ravelin_info_exit(void);
const char *ravelin_mode_name(u32 mode);

/* vm.c */
int ravelin_vm_open(unsigned long type);
void ravelin_vm_get(struct ravelin_vm *vm);
void ravelin_vm_put(struct ravelin_vm *vm);
bool ravelin_vm_usable(struct ravelin_vm *vm);
int ravelin_vm_launch(struct ravelin_vm *vm);
long ravelin_check_extension(unsigned long extension);

/* slots.c; vm->lock held */
int ravelin_slot_set(struct ravelin_vm *vm, const struct kvm_userspace_memory_region *region);
struct ravelin_slot *ravelin_slot_find(struct ravelin_vm *vm, u64 gfn);
void ravelin_slots_free(struct ravelin_vm *vm);

/* memory.c; vm->lock held unless said otherwise */
long ravelin_place(struct ravelin_vm *vm, u64 gfn, struct page **pages, unsigned long n);
int ravelin_unshare(struct ravelin_vm *vm, u64 gfn, u64 npages);
bool ravelin_reclaim_all(struct ravelin_vm *vm);
int ravelin_fault(struct ravelin_vm *vm, u64 gfn, bool write);	/* takes vm->lock */
void ravelin_relinquished(struct ravelin_vm *vm, u64 gfn);	/* takes vm->lock */

/* mapping.c; vm->lock held, for ravelin_pin_claimed() also mmap_lock for writing */
int ravelin_claim_slots(struct ravelin_vm *vm);
long ravelin_pin_claimed(struct ravelin_vm *vm, unsigned long addr, unsigned long n,
			 unsigned int flags, struct page **pages);

/* cache.c */
void ravelin_clean_pages(struct page **pages, unsigned long n);

/* load.c; vm->lock held */
int ravelin_load(struct ravelin_vm *vm);

/* meta.c; vm->lock held where there is a VM */
struct ravelin_block *ravelin_block_alloc(unsigned int npages);
void ravelin_block_free(struct ravelin_block *block);
u64 ravelin_block_pfn(const struct ravelin_block *block);
int ravelin_topup(struct ravelin_vm *vm);
struct ravelin_run_page *ravelin_run_page_alloc(void);
void ravelin_run_page_free(struct ravelin_run_page *page);

/* vcpu.c */
int ravelin_vcpu_open(struct ravelin_vm *vm, unsigned long id);
void ravelin_vcpus_free(struct ravelin_vm *vm);
void ravelin_preferred_target(struct kvm_vcpu_init *init);

/* regs.c; vcpu->mutex held */
int ravelin_get_reg(struct ravelin_vcpu *vcpu, const struct kvm_one_reg *reg);
int ravelin_set_reg(struct ravelin_vcpu *vcpu, const struct kvm_one_reg *reg);
int ravelin_reset_regs(struct ravelin_vcpu *vcpu);
int ravelin_reg_list(struct ravelin_vcpu *vcpu, struct kvm_reg_list __user *list);

/* run.c; vcpu->mutex held */
int ravelin_run(struct ravelin_vcpu *vcpu);

/* power.c; vcpu->mutex held, for ravelin_power_launch() vm->lock */
bool ravelin_is_on(struct ravelin_vcpu *vcpu);
int ravelin_power_launch(struct ravelin_vm *vm);
int ravelin_power_init(struct ravelin_vcpu *vcpu, bool on);	/* takes vm->lock */
int ravelin_get_mp_state(struct ravelin_vcpu *vcpu, struct kvm_mp_state __user *arg);
int ravelin_set_mp_state(struct ravelin_vcpu *vcpu, const struct kvm_mp_state __user *arg);

/* irq.c */
struct device_node;
int ravelin_irqs_init(struct device_node *node);
void ravelin_irqs_exit(void);

/* vgic.c; any context unless said otherwise */
int ravelin_create_device(struct ravelin_vm *vm, struct kvm_create_device __user *arg);
int ravelin_gic_launch(struct ravelin_vm *vm);		/* vm->lock held */
int ravelin_irq_line(struct ravelin_vm *vm, const struct kvm_irq_level *line);	/* takes vm->lock */
int ravelin_set_level(struct ravelin_vm *vm, u32 intid, u32 level);
void ravelin_wake(struct ravelin_vm *vm, u64 vcpus);

/* irqfd.c */
int ravelin_irqfds_init(void);
void ravelin_irqfds_exit(void);
int ravelin_irqfd(struct ravelin_vm *vm, const struct kvm_irqfd *args);	/* vm->lock held */
void ravelin_irqfds_resample(struct ravelin_vm *vm, u32 intid);
void ravelin_irqfds_free(struct ravelin_vm *vm);

/* ioeventfd.c */
int ravelin_ioeventfd(struct ravelin_vm *vm, const struct kvm_ioeventfd *args);
bool ravelin_ioeventfds_write(struct ravelin_vm *vm, u64 addr, u32 len, u64 data);
void ravelin_ioeventfds_free(struct ravelin_vm *vm);

#endif
