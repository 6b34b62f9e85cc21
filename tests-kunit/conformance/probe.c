// SPDX-License-Identifier: GPL-2.0
/*
 * What the suite asks of the kernel and only C can answer: inline functions and macros that no
 * binding has on all supported kernels.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/bug.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kfence.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "probe.h"

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of the random cases, 1 by default; 0 draws one");

/* The parameter. */
unsigned long conformance_seed(void)
{
	return seed;
}

/*
 * The NUMA node that the first byte of a block is on. KFENCE has all blocks that it watches on one,
 * whatever was asked for; those are on none.
 */
int conformance_block_nid(const void *block)
{
	struct page *page;

	if (is_kfence_address(block))
		return NUMA_NO_NODE;
	page = is_vmalloc_addr(block) ? vmalloc_to_page(block) : virt_to_page(block);
	return page_to_nid(page);
}

/* How many NUMA nodes are online. */
int conformance_online_nodes(void)
{
	return num_online_nodes();
}

/*
 * How many pages can be had. Those that each CPU keeps for itself count, which the kernel takes for
 * used: of what was freed it may keep an eighth of the memory (mm/page_alloc.c, zone_highsize()).
 */
unsigned long conformance_available_pages(void)
{
	unsigned long pages = si_mem_available();
	int nid, n, cpu;

	for_each_online_node(nid) {
		for (n = 0; n < MAX_NR_ZONES; n++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[n];

			for_each_online_cpu(cpu)
				pages += READ_ONCE(per_cpu_ptr(zone->per_cpu_pageset, cpu)->count);
		}
	}
	return pages;
}

/* How many pages the machine has. */
unsigned long conformance_total_pages(void)
{
	return totalram_pages();
}

/* More memory than a guest has is not used up, in bytes. */
#define USED_UP_MAX (2ULL << 30)

static LIST_HEAD(large_blocks);

/*
 * Takes all blocks of KMALLOC_MAX_SIZE that can be had, beside those that were taken before. For
 * one of that size the kernel ends no process (include/linux/mmzone.h, PAGE_ALLOC_COSTLY_ORDER).
 * Without __GFP_KSWAPD_RECLAIM nobody is woken who would go on to make room for it. Returns an
 * errno if the machine has so much memory that it might be missed; then none is taken. One at a
 * time may do this.
 */
int conformance_take_large_blocks(void)
{
	const gfp_t flags = (GFP_KERNEL & ~__GFP_KSWAPD_RECLAIM) | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	if ((u64)totalram_pages() << PAGE_SHIFT > USED_UP_MAX)
		return -E2BIG;
	while ((page = alloc_pages(flags, get_order(KMALLOC_MAX_SIZE))))
		list_add(&page->lru, &large_blocks);
	return 0;
}

void conformance_give_back_large_blocks(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &large_blocks, lru) {
		list_del(&page->lru);
		__free_pages(page, get_order(KMALLOC_MAX_SIZE));
	}
}

struct job {
	conformance_fn *run;
	void *data;
	unsigned int number;
	struct task_struct *task;
	struct completion *go;
	struct completion done;
	struct work_struct work;
};

static int run_job(void *data)
{
	struct job *job = data;

	wait_for_completion(job->go);
	job->run(job->data, job->number);
	complete(&job->done);
	return 0;
}

/*
 * Runs a function on all online CPUs at once, each in a thread of its own that is bound to its CPU,
 * with numbers from 0; none begins before all can. Returns how many there were once all have ended,
 * or an errno.
 */
