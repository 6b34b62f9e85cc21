// SPDX-License-Identifier: GPL-2.0
/*
 * The C paths of the bench: what C code gets from its compiler for kmalloc() and the like. The loops
 * are those of loops.rs, with the functions of a path inlined into them.
 */

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "bench.h"

typedef void *get_fn(const struct bench_args *args, size_t size);
typedef void put_fn(const struct bench_args *args, void *block);

/* Allocates and frees one block after the other. */
static __always_inline int pair(const struct bench_args *args, get_fn *get, put_fn *put)
{
	size_t size = args->size;
	size_t n;

	for (n = 0; n < args->rounds; n++) {
		void *block;

		OPTIMIZER_HIDE_VAR(size);
		block = get(args, size);
		if (!block)
			return -ENOMEM;
		OPTIMIZER_HIDE_VAR(block);
		put(args, block);
	}
	return 0;
}

/* Allocates `live` blocks, then frees them in the same order. */
static __always_inline int batch(const struct bench_args *args, unsigned int worker, get_fn *get,
				 put_fn *put)
{
	void **slots = args->slots + worker * args->live;
	size_t size = args->size;
	size_t n, i;

	for (n = 0; n < args->rounds; n++) {
		for (i = 0; i < args->live; i++) {
			OPTIMIZER_HIDE_VAR(size);
			slots[i] = get(args, size);
			if (!slots[i])
				return -ENOMEM;
		}
		for (i = 0; i < args->live; i++)
			put(args, slots[i]);
	}
	return 0;
}

/* What is left of a loop without its calls, which is subtracted. */
static __always_inline void *get_nothing(const struct bench_args *args, size_t size)
{
	barrier();
	return (void *)size;
}

static __always_inline void put_nothing(const struct bench_args *args, void *block)
{
	barrier_data(block);
}

static __always_inline void *get_kmalloc(const struct bench_args *args, size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

static __always_inline void *get_kzalloc(const struct bench_args *args, size_t size)
{
	return kzalloc(size, GFP_KERNEL);
}

static __always_inline void *get_krealloc(const struct bench_args *args, size_t size)
{
	return krealloc(NULL, size, GFP_KERNEL);
}

static __always_inline void put_kfree(const struct bench_args *args, void *block)
{
	kfree(block);
}

static __always_inline void *get_kmem_cache(const struct bench_args *args, size_t size)
{
	return kmem_cache_alloc(args->cache, GFP_KERNEL);
}

static __always_inline void put_kmem_cache(const struct bench_args *args, void *block)
{
	kmem_cache_free(args->cache, block);
}

int bench_pair_nothing(const struct bench_args *args, unsigned int worker)
{
	return pair(args, get_nothing, put_nothing);
}

int bench_pair_kmalloc(const struct bench_args *args, unsigned int worker)
{
	return pair(args, get_kmalloc, put_kfree);
}

int bench_pair_kmem_cache(const struct bench_args *args, unsigned int worker)
{
	return pair(args, get_kmem_cache, put_kmem_cache);
}

int bench_pair_krealloc(const struct bench_args *args, unsigned int worker)
{
	return pair(args, get_krealloc, put_kfree);
}

int bench_pair_kzalloc(const struct bench_args *args, unsigned int worker)
{
	return pair(args, get_kzalloc, put_kfree);
}

int bench_batch_nothing(const struct bench_args *args, unsigned int worker)
{
	return batch(args, worker, get_nothing, put_nothing);
}

int bench_batch_kmalloc(const struct bench_args *args, unsigned int worker)
{
	return batch(args, worker, get_kmalloc, put_kfree);
}

int bench_batch_kmem_cache(const struct bench_args *args, unsigned int worker)
{
	return batch(args, worker, get_kmem_cache, put_kmem_cache);
}

/* Here the size is known to the compiler, by which kmalloc() picks the bucket. */
#define CONSTANT(bytes)							\
	static __always_inline void *get_##bytes(const struct bench_args *args, size_t size) \
	{								\
		return kmalloc(bytes, GFP_KERNEL);			\
	}

#define PAIR_OF(bytes)							\
	case bytes:							\
		return pair(args, get_##bytes, put_kfree);

#define SIZES(macro)							\
	macro(8) macro(16) macro(32) macro(64) macro(96) macro(128) macro(192) macro(256) \
	macro(512) macro(1024) macro(2048) macro(4096) macro(8192) macro(16384) macro(32768) \
	macro(65536) macro(131072) macro(262144) macro(524288) macro(1048576) macro(2097152) \
	macro(4194304)

SIZES(CONSTANT)

int bench_pair_kmalloc_constant(const struct bench_args *args, unsigned int worker)
{
	switch (args->size) {
	SIZES(PAIR_OF)
	default:
		return -EINVAL;
	}
}

/* Reallocates one block from `size` bytes to `other` and back. */
static __always_inline int resize(const struct bench_args *args,
				  void *(*realloc)(void *block, size_t size))
{
	size_t size = args->size, other = args->other;
	void *block = kmalloc(size, GFP_KERNEL);
	int err = block ? 0 : -ENOMEM;
	size_t n;

	for (n = 0; n < args->rounds && !err; n++) {
		void *moved;

		OPTIMIZER_HIDE_VAR(size);
		OPTIMIZER_HIDE_VAR(other);
		moved = realloc(block, other);
		if (moved) {
			block = moved;
			moved = realloc(block, size);
		}
		if (moved)
			block = moved;
		else
			err = -ENOMEM;
	}
	kfree(block);
	return err;
}

static __always_inline void *realloc_nothing(void *block, size_t size)
{
	OPTIMIZER_HIDE_VAR(block);
	return block;
}

static __always_inline void *realloc_krealloc(void *block, size_t size)
{
	return krealloc(block, size, GFP_KERNEL);
}

int bench_resize_nothing(const struct bench_args *args, unsigned int worker)
{
	return resize(args, realloc_nothing);
}

int bench_resize_krealloc(const struct bench_args *args, unsigned int worker)
{
	return resize(args, realloc_krealloc);
}

/* Allocates a block, has it moved by a reallocation from `size` bytes to `other`, and frees it. */
int bench_move_krealloc(const struct bench_args *args, unsigned int worker)
{
	size_t size = args->size, other = args->other;
	size_t n;

	for (n = 0; n < args->rounds; n++) {
		void *block, *moved;

		OPTIMIZER_HIDE_VAR(size);
		OPTIMIZER_HIDE_VAR(other);
		block = kmalloc(size, GFP_KERNEL);
		if (!block)
			return -ENOMEM;
		moved = krealloc(block, other, GFP_KERNEL);
		if (!moved) {
			kfree(block);
			return -ENOMEM;
		}
		OPTIMIZER_HIDE_VAR(moved);
		kfree(moved);
	}
	return 0;
}

struct kmem_cache *bench_cache(size_t size)
{
	return kmem_cache_create("rust_alloc_demo_bench", size, 0, SLAB_NO_MERGE, NULL);
}

void bench_uncache(struct kmem_cache *cache)
{
	kmem_cache_destroy(cache);
}

/* How many bytes kmalloc() grants for `size` bytes; 0 if it can't. */
size_t bench_granted(size_t size)
{
	void *block = kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
	size_t granted = block ? ksize(block) : 0;

	kfree(block);
	return granted;
}
