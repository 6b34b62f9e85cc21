// SPDX-License-Identifier: GPL-2.0
/*
 * Which of kmalloc()'s caches a request is served from: as C's inline picks it, and as the slab has
 * it of a block.
 */

#include <linux/instruction_pointer.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "buckets.h"

/* What struct slab begins with, which lies over the first struct page of a slab (mm/slab.h). */
struct slab_beginning {
	unsigned long flags;
	struct kmem_cache *slab_cache;
};

/* Whether there are copies of each bucket, of which a request's place in the code chooses one. */
bool rust_alloc_demo_buckets_have_copies(void)
{
	return IS_ENABLED(CONFIG_RANDOM_KMALLOC_CACHES) ||
	       IS_ENABLED(CONFIG_KMALLOC_PARTITION_CACHES);
}

/* The cache of a block, as kfree() finds it. The block must be of some bucket. */
const void *rust_alloc_demo_cache_of(const void *block)
{
	const struct slab_beginning *slab = (const void *)virt_to_head_page(block);

	return slab->slab_cache;
}

/* The cache that kmalloc() picks for a constant size (include/linux/slab.h). */
const void *rust_alloc_demo_cache_picked(size_t size, gfp_t flags)
{
#ifdef __kmalloc_token
	enum kmalloc_cache_type type = kmalloc_type(flags, __kmalloc_token(size));
#else
	enum kmalloc_cache_type type = kmalloc_type(flags, _RET_IP_);
#endif

	return kmalloc_caches[type][__kmalloc_index(size, false)];
}

static const void *cache_of_and_free(void *block)
{
	const void *cache = block ? rust_alloc_demo_cache_of(block) : NULL;

	kfree(block);
	return cache;
}

/* The cache that kmalloc() used for a size known at run time; NULL if there was no memory. */
const void *rust_alloc_demo_cache_used(size_t size, gfp_t flags)
{
	OPTIMIZER_HIDE_VAR(size);
	return cache_of_and_free(kmalloc(size, flags));
}

#define CONSTANT(n)							\
	case n:								\
		return cache_of_and_free(kmalloc(n, GFP_KERNEL))

/* The cache that kmalloc() used for a constant, one of those in buckets.rs; NULL for others. */
const void *rust_alloc_demo_cache_of_constant(size_t size)
{
	switch (size) {
	CONSTANT(1);
	CONSTANT(8);
	CONSTANT(9);
	CONSTANT(16);
	CONSTANT(17);
	CONSTANT(32);
	CONSTANT(33);
	CONSTANT(64);
	CONSTANT(65);
	CONSTANT(96);
	CONSTANT(97);
	CONSTANT(128);
	CONSTANT(129);
	CONSTANT(192);
	CONSTANT(193);
	CONSTANT(256);
	CONSTANT(257);
	CONSTANT(512);
	CONSTANT(513);
	CONSTANT(1024);
	CONSTANT(1025);
	CONSTANT(2048);
	CONSTANT(2049);
	CONSTANT(4096);
	CONSTANT(4097);
	CONSTANT(8192);
	}
	return NULL;
}
