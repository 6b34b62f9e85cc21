/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUST_ALLOC_DEMO_FAILING_H
#define RUST_ALLOC_DEMO_FAILING_H

int rust_alloc_demo_watch(void);
void rust_alloc_demo_unwatch(void);

#endif
