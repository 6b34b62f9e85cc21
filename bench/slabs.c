// SPDX-License-Identifier: GPL-2.0
/* Where an object's memory is, which the bench weighs. */

#include <linux/mm.h>

#include "bench.h"

/*
 * The address of the slab that an object is in, or of the pages that it has to itself, and how many
 * bytes that is.
 */
unsigned long bench_slab_of(const void *object, size_t *bytes)
{
	struct page *head = virt_to_head_page(object);

	*bytes = page_size(head);
	return (unsigned long)page_address(head);
}
