/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONFORMANCE_PROBE_H
#define CONFORMANCE_PROBE_H

typedef void conformance_fn(void *data, unsigned int number);

unsigned long conformance_seed(void);
unsigned int conformance_seconds(void);
void conformance_sleep(unsigned int ms);
int conformance_block_nid(const void *block);
int conformance_online_nodes(void);
unsigned long conformance_available_pages(void);
unsigned long conformance_total_pages(void);
int conformance_take_large_blocks(void);
void conformance_give_back_large_blocks(void);
int conformance_on_cpus(conformance_fn *run, void *data);
void conformance_in_softirq(conformance_fn *run, void *data);
void conformance_warn(void);
int conformance_warnings_of(conformance_fn *run, void *data);
int conformance_fail_nth(unsigned int nth);
int conformance_can_fail(void);

#endif
