/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUST_ALLOC_DEMO_BUCKETS_H
#define RUST_ALLOC_DEMO_BUCKETS_H

#include <linux/types.h>

bool rust_alloc_demo_buckets_have_copies(void);
const void *rust_alloc_demo_cache_of(const void *block);
const void *rust_alloc_demo_cache_picked(size_t size, gfp_t flags);
const void *rust_alloc_demo_cache_used(size_t size, gfp_t flags);
const void *rust_alloc_demo_cache_of_constant(size_t size);

#endif
