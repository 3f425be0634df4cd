/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The host ABI: how the host kernel asks the monitor for VMs and moves pages.
 *
 * Convention (SMC Calling Convention, DEN 0028): HVC #0 at EL1, fast call, 64-bit, owner 6
 * (vendor-specific hypervisor service). x0 = function identifier, x1.. = arguments; unused argument
 * registers up to x6 must be 0. On return x0 = one of the status values below, x1.. = results;
 * x4 to x30 are preserved. Arguments are handles, indices, frame numbers (address / 4 KiB) and
 * counts, never pointers. A call that fails changes nothing.
 *
 * Calls on a range take 1 to RAVELIN_MAX_RANGE pages. No call stays in EL2 for long: such a call
 * does the first pages of its range, as many as it sees fit, and returns their number in x1, with
 * SUCCESS if these were all and INCOMPLETE if the caller has to go on behind them. It does these
 * pages or none, and its errors are those of these pages alone.
 *
 * Errors that are not repeated below: NOT_SUPPORTED: no such call, or not in this mode;
 * INVALID_ARGUMENT: an unused register is not 0, or an argument is wider than its type; NO_SUCH_VM
 * for every handle; NO_SUCH_VCPU for every index.
 */
#ifndef RAVELIN_ABI_HOST_CALL_H
#define RAVELIN_ABI_HOST_CALL_H

/* SMCCC "Call UID" of owner 6; answers with the words of RAVELIN_UID in x0..x3. */
#define RAVELIN_CALL_UID 0x8600FF01u
#define RAVELIN_UID_0 0x7d3c1f52u
#define RAVELIN_UID_1 0x4c0e9b21u
#define RAVELIN_UID_2 0x9e5f6ab4u
#define RAVELIN_UID_3 0x20d8c7e3u

#define RAVELIN_ABI_MAJOR 1u
#define RAVELIN_ABI_MINOR 0u

#define RAVELIN_HOST_CALL_BASE 0xC6001000u

/*
 * VERSION() -> x1 = (major << 16) | minor. A driver works with a monitor of its own major version
 * and any minor version that is not lower than its own.
 */
#define RAVELIN_HOST_VERSION 0u
/* INFO(item, argument) -> x1; items below. INVALID_ARGUMENT: no such item. */
#define RAVELIN_HOST_INFO 1u
/*
 * PAGE_SHARE(pfn): lets the monitor read and write a page of the host (a run page).
 * NOT_RAM, WRONG_OWNER: not the host's own; WRONG_STATE: already shared.
 */
#define RAVELIN_HOST_PAGE_SHARE 2u
/*
 * PAGE_UNSHARE(pfn): ends PAGE_SHARE. WRONG_STATE: not shared; BUSY: in use as a run page; NOT_RAM,
 * WRONG_OWNER: not the host's.
 */
#define RAVELIN_HOST_PAGE_UNSHARE 3u
/* PAGE_QUERY(pfn) -> x1 = RAVELIN_PAGE_*: what the page is to the host. NOT_RAM. */
#define RAVELIN_HOST_PAGE_QUERY 4u
/*
 * VM_CREATE(kind, ipa_bits, vm_pfn, root_pfn) -> x1 = handle, never 0. Donates INFO_VM_PAGES
 * contiguous pages from vm_pfn, and INFO_ROOT_PAGES(ipa_bits) contiguous pages, aligned to their
 * own size, from root_pfn. kind: RAVELIN_VM_NORMAL or _PROTECTED; ipa_bits: 32 to the machine's
 * limit (INFO_MAX_IPA_BITS). INVALID_ARGUMENT, NOT_RAM, WRONG_OWNER, WRONG_STATE, LIMIT;
 * NOT_SUPPORTED: a protected VM in mode nvhe.
 */
#define RAVELIN_HOST_VM_CREATE 5u
/*
 * VM_TOPUP(handle, pfn, count) -> x1 = pages done: donates contiguous pages for the VM's stage-2
 * tables. Errors as VM_CREATE; WRONG_PHASE: the VM is dying.
 */
