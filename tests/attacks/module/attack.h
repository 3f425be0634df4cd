/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RAVELIN_ATTACK_H
#define RAVELIN_ATTACK_H

#include <linux/types.h>

#include "attack_abi.h"

/* HVC #0, see struct attack_call. */
int attack_hvc(struct attack_call *call);

/* Whether PAGE_QUERY says FOREIGN. False without a monitor. */
bool attack_is_foreign(u64 pfn);

/* Whether PAGE_QUERY says OWNED, or there is no monitor to ask. */
bool attack_is_owned(u64 pfn);

/*
 * A mapping of one frame: the kernel's linear mapping, or a new one where that has none. NULL: not
 * mappable. Ended by attack_unmap().
 */
void *attack_map(u64 pfn);
void attack_unmap(u64 pfn, void *page);

/* Like copy_from_kernel_nofault() for whole words. */
bool attack_read_words(u64 *to, const u64 *from, size_t words);
bool attack_write_words(u64 *to, const u64 *from, size_t words);

long attack_copy(struct attack_copy *copy);
long attack_scan(struct attack_scan *scan);
long attack_touch(struct attack_touch *touch);
long attack_run(struct attack_run *run);

#endif
