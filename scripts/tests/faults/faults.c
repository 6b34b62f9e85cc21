// SPDX-License-Identifier: GPL-2.0
/*
 * Does wrong what the harness must notice, when it is loaded. For the harness's own tests.
 */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static bool warn;
module_param(warn, bool, 0444);
MODULE_PARM_DESC(warn, "Warn");

static bool oops;
module_param(oops, bool, 0444);
MODULE_PARM_DESC(oops, "Write to a null pointer");

static bool dies;
module_param(dies, bool, 0444);
MODULE_PARM_DESC(dies, "Panic");

static bool hang;
module_param(hang, bool, 0444);
MODULE_PARM_DESC(hang, "Never finish loading");

static bool out_of_bounds;
module_param(out_of_bounds, bool, 0444);
MODULE_PARM_DESC(out_of_bounds, "Write past the end of a block");

static bool use_after_free;
module_param(use_after_free, bool, 0444);
MODULE_PARM_DESC(use_after_free, "Write to a block that was freed");

static bool leak;
module_param(leak, bool, 0444);
MODULE_PARM_DESC(leak, "Forget blocks");

static bool sleeps;
module_param(sleeps, bool, 0444);
MODULE_PARM_DESC(sleeps, "Allocate under a spinlock as one who may sleep");

static bool exhaust;
module_param(exhaust, bool, 0444);
MODULE_PARM_DESC(exhaust, "Allocate until there is no memory");

/* A block, of which the compiler doesn't know what it is. */
static char *block(void)
{
	char *found = kmalloc(13, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(found);
	return found;
}

/* The byte after a block is padding of the slab's: nothing else is hurt. */
static void write_out_of_bounds(void)
{
	char *found = block();

	if (found)
		WRITE_ONCE(found[13], 1);
	kfree(found);
}

/* KASAN keeps the block from the next user for a while. */
static void write_after_free(void)
{
	char *found = block();
	unsigned long address = (unsigned long)found;

	OPTIMIZER_HIDE_VAR(address);
	kfree(found);
	if (address)
		WRITE_ONCE(*(char *)address, 1);
}

/* Of one block a copy of the address may lie about somewhere. */
static void forget_blocks(void)
{
	for (int n = 0; n < 3000; n++) {
		void *found = kmalloc(100, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(found);
	}
}

static void sleep_under_lock(void)
{
	static DEFINE_SPINLOCK(lock);
	void *found;

	spin_lock(&lock);
	found = kmalloc(1, GFP_KERNEL);
	spin_unlock(&lock);
	kfree(found);
}

/* Each block has the address of the one before. */
static void take_all_memory(void)
{
	void *last = NULL, **found;

	while ((found = kmalloc(2 << 20, GFP_KERNEL))) {
		*found = last;
		last = found;
	}
	while (last) {
		found = last;
		last = *found;
		kfree(found);
	}
}

static int __init faults_init(void)
{
	WARN_ON(warn);
	if (oops)
		WRITE_ONCE(*(char *)NULL, 0);
	if (dies)
		panic("on purpose");
	while (READ_ONCE(hang))
		cpu_relax();
	if (out_of_bounds)
		write_out_of_bounds();
	if (sleeps)
		sleep_under_lock();
	if (use_after_free)
		write_after_free();
	if (exhaust)
		take_all_memory();
	if (leak)
		forget_blocks();
	return 0;
}
module_init(faults_init);

static void __exit faults_exit(void)
{
}
module_exit(faults_exit);

MODULE_AUTHOR("The rust_alloc_demo developers");
MODULE_DESCRIPTION("Faults for the tests of rust_alloc_demo's harness");
MODULE_LICENSE("GPL");
