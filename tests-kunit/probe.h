/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUST_ALLOC_DEMO_PROBE_H
#define RUST_ALLOC_DEMO_PROBE_H

typedef void rust_alloc_demo_fn(void *data, unsigned int number);

int rust_alloc_demo_block_nid(const void *block);
int rust_alloc_demo_online_nodes(void);
int rust_alloc_demo_on_cpus(rust_alloc_demo_fn *run, void *data);
void rust_alloc_demo_in_softirq(rust_alloc_demo_fn *run, void *data);
int rust_alloc_demo_warnings_of(rust_alloc_demo_fn *run, void *data);
void rust_alloc_demo_warn(void);
unsigned int rust_alloc_demo_seconds(void);

int rust_alloc_demo_fail_nth(unsigned int nth);
int rust_alloc_demo_watch(void);
void rust_alloc_demo_unwatch(void);

#endif