#define RAVELIN_HOST_VM_TOPUP 6u
/*
 * VCPU_CREATE(handle, index, vcpu_pfn, run_pfn): donates INFO_VCPU_PAGES contiguous pages from
 * vcpu_pfn and takes the shared page run_pfn as run page (run_page.h). Only before VM_LAUNCH and
 * VM_SET_GIC.
 * EXISTS: index or run page taken; LIMIT: index too high; WRONG_STATE: run_pfn not shared.
 */
#define RAVELIN_HOST_VCPU_CREATE 7u
/*
 * VCPU_SET_REG(handle, index, register, value), VCPU_GET_REG(handle, index, register) -> x1.
 * register: RAVELIN_REG_*. A protected VM: SET only before VM_LAUNCH, and only X0..X3 and PC;
 * GET never (WRONG_KIND). BUSY: the vCPU runs.
 */
#define RAVELIN_HOST_VCPU_SET_REG 8u
#define RAVELIN_HOST_VCPU_GET_REG 9u
/*
 * VM_LAUNCH(handle): no more vCPUs; from here donated pages are zeroed, and vCPU 0 can run.
 * WRONG_PHASE: again; NO_SUCH_VCPU: there is no vCPU 0.
 */
#define RAVELIN_HOST_VM_LAUNCH 10u
/*
 * VCPU_RUN(handle, index) -> x1 = RAVELIN_EXIT_*: runs the vCPU until it needs the host, which
 * finds the exit, and leaves its reply, in the run page. WRONG_PHASE: not launched, dying, or the
 * vCPU is off; BUSY: it runs already; WRONG_STATE: this CPU is in SME streaming mode.
 */
#define RAVELIN_HOST_VCPU_RUN 11u
/*
 * VM_DONATE(handle, gfn, pfn, count) -> x1 = pages done: gives contiguous pages to a protected VM
 * at gfn. Before VM_LAUNCH the contents are kept: they are the VM's initial image; after it the
 * pages are zeroed. WRONG_KIND, NOT_RAM, WRONG_OWNER, WRONG_STATE; BUSY: a device reaches the page;
 * EXISTS; NO_MEMORY: VM_TOPUP first; INVALID_ARGUMENT: beyond the VM's IPA space.
 */
#define RAVELIN_HOST_VM_DONATE 12u
/*
 * VM_SHARE(handle, gfn, pfn, count, permissions) -> x1 = pages done: lends pages to a normal VM;
 * permissions: RAVELIN_PERM_*, at least READ. A page may be lent to several VMs, and to one at
 * several frames. Where gfn and pfn are aligned to 2 MiB, 512 pages become one block. Errors as
 * VM_DONATE; LIMIT: a page is lent too often.
 * The monitor does no cache maintenance for a lent page: the VM trusts the host with its memory
 * anyway. Before the call the host cleans what it has written to the point of coherency, and
 * invalidates the instruction caches if it has written code: the VM may run with its caches off.
 */
#define RAVELIN_HOST_VM_SHARE 13u
/*
 * VM_UNSHARE(handle, gfn, count) -> x1 = pages done: takes lent pages back from a normal VM, in any
 * phase. NOT_MAPPED: a hole; WRONG_KIND; INVALID_ARGUMENT: beyond the VM's IPA space; NO_MEMORY:
 * the range ends inside a block, VM_TOPUP first.
 */
#define RAVELIN_HOST_VM_UNSHARE 14u
/* VM_DESTROY(handle): the VM is dying, no vCPU runs any more. BUSY: one runs; WRONG_PHASE: again.
 */
#define RAVELIN_HOST_VM_DESTROY 15u
/*
 * VM_RECLAIM(handle, pfn, count) -> x1 = pages done: takes pages of a dying protected VM back,
 * wiped. (A normal VM's are the host's all the time: VM_UNSHARE.) WRONG_KIND; WRONG_PHASE: not
 * dying; WRONG_OWNER: not this VM's; NOT_RAM.
 */
