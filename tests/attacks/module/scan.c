// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* Reads all of RAM, or any range of frames, for a pattern. */
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "attack.h"

#define PAGE_WORDS	(PAGE_SIZE / sizeof(u64))

/* What one page turned out to be. */
enum verdict {
	PAGE_READ,
	PAGE_MATCHED,
	PAGE_FAULTED,
};

static bool matches_at(const struct attack_scan *scan, const u64 *words)
{
	u64 word;
	int i;

	for (i = 1; i < ATTACK_PATTERN_WORDS; i++) {
		__get_kernel_nofault(&word, &words[i], u64, fault);
		if ((word ^ scan->mask) != scan->pattern[i])
			return false;
	}
	return true;
fault:
	return false;
}

/* Compares in place: what is read goes nowhere but into registers. */
static enum verdict read_page(const struct attack_scan *scan, const u64 *words)
{
	const u64 first = scan->pattern[0];
	const u64 mask = scan->mask;
	enum verdict verdict = PAGE_READ;
	size_t i;
	u64 word;

	pagefault_disable();
	for (i = 0; i < PAGE_WORDS; i++) {
		__get_kernel_nofault(&word, &words[i], u64, fault);
		if (likely((word ^ mask) != first))
			continue;
		if (i <= PAGE_WORDS - ATTACK_PATTERN_WORDS && matches_at(scan, &words[i])) {
			verdict = PAGE_MATCHED;
			break;
		}
	}
	pagefault_enable();
	return verdict;
fault:
	pagefault_enable();
	return PAGE_FAULTED;
}

static void list_pfn(u64 *list, u64 position, u64 pfn)
{
	if (position < ATTACK_LISTED_PFNS)
		list[position] = pfn;
}

static void count_fault(struct attack_scan *scan, u64 pfn)
{
	list_pfn(scan->faulted_pfns, scan->pages_faulted, pfn);
	scan->pages_faulted++;
	scan->faulted_but_host += !attack_is_foreign(pfn);
}

static void count_read(struct attack_scan *scan, u64 pfn, bool matched)
{
	scan->pages_read++;
	if (scan->ask_owners)
		scan->read_but_foreign += attack_is_foreign(pfn);
	if (matched) {
		list_pfn(scan->matched_pfns, scan->matches, pfn);
		scan->matches++;
	}
}

static void scan_page(struct attack_scan *scan, u64 pfn)
{
	const u64 *words = attack_map(pfn);
	enum verdict verdict;

	if (!words) {
		scan->pages_unmapped++;
		return;
	}
	verdict = read_page(scan, words);
	if (verdict == PAGE_FAULTED)
		count_fault(scan, pfn);
	else
		count_read(scan, pfn, verdict == PAGE_MATCHED);
	attack_unmap(pfn, (void *)words);
}

static long scan_range(struct attack_scan *scan, u64 first, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++) {
		scan_page(scan, first + i);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Every frame of RAM that the kernel has in its linear mapping. */
static long scan_ram(struct attack_scan *scan)
{
	unsigned long pfn;
	long err;
	int node;

	for_each_online_node(node) {
		for (pfn = node_start_pfn(node); pfn < node_end_pfn(node); pfn++) {
			err = pfn_is_map_memory(pfn) ? scan_range(scan, pfn, 1) : 0;
			if (err)
				return err;
		}
	}
	return 0;
}

static void clear_results(struct attack_scan *scan)
{
	const size_t results = offsetof(struct attack_scan, pages_read);

	memset((char *)scan + results, 0, sizeof(*scan) - results);
}

long attack_scan(struct attack_scan *scan)
{
	clear_results(scan);
	if (scan->count)
		return scan_range(scan, scan->first_pfn, scan->count);
	return scan_ram(scan);
}
