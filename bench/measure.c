// SPDX-License-Identifier: GPL-2.0
/*
 * Measures a loop, on one CPU or on several at once.
 *
 * In a guest whose QEMU counts instructions (-icount shift=0) an instruction takes a nanosecond of
 * the guest's time on any CPU, and the time stamp counter counts nanoseconds. So what is measured
 * is the instructions of all CPUs together. Elsewhere it is time.
 */

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/processor.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/workqueue.h>

#include "bench.h"

/*
 * Runs until the slab has what it needs at hand, and runs of which the least counts: what an
 * interrupt disturbs shows in one of them, hardly in all. Time is disturbed more.
 */
#define WARM_UP 2
#define RUNS (IS_ENABLED(CONFIG_X86) ? 3 : 10)

struct worker {
	struct work_struct work;
	bench_loop *loop;
	const struct bench_args *args;
	unsigned int number;
	unsigned int of;
	atomic_t *ready;
	u64 start;
	u64 end;
	int err;
};

static u64 now(void)
{
	if (IS_ENABLED(CONFIG_X86))
		return get_cycles();
	return ktime_get_ns();
}

static void work(struct work_struct *work)
{
	struct worker *worker = container_of(work, struct worker, work);

	atomic_inc(worker->ready);
	while (atomic_read(worker->ready) < worker->of)
		cpu_relax();

	worker->start = now();
	worker->err = worker->loop(worker->args, worker->number);
	worker->end = now();
}

/* Runs a loop on so many CPUs at once, and says how long it took from the first to the last. */
static int run(bench_loop *loop, const struct bench_args *args, struct worker *workers,
	       unsigned int cpus, u64 *took)
{
	u64 start = U64_MAX, end = 0;
	atomic_t ready = ATOMIC_INIT(0);
	unsigned int cpu, n = 0;
	int err = 0;

	for_each_online_cpu(cpu) {
		if (n == cpus)
			break;
		workers[n] = (struct worker){
			.loop = loop,
			.args = args,
			.number = n,
			.of = cpus,
			.ready = &ready,
		};
		INIT_WORK(&workers[n].work, work);
		schedule_work_on(cpu, &workers[n].work);
		n++;
	}
	while (n--) {
		flush_work(&workers[n].work);
		start = min(start, workers[n].start);
		end = max(end, workers[n].end);
		err = err ?: workers[n].err;
	}
	*took = end - start;
	return err;
}

/*
 * Measures `rounds` of a loop on each of so many CPUs at once, which must be online. It is what
 * twice as many rounds take more, so a loop's beginning and end fall out; of both it is the least
 * of some runs. Returns 0, or the errno of a run.
 */
int bench_measure(bench_loop *loop, const struct bench_args *args, unsigned int cpus, u64 *count)
{
	struct worker *workers = kcalloc(cpus, sizeof(*workers), GFP_KERNEL);
	struct bench_args twice = *args;
	u64 once = U64_MAX, took;
	int err = workers ? 0 : -ENOMEM;
	int n;

	twice.rounds *= 2;
	*count = U64_MAX;
	for (n = 0; n < WARM_UP && !err; n++)
		err = run(loop, &twice, workers, cpus, &took);
	for (n = 0; n < RUNS && !err; n++) {
		err = run(loop, args, workers, cpus, &took);
		once = min(once, took);
		if (!err)
			err = run(loop, &twice, workers, cpus, &took);
		*count = min(*count, took);
	}
	*count -= min(once, *count);
	kfree(workers);
	return err;
}

unsigned int bench_online_cpus(void)
{
	return num_online_cpus();
}

/*
 * Gives the console time to show what was printed. It may have a thread of its own, and what is
 * printed faster than that shows it overruns the log in the end.
 */
void bench_rest(void)
{
	msleep(20);
}

/* Two instructions a round, to see that what is counted is instructions. Nothing but on x86_64. */
int bench_calibration(const struct bench_args *args, unsigned int worker)
{
#ifdef CONFIG_X86_64
	size_t rounds = args->rounds;

	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
#endif
	return 0;
}
