# SPDX-License-Identifier: GPL-2.0
#
# For the Kbuild of a module that has this folder: which of the kernel's interfaces the allocator is
# built for, in slab-api-rustflags. A kernel that is newer than all here has the last.
#
#   krealloc             Linux 6.12: no alignment, no NUMA node, neither in the slab nor in Allocator
#   krealloc_node_align  Linux 6.18: both

slab-api-kernel := $(shell printf '%d%03d' $(VERSION) $(PATCHLEVEL))
slab-api := $(if $(call test-ge,$(slab-api-kernel),6018),krealloc_node_align,krealloc)

slab-api-rustflags := --cfg 'slab_api="$(slab-api)"'
