// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites ask of the kernel and only C can answer: inline functions that no binding has on
 * all supported kernels.
 */

#include <linux/mm.h>
#include <linux/nodemask.h>

#include "probe.h"

/* The NUMA node that the memory of a slab block is on. */
int rust_alloc_demo_block_nid(const void *block)
{
	return page_to_nid(virt_to_page(block));
}

/* How many NUMA nodes are online. */
int rust_alloc_demo_online_nodes(void)
{
	return num_online_nodes();
}
