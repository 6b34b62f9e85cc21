// SPDX-License-Identifier: GPL-2.0
/*
 * The C paths of the bench: what C code gets from its compiler for kmalloc() and the like. The
 * loops are those of loops.rs, with the functions of a path inlined into them.
 */

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "bench.h"

/* Allocates and frees one block after the other. */
static __always_inline int pair(const struct bench_args *args,
				void *(*get)(const struct bench_args *args, size_t size),
				void (*put)(const struct bench_args *args, void *block))
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
static __always_inline int batch(const struct bench_args *args, unsigned int worker,
				 void *(*get)(const struct bench_args *args, size_t size),
				 void (*put)(const struct bench_args *args, void *block))
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

/* The loops where the compiler knows the size, by which kmalloc() picks the bucket. */
static __always_inline int pair_constant(const struct bench_args *args, const size_t size)
{
	size_t n;

	for (n = 0; n < args->rounds; n++) {
		void *block = kmalloc(size, GFP_KERNEL);

		if (!block)
			return -ENOMEM;
		OPTIMIZER_HIDE_VAR(block);
		kfree(block);
	}
	return 0;
}

static __always_inline int batch_constant(const struct bench_args *args, unsigned int worker,
					  const size_t size)
{
	void **slots = args->slots + worker * args->live;
	size_t n, i;

	for (n = 0; n < args->rounds; n++) {
		for (i = 0; i < args->live; i++) {
			slots[i] = kmalloc(size, GFP_KERNEL);
			if (!slots[i])
				return -ENOMEM;
		}
		for (i = 0; i < args->live; i++)
			kfree(slots[i]);
	}
	return 0;
}

int bench_pair_kmalloc_constant(const struct bench_args *args, unsigned int worker)
{
	switch (args->size) {
	case 8:
		return pair_constant(args, 8);
	case 16:
		return pair_constant(args, 16);
	case 32:
		return pair_constant(args, 32);
	case 64:
		return pair_constant(args, 64);
	case 96:
		return pair_constant(args, 96);
	case 128:
		return pair_constant(args, 128);
	case 192:
		return pair_constant(args, 192);
	case 256:
		return pair_constant(args, 256);
	case 512:
		return pair_constant(args, 512);
	case 1024:
		return pair_constant(args, 1024);
	case 2048:
		return pair_constant(args, 2048);
	case 4096:
		return pair_constant(args, 4096);
	case 8192:
		return pair_constant(args, 8192);
	case 16384:
		return pair_constant(args, 16384);
	case 32768:
		return pair_constant(args, 32768);
	case 65536:
		return pair_constant(args, 65536);
	case 131072:
		return pair_constant(args, 131072);
	case 262144:
		return pair_constant(args, 262144);
	case 524288:
		return pair_constant(args, 524288);
	case 1048576:
		return pair_constant(args, 1048576);
	case 2097152:
		return pair_constant(args, 2097152);
	case 4194304:
		return pair_constant(args, 4194304);
	default:
		return -EINVAL;
	}
}

int bench_batch_kmalloc_constant(const struct bench_args *args, unsigned int worker)
{
	switch (args->size) {
	case 8:
		return batch_constant(args, worker, 8);
	case 16:
		return batch_constant(args, worker, 16);
	case 32:
		return batch_constant(args, worker, 32);
	case 64:
		return batch_constant(args, worker, 64);
	case 96:
		return batch_constant(args, worker, 96);
	case 128:
		return batch_constant(args, worker, 128);
	case 192:
		return batch_constant(args, worker, 192);
	case 256:
		return batch_constant(args, worker, 256);
	case 512:
		return batch_constant(args, worker, 512);
	case 1024:
		return batch_constant(args, worker, 1024);
	case 2048:
		return batch_constant(args, worker, 2048);
	case 4096:
		return batch_constant(args, worker, 4096);
	case 8192:
		return batch_constant(args, worker, 8192);
	case 16384:
		return batch_constant(args, worker, 16384);
	case 32768:
		return batch_constant(args, worker, 32768);
	case 65536:
		return batch_constant(args, worker, 65536);
	case 131072:
		return batch_constant(args, worker, 131072);
	case 262144:
		return batch_constant(args, worker, 262144);
	case 524288:
		return batch_constant(args, worker, 524288);
	case 1048576:
		return batch_constant(args, worker, 1048576);
	case 2097152:
		return batch_constant(args, worker, 2097152);
	case 4194304:
		return batch_constant(args, worker, 4194304);
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

/*
 * Has a block grow from nothing, from `size` bytes to `live` times that, by twice as much each
 * time, as a vector does; and frees it.
 */
static __always_inline int grow(const struct bench_args *args,
				void *(*realloc)(void *block, size_t size),
				void (*put)(const struct bench_args *args, void *block))
{
	size_t size = args->size, live = args->live;
	size_t n, held;

	for (n = 0; n < args->rounds; n++) {
		void *block = NULL, *grown;

		OPTIMIZER_HIDE_VAR(size);
		OPTIMIZER_HIDE_VAR(live);
		for (held = size; held <= live * size; held *= 2) {
			grown = realloc(block, held);
			if (!grown) {
				kfree(block);
				return -ENOMEM;
			}
			block = grown;
			OPTIMIZER_HIDE_VAR(block);
		}
		put(args, block);
	}
	return 0;
}

/* What is left of it without its calls; not null, and unknown to the compiler. */
static __always_inline void *grow_nothing(void *block, size_t size)
{
	barrier();
	return (void *)size;
}

int bench_grow_nothing(const struct bench_args *args, unsigned int worker)
{
	return grow(args, grow_nothing, put_nothing);
}

int bench_grow_krealloc(const struct bench_args *args, unsigned int worker)
{
	return grow(args, realloc_krealloc, put_kfree);
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
