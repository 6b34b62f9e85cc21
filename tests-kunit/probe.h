/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUST_ALLOC_DEMO_PROBE_H
#define RUST_ALLOC_DEMO_PROBE_H

int rust_alloc_demo_block_nid(const void *block);
int rust_alloc_demo_online_nodes(void);

#endif
