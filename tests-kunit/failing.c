// SPDX-License-Identifier: GPL-2.0
/*
 * Failures on purpose while the demo is loaded: of what its init does, the n-th allocation fails.
 */

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "conformance/probe.h"
#include "failing.h"

#ifdef CONFIG_FAULT_INJECTION
static unsigned int demo_nth;
module_param(demo_nth, uint, 0600);
MODULE_PARM_DESC(demo_nth, "Which allocation fails when rust_alloc_demo is loaded; 0 for none");

static unsigned int demo_left;
module_param(demo_left, uint, 0400);
MODULE_PARM_DESC(demo_left, "How many it was away from that the last time; 0 if it has failed");

/* The task that loads the module tells of its states, until it is live or refused. */
static struct task_struct *loader;

static int loading(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "rust_alloc_demo"))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING && demo_nth) {
		loader = current;
		conformance_fail_nth(demo_nth);
	} else if (loader == current) {
		loader = NULL;
		demo_left = conformance_fail_nth(0);
	}
	return NOTIFY_DONE;
}

static struct notifier_block loading_nb = { .notifier_call = loading };

/* Watches modules being loaded, for demo_nth. Returns an errno, or 0. */
int rust_alloc_demo_watch(void)
{
	return register_module_notifier(&loading_nb);
}

/* Ends that. */
void rust_alloc_demo_unwatch(void)
{
	unregister_module_notifier(&loading_nb);
}
#else
int rust_alloc_demo_watch(void)
{
	return 0;
}

void rust_alloc_demo_unwatch(void)
{
}
#endif
