# SPDX-License-Identifier: GPL-2.0
#
# For the Kbuild of a module that has this folder: the alloc crate, with KernelAllocator as its
# global allocator. Before the include, a variable says which of its two forms:
#
#   alloc-crate := fallible     what can't be met is an error value; the calls that return none and
#                               the collections that have only those don't exist. The default
#   alloc-crate := infallible   all of alloc; what can't be met is a BUG of the task
#
# It is built from the sources of this rustc (rust-src) against the kernel's own core, by the
# kernel's flags, as Linux had it up to 6.9 (rust/Makefile there). All of its functions can be
# compiled into the crate that calls them, as if they were generic, so a module that has one source
# file needs nothing else. A composite module adds $(alloc-crate-objs) to its objects.
#
# Crates of others that `cargo vendor` has put into vendor/ are named by
#
#   alloc-crates := itoa indexmap       each after those that it needs
#   alloc-crate-cfgs-indexmap := x      what its build script or its features would set, if any:
#                                       names, or feature="serde"
#
# and are in $(alloc-crate-objs) too.

alloc-crate-makefile := $(lastword $(MAKEFILE_LIST))
include $(dir $(alloc-crate-makefile))slab_api.mk

alloc-crate := $(or $(strip $(alloc-crate)),fallible)
alloc-crate-mode := $(alloc-crate)
ifeq ($(filter fallible infallible,$(alloc-crate-mode)),)
$(error alloc-crate is "$(alloc-crate-mode)"; it can be fallible or infallible)
endif

# What is made, below $(obj). A package is called with dashes what its crate has underscores for.
alloc-crate-name = $(subst -,_,$(1))
alloc-crate-objs := $(patsubst %,alloc_crate/%.o,alloc $(call alloc-crate-name,$(alloc-crates)))
targets += $(alloc-crate-objs)
clean-files += $(patsubst alloc_crate/%.o,alloc_crate/lib%.rmeta,$(alloc-crate-objs))

# `make clean` reads Kbuild too, without the kernel's configuration.
ifdef CONFIG_RUST

alloc-crate-lib := $(or $(RUST_LIB_SRC),$(shell \
	MAKEFLAGS= $(RUSTC) --print sysroot)/lib/rustlib/src/rust/library)
ifeq ($(wildcard $(alloc-crate-lib)/alloc/src/lib.rs),)
$(error $(alloc-crate-lib) has no alloc/src/lib.rs, which the alloc crate is built from; install \
	the package rust-src (of rustup: rustup component add rust-src))
endif

# The module's own sources: where the crates are, what they are called, which form alloc has. The
# features are those of alloc's fallible calls, and of the names that alloc calls its allocator by
# (global.rs); the kernel's build allows none but its own (scripts/Makefile.build).
alloc-crate-dir := $(obj)/alloc_crate
alloc-crate-rustflags := -L$(alloc-crate-dir) --cfg=alloc_crate=\"$(alloc-crate-mode)\" \
	$(addprefix --extern=,$(call alloc-crate-name,$(alloc-crates))) -Ainternal_features
rustflags-y += $(slab-api-rustflags) $(alloc-crate-rustflags)

alloc-crate-features := allocator_api rustc_attrs try_with_capacity
alloc-crate-features := $(subst $(space),$(comma),$(strip $(alloc-crate-features) $(shell \
	sed -n 's/^rust_allowed_features *:*= *//p' $(srctree)/scripts/Makefile.build)))
$(obj)/%.o $(obj)/%.rsi $(obj)/%.s $(obj)/%.ll: private rust_allowed_features = \
	$(alloc-crate-features)

# objtool has a list of the functions of core that never return: those that the kernel itself calls
# (tools/objtool/check.c, is_rust_noreturn()). Others, as that in which a sort ends that finds no
# order, it would take for missing ends of the functions that call them.
$(obj)/%.o: private objtool-args-y += --no-unreachable

# As the kernel's rules, which come later and so are not taken: an object is C's where it can be of
# either language, and the crates are made before one of Rust's. Without a prerequisite more than
# the kernel's, its rule for C would replace this one, and come last.
$(obj)/%.o: $(obj)/%.c $(alloc-crate-makefile) FORCE
	$(call if_changed_rule,cc_o_c)

$(obj)/%.o: $(obj)/%.rs $(addprefix $(obj)/,$(alloc-crate-objs)) FORCE
	+$(call if_changed_rule,rustc_o_rs)

# As cmd_rustc_library in the kernel's rust/Makefile. Lints are for those who write the crates.
quiet_cmd_rustc_alloc_crate = RUSTC [M] $@
      cmd_rustc_alloc_crate = \
	OBJTREE=$(abspath $(objtree)) $(RUSTC) \
	$(filter-out --edition=% $(alloc-crate-rustflags),$(rust_flags)) \
	--cap-lints=allow -Zcross-crate-inline-threshold=always $(alloc-crate-flags) \
	--emit=dep-info=$(depfile) --emit=obj=$@ --emit=metadata=$(@D)/lib$(basename $(@F)).rmeta \
	--crate-type rlib --crate-name $(basename $(@F)) --out-dir $(@D) \
	-L$(objtree)/rust/ -L$(@D) --sysroot=/dev/null -Zunstable-options $< $(cmd_objtool)

define rule_rustc_alloc_crate
	$(if $(filter $(alloc-crate-mode),$(alloc-crate)),,$(error \
		alloc-crate has to be set before alloc_crate.mk is included))
	$(call cmd_and_fixdep,rustc_alloc_crate)
	$(call cmd,gen_objtooldep)
endef

$(addprefix $(obj)/,$(alloc-crate-objs)): private is-kernel-object := y
$(addprefix $(obj)/,$(alloc-crate-objs)): private part-of-module := y

# The edition is as for core in the kernel's rust/Makefile.
$(alloc-crate-dir)/alloc.o: private alloc-crate-flags = \
	--edition=$(if $(call test-ge,$(CONFIG_RUSTC_VERSION),108700),2024,2021) \
	$(if $(filter fallible,$(alloc-crate-mode)),--cfg no_global_oom_handling)
$(alloc-crate-dir)/alloc.o: $(alloc-crate-lib)/alloc/src/lib.rs FORCE
	+$(call if_changed_rule,rustc_alloc_crate)

# A crate of others has the edition that its Cargo.toml says, and can use those before it.
define alloc-crate-rule
$(if $(wildcard $(src)/vendor/$(1)/src/lib.rs),,$(error \
	$(src) has no vendor/$(1)/src/lib.rs; `cargo vendor` puts the crates of a Cargo.toml there))
$(alloc-crate-dir)/$(2).o: private alloc-crate-flags = \
	--edition=$(or $(shell sed -n 's/^edition *= *"\(.*\)"/\1/p' $(src)/vendor/$(1)/Cargo.toml),2015) \
	$(patsubst %,--cfg='%',$(alloc-crate-cfgs-$(1))) $(addprefix --extern=,$(alloc-crate-before))
$(alloc-crate-dir)/$(2).o: $(src)/vendor/$(1)/src/lib.rs \
		$(patsubst %,$(alloc-crate-dir)/%.o,alloc $(alloc-crate-before)) FORCE
	+$$(call if_changed_rule,rustc_alloc_crate)
alloc-crate-before += $(2)
endef

alloc-crate-before :=
$(foreach crate,$(alloc-crates), \
	$(eval $(call alloc-crate-rule,$(crate),$(call alloc-crate-name,$(crate)))))

endif # CONFIG_RUST
