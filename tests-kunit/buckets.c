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

/* The cache that kmalloc() used for a constant, one of those in buckets.rs; NULL for others. */
const void *rust_alloc_demo_cache_of_constant(size_t size)
{
	switch (size) {
	case 1:
		return cache_of_and_free(kmalloc(1, GFP_KERNEL));
	case 8:
		return cache_of_and_free(kmalloc(8, GFP_KERNEL));
	case 9:
		return cache_of_and_free(kmalloc(9, GFP_KERNEL));
	case 16:
		return cache_of_and_free(kmalloc(16, GFP_KERNEL));
	case 17:
		return cache_of_and_free(kmalloc(17, GFP_KERNEL));
	case 32:
		return cache_of_and_free(kmalloc(32, GFP_KERNEL));
	case 33:
		return cache_of_and_free(kmalloc(33, GFP_KERNEL));
	case 64:
		return cache_of_and_free(kmalloc(64, GFP_KERNEL));
	case 65:
		return cache_of_and_free(kmalloc(65, GFP_KERNEL));
	case 96:
		return cache_of_and_free(kmalloc(96, GFP_KERNEL));
	case 97:
		return cache_of_and_free(kmalloc(97, GFP_KERNEL));
	case 128:
		return cache_of_and_free(kmalloc(128, GFP_KERNEL));
	case 129:
		return cache_of_and_free(kmalloc(129, GFP_KERNEL));
	case 192:
		return cache_of_and_free(kmalloc(192, GFP_KERNEL));
	case 193:
		return cache_of_and_free(kmalloc(193, GFP_KERNEL));
	case 256:
		return cache_of_and_free(kmalloc(256, GFP_KERNEL));
	case 257:
		return cache_of_and_free(kmalloc(257, GFP_KERNEL));
	case 512:
		return cache_of_and_free(kmalloc(512, GFP_KERNEL));
	case 513:
		return cache_of_and_free(kmalloc(513, GFP_KERNEL));
	case 1024:
		return cache_of_and_free(kmalloc(1024, GFP_KERNEL));
	case 1025:
		return cache_of_and_free(kmalloc(1025, GFP_KERNEL));
	case 2048:
		return cache_of_and_free(kmalloc(2048, GFP_KERNEL));
	case 2049:
		return cache_of_and_free(kmalloc(2049, GFP_KERNEL));
	case 4096:
		return cache_of_and_free(kmalloc(4096, GFP_KERNEL));
	case 4097:
		return cache_of_and_free(kmalloc(4097, GFP_KERNEL));
	case 8192:
		return cache_of_and_free(kmalloc(8192, GFP_KERNEL));
	default:
		return NULL;
	}
}
