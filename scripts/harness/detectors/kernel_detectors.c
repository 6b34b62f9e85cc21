// SPDX-License-Identifier: GPL-2.0
/*
 * Does wrong what each of the kernel's detectors is there to find, when all else has been run: one
 * that says nothing then was not at work, and its silence before proves nothing.
 *
 * When it is loaded it forgets blocks, for kmemleak to find. The rest is done when `provoke` is
 * written to: some detectors switch themselves and others off after their first report. What the
 * kernel says of each lies between two lines (detectors.py).
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/kfence.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/* Of one block a copy of the address may lie about somewhere. */
#define FORGOTTEN 10

/* By this kmemleak's hex dump shows whose block it is; /init looks for it. */
static const char MARK[16] = "left on purpose.";

/* How long KFENCE may take to choose a block. */
#define KFENCE_SECONDS 5

static void forget_blocks(void)
{
	for (int n = 0; n < FORGOTTEN; n++) {
		char *block = kmalloc(2 * sizeof(MARK), GFP_KERNEL);

		if (block)
			memcpy(block, MARK, sizeof(MARK));
		OPTIMIZER_HIDE_VAR(block);
	}
}

/* Takes two locks in either order, of which only two tasks at once would hang. */
static void invert_locks(void)
{
	static DEFINE_SPINLOCK(first);
	static DEFINE_SPINLOCK(second);

	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);

	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

/* A block that KFENCE has taken for its pool, or one that it hasn't; NULL if there is none. */
static char *block_of(bool kfence)
{
	unsigned long end = jiffies + KFENCE_SECONDS * HZ;

	do {
		char *block = kmalloc(32, GFP_KERNEL);

		if (!block || is_kfence_address(block) == kfence)
			return block;
		kfree(block);
		cond_resched();
	} while (time_before(jiffies, end));
	return NULL;
}

/* An object of KFENCE's is at the beginning or at the end of a page between two that fault. */
static void read_beside_page(void)
{
	char *block = block_of(true);
	unsigned long address = (unsigned long)block & PAGE_MASK;

	OPTIMIZER_HIDE_VAR(address);
	if (block)
		READ_ONCE(*(char *)(address - 1));
	kfree(block);
}

static void read_freed(void)
{
	char *block = block_of(false);
	unsigned long address = (unsigned long)block;

	OPTIMIZER_HIDE_VAR(address);
	kfree(block);
	if (address)
		READ_ONCE(*(char *)address);
}

/* Without a mind to reclaim, as by default failslab leaves alone who may. */
static void be_refused(void)
{
#ifdef CONFIG_FAULT_INJECTION
	void *block;

	current->fail_nth = 1;
	block = kmalloc(32, GFP_NOWAIT | __GFP_NOWARN);
	current->fail_nth = 0;
	if (!block)
		pr_info("an allocation was refused\n");
	kfree(block);
#endif
}

static const struct {
	const char *name;
	bool there;
	void (*provoke)(void);
} DETECTORS[] = {
	{ "failslab", IS_ENABLED(CONFIG_FAILSLAB), be_refused },
	{ "lockdep", IS_ENABLED(CONFIG_PROVE_LOCKING), invert_locks },
	{ "KFENCE", IS_ENABLED(CONFIG_KFENCE), read_beside_page },
	{ "KASAN", IS_ENABLED(CONFIG_KASAN), read_freed },
};

static int provoke(const char *value, const struct kernel_param *param)
{
	for (int n = 0; n < ARRAY_SIZE(DETECTORS); n++) {
		if (!DETECTORS[n].there)
			continue;
		pr_info("provoking %s\n", DETECTORS[n].name);
		DETECTORS[n].provoke();
		pr_info("provoked %s\n", DETECTORS[n].name);
	}
	return 0;
}

static const struct kernel_param_ops provoke_ops = {
	.set = provoke,
};
module_param_cb(provoke, &provoke_ops, NULL, 0200);
MODULE_PARM_DESC(provoke, "Do wrong what the detectors are there to find");

static int __init kernel_detectors_init(void)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		forget_blocks();
	return 0;
}
module_init(kernel_detectors_init);

static void __exit kernel_detectors_exit(void)
{
}
module_exit(kernel_detectors_exit);

MODULE_AUTHOR("The rust_alloc_demo developers");
MODULE_DESCRIPTION("What the kernel's detectors must find");
MODULE_LICENSE("GPL");