#define RAVELIN_HOST_VM_RECLAIM 16u
/*
 * VM_FREE(handle): ends a dying VM without pages: wipes its metadata and gives it back to the host.
 * Bounded: INCOMPLETE = call again. BUSY: pages are left, or another call uses the VM.
 */
#define RAVELIN_HOST_VM_FREE 17u
/*
 * VM_SET_PERMISSIONS(handle, gfn, count, permissions) -> x1 = pages done: changes what a normal VM
 * may do with lent pages. An access without permission exits with MEMORY_FAULT. Errors as
 * VM_UNSHARE; INVALID_ARGUMENT also: no such permissions; WRONG_PHASE: the VM is dying.
 */
#define RAVELIN_HOST_VM_SET_PERMISSIONS 18u
/*
 * VM_AGE(handle, gfn, count) -> x1 = pages done, x2 = pages or blocks among them that a normal VM
 * has used since the last VM_AGE. Errors as VM_UNSHARE, but NO_MEMORY; WRONG_PHASE: the VM is
 * dying.
 */
#define RAVELIN_HOST_VM_AGE 19u
/*
 * VM_FORCE_RECLAIM(handle, gfn, count) -> x1 = pages done: takes pages of a living protected VM
 * back, wiped. At their frames the VM has an external abort from then on, and nothing can be mapped
 * there again: it learns of the loss. WRONG_KIND; WRONG_PHASE: the VM is dying; NOT_MAPPED;
 * INVALID_ARGUMENT: beyond the VM's IPA space.
 */
#define RAVELIN_HOST_VM_FORCE_RECLAIM 20u
/*
 * VM_SET_GIC(handle, gicd_ipa, gicr_ipa, intids): gives the VM a GICv3 (IHI 0069) in the monitor: a
 * distributor at gicd_ipa, and from gicr_ipa on a redistributor of 128 KiB for each vCPU index;
 * intids: 64 to 288 in steps of 32, of which the first 32 are private to each vCPU. Once, before
 * VM_LAUNCH, after the last VCPU_CREATE, before the first page. WRONG_PHASE; EXISTS: again;
 * NO_SUCH_VCPU: there is none; INVALID_ARGUMENT: not a multiple of 64 KiB, overlapping, or beyond
 * the VM's IPA space.
 */
#define RAVELIN_HOST_VM_SET_GIC 21u
/*
 * VM_ALLOW_IRQ(handle, first, mask): the host may raise, of the 32 interrupts from `first` on (a
 * multiple of 32, not 0), those whose bit is set. Before VM_LAUNCH. No interrupt is allowed at
 * first, private ones never. WRONG_PHASE; INVALID_ARGUMENT: not there.
 */
#define RAVELIN_HOST_VM_ALLOW_IRQ 22u
/*
 * VM_IRQ_LINE(handle, intid, level) -> x1 = vCPUs, a bit for each, that waited and are to run now.
 * level: RAVELIN_LINE_*. WRONG_OWNER: not allowed; INVALID_ARGUMENT: not there.
 */
#define RAVELIN_HOST_VM_IRQ_LINE 23u
/*
 * VCPU_SET_POWER(handle, index, on): switches a vCPU of a normal VM off (0), or on with the
 * registers that it has (1), as if nothing had run before. Secondary vCPUs of protected VMs are
 * their guest's business. BUSY: it runs; WRONG_KIND; WRONG_PHASE: the monitor has stopped it, or
 * the VM is dying.
 */
#define RAVELIN_HOST_VCPU_SET_POWER 24u
/*
 * VCPU_GET_POWER(handle, index) -> x1 = 1: the vCPU is on, or 0. Of any VM.
 */
#define RAVELIN_HOST_VCPU_GET_POWER 25u

#define RAVELIN_HOST_CALL_COUNT 26u

/* The most pages that a call on a range takes. */
#define RAVELIN_MAX_RANGE (1u << 18)

