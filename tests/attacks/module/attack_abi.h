/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * /dev/ravelin-attack: what a hostile host kernel can do, as ioctls for the attack programs.
 * Each ioctl fails with EINVAL for arguments that the module itself cannot use; everything else is tried,
 * and what happened is the result.
 */
#ifndef RAVELIN_ATTACK_ABI_H
#define RAVELIN_ATTACK_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ATTACK_DEVICE "/dev/ravelin-attack"
#define ATTACK_PAGE_BYTES 4096
#define ATTACK_PATTERN_WORDS 8
#define ATTACK_LISTED_PFNS 16

/* HVC #0 with x[0..6]; x[0..3] are the results. ENODEV: no hypervisor to call. */
struct attack_call {
	__u64 x[7];
};

/* 2^order contiguous zeroed pages of kernel memory. */
struct attack_block {
	__u64 order;
	__u64 pfn;
};

/* Copies between a frame and the caller, by accesses that may fault. EFAULT: the frame did. */
struct attack_copy {
	__u64 pfn;
	__u64 offset;  /* offset and bytes: multiples of 8, inside the page */
	__u64 bytes;
	__u64 buffer;  /* address in the caller's memory */
	__u64 write;   /* 0: frame to buffer, 1: buffer to frame */
};

/*
 * Reads frames for 64 bytes at any 8-byte boundary. `pattern` holds the words xor `mask`, so that
 * neither this structure nor its copies are found. All of RAM if `count` is 0.
 */
struct attack_scan {
	__u64 pattern[ATTACK_PATTERN_WORDS];
	__u64 mask;
	__u64 first_pfn;
	__u64 count;
	__u64 ask_owners; /* 1: compare every page that is readable with PAGE_QUERY */
	/* results */
	__u64 pages_read;
	__u64 pages_faulted;
	__u64 pages_unmapped;    /* the host itself has no mapping and can make none */
	__u64 read_but_foreign;  /* readable, though PAGE_QUERY says FOREIGN */
	__u64 faulted_but_host;  /* not readable, though PAGE_QUERY does not say FOREIGN */
	__u64 matches;
	__u64 matched_pfns[ATTACK_LISTED_PFNS];
	__u64 faulted_pfns[ATTACK_LISTED_PFNS];
};

#define ATTACK_TOUCH_READ 0
#define ATTACK_TOUCH_WRITE 1

/* A kernel thread accesses a frame without any provision for a fault. */
struct attack_touch {
	__u64 pfn;
	__u64 access;
	__u64 survived; /* result: the thread came back */
	__u64 value;    /* result of a read */
};

#define ATTACK_SYSTEM_REGISTERS 16

/*
 * VCPU_RUN with a different canary in each of x4..x30 and q0..q31. What the registers hold
 * afterwards are the results: a register that is not its canary is a leak.
 */
struct attack_run {
	__u64 handle;
	__u64 index;
	__u64 x[31];            /* results x0..x3, and x4..x30 afterwards */
	__u64 q[64];            /* q0..q31 afterwards, low half first */
	__u64 changed_x;        /* bit n: xn is not its canary */
	__u64 changed_q;        /* bit n: qn is not its canary */
	__u64 changed_system;   /* bit n: system_before[n] != system_after[n] */
	__u64 system_before[ATTACK_SYSTEM_REGISTERS];
	__u64 system_after[ATTACK_SYSTEM_REGISTERS];
};

#define ATTACK_CALL _IOWR('r', 1, struct attack_call)
#define ATTACK_ALLOC _IOWR('r', 2, struct attack_block)
/* EBUSY: a page of the block is not the host's own; it stays allocated. */
#define ATTACK_FREE _IOW('r', 3, struct attack_block)
#define ATTACK_COPY _IOW('r', 4, struct attack_copy)
#define ATTACK_SCAN _IOWR('r', 5, struct attack_scan)
#define ATTACK_TOUCH _IOWR('r', 6, struct attack_touch)
#define ATTACK_RUN _IOWR('r', 7, struct attack_run)

#endif
