# SPDX-License-Identifier: GPL-2.0
#
# For the Kbuild of a module that has this folder: the folder's object files, in conformance-objs,
# and which form the trait Allocator has, for all Rust sources of the Kbuild.
#
#   krealloc             Linux 6.12: no NUMA node, no MIN_ALIGN
#   krealloc_node_align  Linux 6.18: both

# Where this folder is, from where the Kbuild is; make leaves out a leading ./ of what it includes.
conformance-dir := $(dir $(lastword $(MAKEFILE_LIST)))
conformance-dir := $(patsubst $(src:./%=%)/%,%,$(conformance-dir:./%=%))

conformance-kernel := $(shell printf '%d%03d' $(VERSION) $(PATCHLEVEL))
conformance-api := $(if $(call test-ge,$(conformance-kernel),6018),krealloc_node_align,krealloc)

rustflags-y += --cfg 'slab_api="$(conformance-api)"'

conformance-objs := $(conformance-dir)probe.o
