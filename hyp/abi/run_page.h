/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The run page: one page per vCPU, owned by the host and shared with the monitor (PAGE_SHARE). It
 * holds all that the host may know of an exit, and the reply that the monitor asked for.
 *
 * The monitor writes `exit` before VCPU_RUN returns, every field of it: what an exit reason does
 * not use is 0. It copies `reply` once when VCPU_RUN is called, uses only what fits the last exit,
 * and sets `reply.kind` to NONE. The host may write the page at any time; only the copy counts.
 */
#ifndef RAVELIN_ABI_RUN_PAGE_H
#define RAVELIN_ABI_RUN_PAGE_H

#ifdef __KERNEL__
#include <linux/types.h>
typedef __u64 ravelin_u64;
#else
#include <stdint.h>
typedef uint64_t ravelin_u64;
#endif

/* A physical interrupt for the host arrived. Nothing else is reported. Run again. */
#define RAVELIN_EXIT_IRQ 0u
/*
 * The guest waits (WFI). `deadline`: value of the physical counter at which a timer of it fires, 0
 * = never. Run it again then, or when an exit of another vCPU (WAKE) or VM_IRQ_LINE names it.
 */
#define RAVELIN_EXIT_WFX 1u
/*
 * A data access that the host may emulate. `ipa`, `access`, `size` (1, 2, 4 or 8 bytes), and for a
 * write `value`. A protected VM: only to pages that the guest has guarded. A normal VM: any
 * unmapped address; where the host backs it with memory it maps the page and replies NONE.
 * Replies: VALUE (read: value; write: done), EXTERNAL_ABORT, NONE = execute the access again.
 */
#define RAVELIN_EXIT_MMIO 2u
/*
 * A page is missing, or a normal VM lacks a permission. `ipa` (page aligned for a protected VM),
 * `access`. Replies: NONE = the host has mapped or donated it; EXTERNAL_ABORT (where a call of the
 * guest named the page, the call fails instead).
 */
#define RAVELIN_EXIT_MEMORY_FAULT 3u
/*
 * As MMIO of a protected VM, but the syndrome does not decode the access. `ipa`, `access`. Reply:
 * EXTERNAL_ABORT; NONE executes the access again, in vain. (A normal VM reports MEMORY_FAULT.)
 */
#define RAVELIN_EXIT_NOT_DECODABLE 4u
/*
 * A hypercall that the host serves. `function`, `args`. Reply: VALUE with values[0..3] = x0..x3.
 * Version 1.0 of the ABI has none: all calls of guests are served by the monitor.
 */
#define RAVELIN_EXIT_HYPERCALL 5u
/* The VM asked for a power state by PSCI. `event`: RAVELIN_EVENT_*. */
#define RAVELIN_EXIT_SYSTEM_EVENT 6u
/* The monitor stopped the VM. `event`: RAVELIN_STOP_*. It does not run again. */
#define RAVELIN_EXIT_STOPPED 7u
/*
 * The guest has given a page back (MEM_RELINQUISH): it is the host's again. `ipa`, page aligned.
 * Run again.
 */
#define RAVELIN_EXIT_RELINQUISHED 8u
/* `value`: the vCPUs, a bit for each, that have something to do now: they waited, or were off. */
#define RAVELIN_EXIT_WAKE 9u
/* The guest has ended the interrupt `value`, whose line was high until then (LINE_UNTIL_END). */
#define RAVELIN_EXIT_LINE_FELL 10u

#define RAVELIN_ACCESS_READ 0u
#define RAVELIN_ACCESS_WRITE 1u
#define RAVELIN_ACCESS_EXEC 2u

#define RAVELIN_EVENT_SHUTDOWN 1u /* PSCI SYSTEM_OFF */
#define RAVELIN_EVENT_RESET 2u    /* PSCI SYSTEM_RESET */
#define RAVELIN_EVENT_CPU_OFF 3u  /* PSCI CPU_OFF of this vCPU */

#define RAVELIN_STOP_SERROR 1u    /* an SError interrupt while the guest ran */
#define RAVELIN_STOP_EXCEPTION 2u /* an exception that the monitor cannot deliver to the guest */

#define RAVELIN_REPLY_NONE 0u
#define RAVELIN_REPLY_VALUE 1u
#define RAVELIN_REPLY_EXTERNAL_ABORT 2u

#define RAVELIN_HYPERCALL_ARGS 7

struct ravelin_exit {
  ravelin_u64 reason;   /* RAVELIN_EXIT_* */
  ravelin_u64 ipa;      /* byte address */
  ravelin_u64 access;   /* RAVELIN_ACCESS_* */
  ravelin_u64 size;     /* bytes */
  ravelin_u64 value;    /* value written, zero-extended; vCPUs; interrupt */
  ravelin_u64 event;    /* RAVELIN_EVENT_* or RAVELIN_STOP_* */
  ravelin_u64 deadline; /* value of the physical counter at which a timer fires */
  ravelin_u64 function; /* SMCCC function identifier */
  ravelin_u64 args[RAVELIN_HYPERCALL_ARGS]; /* x1..x7 */
};

struct ravelin_reply {
  ravelin_u64 kind; /* RAVELIN_REPLY_* */
  ravelin_u64 values[4];
};

struct ravelin_run_page {
  struct ravelin_exit exit;
  struct ravelin_reply reply;
};

#endif