/* Status values in x0, as signed 64-bit numbers. */
#define RAVELIN_SUCCESS 0
#define RAVELIN_INCOMPLETE 1
#define RAVELIN_NOT_SUPPORTED (-1)
#define RAVELIN_INVALID_ARGUMENT (-2)
#define RAVELIN_NO_SUCH_VM (-3)
#define RAVELIN_NO_SUCH_VCPU (-4)
#define RAVELIN_WRONG_PHASE (-5)
#define RAVELIN_WRONG_KIND (-6)
#define RAVELIN_NOT_RAM (-7)
#define RAVELIN_WRONG_OWNER (-8)
#define RAVELIN_WRONG_STATE (-9)
#define RAVELIN_BUSY (-10)
#define RAVELIN_NO_MEMORY (-11)
#define RAVELIN_LIMIT (-12)
#define RAVELIN_EXISTS (-13)
#define RAVELIN_NOT_MAPPED (-14)

/* Items of INFO. */
#define RAVELIN_INFO_MODE 0u           /* RAVELIN_MODE_* */
#define RAVELIN_INFO_VM_PAGES 1u       /* pages of a VM object */
#define RAVELIN_INFO_VCPU_PAGES 2u     /* pages of a vCPU object */
#define RAVELIN_INFO_ROOT_PAGES 3u     /* pages of a root table; argument: IPA bits */
#define RAVELIN_INFO_MAX_IPA_BITS 4u   /* widest IPA space of a VM */
#define RAVELIN_INFO_MAX_VMS 5u        /* most VMs at a time */
#define RAVELIN_INFO_MAX_VCPUS 6u      /* most vCPUs of a VM */
#define RAVELIN_INFO_CARVEOUT_PFN 7u   /* first frame of the monitor's memory */
#define RAVELIN_INFO_CARVEOUT_PAGES 8u /* its size */
#define RAVELIN_INFO_IMAGE_PAGES 9u    /* of which code and static data */
#define RAVELIN_INFO_FREE_PAGES 10u    /* of which free for the host's stage-2 tables */
#define RAVELIN_INFO_BOOT_TICKS 11u /* counter ticks from entry to the host's first instruction */
#define RAVELIN_INFO_LIVE_VMS 12u   /* VMs that exist now */
#define RAVELIN_INFO_DONATED_PAGES 13u /* pages that the host has given away and not got back */

#define RAVELIN_MODE_PROTECTED 0u /* protected and normal VMs */
#define RAVELIN_MODE_NVHE 1u      /* normal VMs only */
#define RAVELIN_MODE_NONE 2u      /* no VMs */

#define RAVELIN_VM_NORMAL 0u
#define RAVELIN_VM_PROTECTED 1u

#define RAVELIN_PERM_READ 1u
#define RAVELIN_PERM_WRITE 2u
#define RAVELIN_PERM_EXEC 4u

/* The input of an interrupt (VM_IRQ_LINE). */
#define RAVELIN_LINE_LOW 0u
#define RAVELIN_LINE_HIGH 1u
#define RAVELIN_LINE_PULSE 2u     /* high, and low again: an edge */
#define RAVELIN_LINE_UNTIL_END 3u /* high until the guest ends the interrupt: EXIT_LINE_FELL */

/* What a page is to the host (PAGE_QUERY). */
#define RAVELIN_PAGE_OWNED 0u    /* the host's alone */
#define RAVELIN_PAGE_LENT 1u     /* the host's, lent to the monitor or to a VM */
#define RAVELIN_PAGE_BORROWED 2u /* a VM's, shared with the host */
#define RAVELIN_PAGE_FOREIGN 3u  /* not accessible to the host */

/* Registers of VCPU_SET_REG and VCPU_GET_REG: 0..30 are X0..X30. */
#define RAVELIN_REG_SP 31u /* SP_EL0 */
#define RAVELIN_REG_PC 32u
#define RAVELIN_REG_PSTATE 33u
#define RAVELIN_REG_SP_EL1 34u
#define RAVELIN_REG_ELR_EL1 35u
#define RAVELIN_REG_SPSR_EL1 36u
#define RAVELIN_REG_COUNT 37u

#endif
