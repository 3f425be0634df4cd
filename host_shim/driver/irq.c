// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical interrupts that are for the monitor: the virtual timer and the maintenance interrupt of
 * guests, and the SGI by which one CPU makes another leave its guest. The monitor acts on them while
 * a guest runs; here they are only let through, on every CPU. One that arrives when no guest runs
 * any more means nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>

#include "ravelin.h"

#define KICK_SGI	8

struct monitor_irq {
	const char *name;
	unsigned int irq;	/* Linux's number; 0: not requested */
};

static struct monitor_irq monitor_irqs[] = {
	{ .name = "ravelin-timer" },		/* the first two in the order of the device tree */
	{ .name = "ravelin-maintenance" },
	{ .name = "ravelin-kick" },
};

#define KICK	2

static DEFINE_PER_CPU(char, cookie);
static int hotplug_state;

static irqreturn_t nothing_to_do(int irq, void *dev)
{
	return IRQ_HANDLED;
}

static int let_through(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(monitor_irqs); i++)
		enable_percpu_irq(monitor_irqs[i].irq,
				  irq_get_trigger_type(monitor_irqs[i].irq));
	return 0;
}

static int hold_back(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(monitor_irqs); i++)
		disable_percpu_irq(monitor_irqs[i].irq);
	return 0;
}

/* The SGI is not in the device tree: its specifier is its number (irq-gic-v3). */
static unsigned int map_kick(struct device_node *node)
{
	struct device_node *gic = of_irq_find_parent(node);
	struct irq_fwspec fwspec = { .param_count = 1, .param = { KICK_SGI } };
	unsigned int irq;

	if (!gic)
		return 0;
	fwspec.fwnode = of_node_to_fwnode(gic);
	irq = irq_create_fwspec_mapping(&fwspec);
	of_node_put(gic);
	return irq;
}

static int request(struct monitor_irq *monitor_irq, unsigned int irq)
{
	int err = irq ? request_percpu_irq(irq, nothing_to_do, monitor_irq->name, &cookie) :
			-ENXIO;

	if (err) {
		pr_err("no interrupt \"%s\" (%d)\n", monitor_irq->name, err);
		return err;
	}
	monitor_irq->irq = irq;
	return 0;
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(monitor_irqs); i++) {
		if (monitor_irqs[i].irq)
			free_percpu_irq(monitor_irqs[i].irq, &cookie);
		monitor_irqs[i].irq = 0;
	}
}

int __init ravelin_irqs_init(struct device_node *node)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(monitor_irqs); i++) {
		err = request(&monitor_irqs[i],
			      i == KICK ? map_kick(node) : irq_of_parse_and_map(node, i));
		if (err) {
			free_all();
			return err;
		}
	}

	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kvm/ravelin:online", let_through,
					  hold_back);
	if (hotplug_state < 0) {
		free_all();
		return hotplug_state;
	}
	return 0;
}

void ravelin_irqs_exit(void)
{
	cpuhp_remove_state(hotplug_state);
	free_all();
}
