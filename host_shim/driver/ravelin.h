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
 *   vm->lock         slots, pages, blocks, vCPU list, launch
 *   mm->mmap_lock    taken by pinning and by the RLIMIT_MEMLOCK accounting
 *
 * References: a VM's file and each of its vCPUs' files hold one reference to the VM; vCPUs live as
 * long as their VM. Whichever file is closed last destroys the VM.
 */
#ifndef RAVELIN_H
#define RAVELIN_H

#include <hyp/abi/host_call.h>
#include <hyp/abi/run_page.h>
#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define RAVELIN_MAX_SLOTS 128

/* Pages that are handled at a time: a block of 2 MiB. */
#define RAVELIN_BATCH 512

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
  void* va;
  unsigned int npages;
};

struct ravelin_vm {
  struct kref users;
  struct mm_struct* mm;
  u32 handle;
  u32 ipa_bits;
  bool protected;

  struct mutex lock;
  struct list_head slots; /* by gfn */
  struct list_head vcpus;
  struct list_head blocks;
  struct xarray pages; /* gfn -> pinned struct page */
  struct page** batch; /* RAVELIN_BATCH entries of scratch */
  bool sealed;         /* the memory layout is final */
  bool launched;

  bool off;  /* the guest asked for shutdown or reset */
  bool dead; /* the monitor stopped it */
};

struct ravelin_vcpu {
  struct ravelin_vm* vm;
  struct list_head node;
  u32 index;
  bool has_file;

  struct mutex mutex;
  struct kvm_run* run;           /* shared with the VMM */
  struct ravelin_run_page* page; /* shared with the monitor */
  bool initialised;
  bool has_run;
  bool off;
  struct {
    bool pending;
    bool is_write;
    u32 len;
  } mmio;
};

/* info.c */
void ravelin_info_init(void);
void ravelin_info_exit(void);
const char* ravelin_mode_name(u32 mode);

/* vm.c */
int ravelin_vm_open(unsigned long type);
void ravelin_vm_get(struct ravelin_vm* vm);
void ravelin_vm_put(struct ravelin_vm* vm);
bool ravelin_vm_usable(struct ravelin_vm* vm);
int ravelin_vm_launch(struct ravelin_vm* vm);
long ravelin_check_extension(unsigned long extension);

/* slots.c; vm->lock held */
int ravelin_slot_set(struct ravelin_vm* vm, const struct kvm_userspace_memory_region* region);
struct ravelin_slot* ravelin_slot_find(struct ravelin_vm* vm, u64 gfn);
void ravelin_slots_free(struct ravelin_vm* vm);

/* memory.c; vm->lock held unless said otherwise */
long ravelin_place(struct ravelin_vm* vm, u64 gfn, struct page** pages, unsigned long n);
int ravelin_unshare(struct ravelin_vm* vm, u64 gfn, u64 npages);
bool ravelin_reclaim_all(struct ravelin_vm* vm);
int ravelin_fault(struct ravelin_vm* vm, u64 gfn, bool write); /* takes vm->lock */
void ravelin_relinquished(struct ravelin_vm* vm, u64 gfn);     /* takes vm->lock */

/* mapping.c; vm->lock held, for ravelin_pin_claimed() also mmap_lock for writing */
int ravelin_claim_slots(struct ravelin_vm* vm);
long ravelin_pin_claimed(struct ravelin_vm* vm, unsigned long addr, unsigned long n,
                         unsigned int flags, struct page** pages);

/* cache.c */
void ravelin_clean_pages(struct page** pages, unsigned long n);

/* load.c; vm->lock held */
int ravelin_load(struct ravelin_vm* vm);

/* meta.c; vm->lock held where there is a VM */
struct ravelin_block* ravelin_block_alloc(unsigned int npages);
void ravelin_block_free(struct ravelin_block* block);
u64 ravelin_block_pfn(const struct ravelin_block* block);
int ravelin_topup(struct ravelin_vm* vm);
struct ravelin_run_page* ravelin_run_page_alloc(void);
void ravelin_run_page_free(struct ravelin_run_page* page);

/* vcpu.c */
int ravelin_vcpu_open(struct ravelin_vm* vm, unsigned long id);
void ravelin_vcpus_free(struct ravelin_vm* vm);
void ravelin_preferred_target(struct kvm_vcpu_init* init);

/* regs.c; vcpu->mutex held */
int ravelin_get_reg(struct ravelin_vcpu* vcpu, const struct kvm_one_reg* reg);
int ravelin_set_reg(struct ravelin_vcpu* vcpu, const struct kvm_one_reg* reg);
int ravelin_reset_regs(struct ravelin_vcpu* vcpu);
int ravelin_reg_list(struct ravelin_vcpu* vcpu, struct kvm_reg_list __user* list);

/* run.c; vcpu->mutex held */
int ravelin_run(struct ravelin_vcpu* vcpu);

#endif
