# SPDX-License-Identifier: GPL-2.0
#
# The front door: every command a person runs. `make help` lists them. What the kernel's build
# compiles is in Kbuild, so `make -C KERNEL M=$PWD modules` works as for any module.

PYTHON ?= python3

# A word on the command line reaches the scripts as it would from the environment.
export KDIR KERNEL KERNEL_TARBALL ARCH MTE TOOLCHAIN DEBUG ARGS SEED V INSTALL_MOD_PATH MINUTES AGAIN DURATION

run = @$(PYTHON) -B scripts/$(1)

.PHONY: modules
modules: ## the modules, against KDIR or the provisioned kernel
	$(call run,module.py)

.PHONY: demo
demo: ## from nothing: insmod, the alignment report and rmmod, in a guest; ARGS="live=8" sets parameters
	$(call run,demo.py)

.PHONY: test
test: ## from nothing: every KUnit suite, by the kernel's kunit.py, in QEMU; SEED=n repeats a random run
	$(call run,kunit.py) test

.PHONY: kunit
kunit: ## kunit.py with options of its own: ARGS="--list_tests", ARGS="'*conformance.zero*'", ARGS="--raw_output"
	$(call run,kunit.py)

.PHONY: matrix
matrix: ## make test on every supported kernel and architecture, and one table; goes on where it stopped
	$(call run,matrix.py)

.PHONY: host-test
host-test: ## the allocator in user land: the suites, std programs and a fuzzer on it, without a kernel
	$(call run,host.py)

.PHONY: soak
soak: ## a random load on all CPUs, with failures injected, in the kernel of DEBUG=1; DURATION=60 seconds
	$(call run,soak.py)

.PHONY: bench
bench: ## what allocations cost beside C's kmalloc, in instructions; 1 if a goal does not hold
	$(call run,bench.py)

.PHONY: vm
vm: ## a shell in the guest, with the modules ready to insmod
	$(call run,vm.py)

.PHONY: gdb
gdb: ## a debugger that has stopped at the module's init, in the guest; the module has debug information
	$(call run,debugger.py)

.PHONY: check-kdir
check-kdir: ## says whether KDIR can build a Rust module, and if not, why and what mends it
	$(call run,kdir.py)

.PHONY: check-harness
check-harness: ## the harness's own tests: each way of passing falsely must turn red
	@$(PYTHON) -B -m unittest discover -s scripts/tests

.PHONY: lint
lint: ## rustfmt, clippy, shellcheck, flake8, mypy, checkpatch; warnings are errors
	$(call run,lint.py)

.PHONY: rust-analyzer
rust-analyzer: ## rust-project.json, with which an editor knows the kernel crate, the module and the tests
	$(call run,rust_analyzer.py)

.PHONY: modules_install
modules_install: ## installs the modules below INSTALL_MOD_PATH, by the kernel's own rules
	$(call run,module.py) install

.PHONY: modules_uninstall
modules_uninstall: ## removes what modules_install put there
	$(call run,module.py) uninstall

.PHONY: dkms
dkms: ## hands the module to this machine's DKMS, for the running kernel or ARGS="-k RELEASE"
	$(call run,dkms.py)

.PHONY: dkms_remove
dkms_remove: ## takes the module from all kernels and from DKMS
	$(call run,dkms.py) remove

.PHONY: clean
clean: ## removes what was built in the checkout
	$(call run,clean.py)

.PHONY: distclean
distclean: ## removes the cache as well: toolchain, kernels, logs
	$(call run,clean.py) cache

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z_-]*\): ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-17s %s\n' "$$name" "$$text"; done
	@echo
	@echo '  KDIR=dir        a kernel tree, build directory or headers directory of your own'
	@echo '  KERNEL=7.3      a provisioned kernel: 6.12, 6.18, 7.3 or another that the archive has'
	@echo '  KERNEL_TARBALL=file  one that is provisioned from a tarball of your own'
	@echo '  ARCH=x86_64     the architecture: x86_64, arm64, riscv, or um, which starts fastest'
	@echo '  MTE=1           with ARCH=arm64: memory tagging'
	@echo '  DEBUG=1         with ARCH=x86_64: KASAN, lockdep, kmemleak, fault injection and more'
	@echo '  TOOLCHAIN=host  the tools of this machine; by default a Debian root of its own'
	@echo '  MINUTES=n       of the matrix: leave out what can be left out and would take longer'
	@echo '  AGAIN=1         of the matrix: run also what passed before'
	@echo '  V=1             what the build runs'
	@echo '  RUST_ALLOC_DEMO_CACHE=dir  where all that is downloaded and built goes'
	@echo '                             (by default rust_alloc_demo in the user cache)'
