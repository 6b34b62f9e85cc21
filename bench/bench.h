/* SPDX-License-Identifier: GPL-2.0 */
/* What the C and the Rust files of the bench share; loops.rs has the same in Rust. */
#ifndef _RUST_ALLOC_DEMO_BENCH_H
#define _RUST_ALLOC_DEMO_BENCH_H

#include <linux/types.h>

struct kmem_cache;

/* What a loop is told. */
struct bench_args {
	/* Bytes asked for, and for a reallocation the bytes asked for then. */
	size_t size;
	size_t other;
	size_t rounds;
	/* How many blocks are held at once, and a place for each of them, for each CPU. */
	size_t live;
	void **slots;
	/* Of objects of `size` bytes; may be NULL. */
	struct kmem_cache *cache;
};

/* Does something `rounds` times; `worker` counts the CPUs from 0. Returns 0 or an errno. */
typedef int bench_loop(const struct bench_args *args, unsigned int worker);

bench_loop bench_calibration;
bench_loop bench_pair_nothing;
bench_loop bench_pair_kmalloc;
bench_loop bench_pair_kmalloc_constant;
bench_loop bench_pair_kmem_cache;
bench_loop bench_pair_krealloc;
bench_loop bench_pair_kzalloc;
bench_loop bench_batch_nothing;
bench_loop bench_batch_kmalloc;
bench_loop bench_batch_kmalloc_constant;
bench_loop bench_batch_kmem_cache;
bench_loop bench_resize_nothing;
bench_loop bench_resize_krealloc;
bench_loop bench_move_krealloc;
bench_loop bench_grow_nothing;
bench_loop bench_grow_krealloc;

int bench_measure(bench_loop *loop, const struct bench_args *args, unsigned int cpus, u64 *count);
unsigned int bench_online_cpus(void);
void bench_rest(void);
struct kmem_cache *bench_cache(size_t size);
void bench_uncache(struct kmem_cache *cache);
size_t bench_granted(size_t size);
unsigned long bench_slab_of(const void *object, size_t *bytes);

#endif