int conformance_on_cpus(conformance_fn *run, void *data)
{
	struct job *jobs = kcalloc(nr_cpu_ids, sizeof(*jobs), GFP_KERNEL);
	DECLARE_COMPLETION_ONSTACK(go);
	unsigned int cpu, n, ready = 0;
	int err = 0;

	if (!jobs)
		return -ENOMEM;

	for_each_online_cpu(cpu) {
		struct job *job = &jobs[ready];

		job->run = run;
		job->data = data;
		job->number = ready;
		job->go = &go;
		init_completion(&job->done);
		job->task = kthread_create(run_job, job, "conformance/%u", cpu);
		if (IS_ERR(job->task)) {
			err = PTR_ERR(job->task);
			break;
		}
		kthread_bind(job->task, cpu);
		ready++;
	}
	for (n = 0; n < ready; n++) {
		if (err)
			kthread_stop(jobs[n].task);
		else
			wake_up_process(jobs[n].task);
	}
	complete_all(&go);
	for (n = 0; n < ready && !err; n++)
		wait_for_completion(&jobs[n].done);
	kfree(jobs);
	return err ? err : ready;
}

static void run_work(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	job->run(job->data, job->number);
}

/* Runs a function in a softirq and returns when it has ended. */
void conformance_in_softirq(conformance_fn *run, void *data)
{
	struct job job = { .run = run, .data = data };

	INIT_WORK_ONSTACK(&job.work, run_work);
	queue_work(system_bh_wq, &job.work);
	flush_work(&job.work);
	destroy_work_on_stack(&job.work);
}

#if IS_ENABLED(CONFIG_KUNIT) && defined(kunit_warning_suppress)
/*
 * Runs a function in a KUnit case and returns how often it made the kernel warn, or an errno. These
 * warnings are kept from the log, where they would end the run.
 */
int conformance_warnings_of(conformance_fn *run, void *data)
{
	struct kunit *test = kunit_get_current_test();
	struct kunit_suppressed_warning *warnings;
	int count;

	warnings = test ? kunit_start_suppress_warning(test) : NULL;
	if (!warnings)
		return -EINVAL;
	run(data, 0);
	count = kunit_suppressed_warning_count(warnings);
	kunit_end_suppress_warning(test, warnings);
	return count;
}
#else
/*
 * How often the kernel has warned since it was booted, or an errno: what sysfs says of it
 * (kernel/panic.c).
 */
static int warnings_so_far(void)
{
	struct file *file = filp_open("/sys/kernel/warn_count", O_RDONLY, 0);
	char text[24] = {};
	unsigned int count;
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	if (len < 0)
		return len;
	return kstrtouint(strim(text), 10, &count) ? -EINVAL : count;
}

/*
 * As above. KUnit can't hide warnings here: those between the two lines are meant, and who reads
 * the log for warnings can pass over them.
 */
int conformance_warnings_of(conformance_fn *run, void *data)
{
	int before = warnings_so_far(), after;

	if (before < 0)
		return before;
	pr_notice("looking for warnings\n");
	run(data, 0);
	pr_notice("done looking for warnings\n");
	after = warnings_so_far();
	return after < 0 ? after : after - before;
}
#endif

/* The time since the machine was booted, in seconds. */
unsigned int conformance_seconds(void)
{
	return ktime_get_seconds();
}

/* Sleeps for a time in milliseconds. */
void conformance_sleep(unsigned int ms)
{
	msleep(ms);
}

/* Warns, for a test of whether that is noticed. */
void conformance_warn(void)
{
	WARN(1, pr_fmt("on purpose\n"));
}

#ifdef CONFIG_FAULT_INJECTION
/*
 * Makes the nth allocation of the current task from now on fail, counted from 1; none if it is 0.
 * Returns how many it was away from the last one that was asked for: 0 if that has failed. It is
 * the kernel's own fault injection that fails it (mm/failslab.c, mm/fail_page_alloc.c), by the
 * count that each task has for that (lib/fault-inject.c, should_fail_ex()).
 */
int conformance_fail_nth(unsigned int nth)
{
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, nth);
	return left;
}
#else
int conformance_fail_nth(unsigned int nth)
{
	return -EOPNOTSUPP;
}
#endif

/* Whether an allocation of one who may sleep fails when asked to. */
int conformance_can_fail(void)
{
	int can = conformance_fail_nth(1) >= 0;
	void *block = kmalloc(sizeof(long), GFP_KERNEL);
	int failed = can && conformance_fail_nth(0) == 0 && !block;

	kfree(block);
	return failed;
}
