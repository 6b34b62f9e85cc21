# SPDX-License-Identifier: GPL-2.0
#
# The front door: every command a person runs. `make help` lists them. What the kernel's build
# compiles is in Kbuild, so `make -C KERNEL M=$PWD modules` works as for any module.

PYTHON ?= python3

# A word on the command line reaches the scripts as it would from the environment.
export M KDIR KERNEL KERNEL_SOURCE KERNEL_TARBALL ARCH FLAVOUR MTE TOOLCHAIN DEBUG ARGS SEED V INSTALL_MOD_PATH MINUTES AGAIN
export DURATION ACCEPT DIR CMD LLVM RUSTC BINDGEN CELLS JOIN

# The variables on the command line, by name: a command refuses those that it doesn't take.
export GIVEN := $(strip $(foreach name,$(.VARIABLES), \
	$(if $(findstring command line,$(origin $(name))),$(name))))

run = @$(PYTHON) -B scripts/$(1)

.PHONY: modules
modules: ## the modules, against KDIR or the provisioned kernel, beside their sources
	$(call run,modules.py)

.PHONY: demo
demo: ## from nothing: insmod and rmmod in a guest, and what the modules say; ARGS="live=8" sets parameters
	$(call run,demo.py)

.PHONY: test
test: ## from nothing: every KUnit suite, by the kernel's kunit.py, in QEMU; ACCEPT=1 writes what must run
	$(call run,kunit.py) test

.PHONY: kunit
kunit: ## kunit.py with options of its own: ARGS="--list_tests", ARGS="'*conformance.zero*'", ARGS="--raw_output"
	$(call run,kunit.py)

.PHONY: matrix
matrix: ## make test on every supported kernel and architecture, and one table; goes on where it stopped
	$(call run,matrix.py)

.PHONY: new
new: ## a new module with a suite in DIR=../hello, whose own Makefile calls this one
	$(call run,new.py)

.PHONY: ci
ci: ## .gitlab-ci.yml and .github/workflows/matrix.yml anew: a job for each cell of the matrix
	$(call run,ci.py)

.PHONY: vm
vm: ## a shell in the guest, with the modules ready to insmod; commands on standard input end with their status
	$(call run,vm.py)

.PHONY: gdb
gdb: ## a debugger that has stopped at the module's init, in the guest; the module has debug information
	$(call run,debugger.py)

.PHONY: run
run: ## a command of the toolchain's, the selected kernel in sight: CMD="clang --version"
	$(call run,run.py)

.PHONY: check-kdir
check-kdir: ## says whether KDIR can build a module, and if not, why and what mends it
	$(call run,check_kdir.py)

.PHONY: metadata
metadata: ## Rust metadata for a kernel that came without, as a distribution's; prints what to use as KDIR
	$(call run,metadata.py)

.PHONY: soak
soak: ## a random load on all CPUs, with failures injected, in the kernel of DEBUG=1; DURATION=60 seconds
	$(call run,soak.py)

.PHONY: bench
bench: ## what allocations cost beside C's kmalloc, in instructions; 1 if a goal does not hold
	$(call run,bench.py)

.PHONY: first-step
first-step: ## what it takes from nothing to the demo, beside what one would do without this; takes an hour
	$(call run,first_step.py)

.PHONY: host-test
host-test: ## the allocator in user land: the suites, std programs and a fuzzer on it, without a kernel
	$(call run,host_test.py)

.PHONY: mutants
mutants: ## the allocator broken on purpose, in many ways: a test must notice each; ARGS="'the peak*'", MINUTES=5
	$(call run,mutants.py)

.PHONY: check-harness
check-harness: ## the harness's own tests: each way of passing falsely must turn red; ARGS="test_kunit"
	$(call run,tests)

.PHONY: lint
lint: ## rustfmt, clippy, shellcheck, checkpatch, and here flake8 and mypy; warnings are errors
	$(call run,lint.py)

.PHONY: rust-analyzer
rust-analyzer: ## rust-project.json, with which an editor knows the kernel crate, the modules and the tests
	$(call run,rust_analyzer.py)

.PHONY: rustdoc
rustdoc: ## the modules' documentation as HTML; a link to what isn't there is an error
	$(call run,rustdoc.py)

.PHONY: modules_install
modules_install: ## installs the modules below INSTALL_MOD_PATH, by the kernel's own rules
	$(call run,install.py)

.PHONY: modules_uninstall
modules_uninstall: ## removes what modules_install put there
	$(call run,install.py) uninstall

.PHONY: dkms
dkms: ## hands the modules to this machine's DKMS, for the running kernel or ARGS="-k RELEASE"
	$(call run,dkms.py)

.PHONY: dkms_remove
dkms_remove: ## takes the modules from all kernels and from DKMS
	$(call run,dkms.py) remove

.PHONY: clean
clean: ## removes what was built of the modules, beside the sources and in the cache
	$(call run,clean.py)

.PHONY: distclean
distclean: ## removes the cache as well: toolchain, kernels, logs
	$(call run,clean.py) cache

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z_-]*\): ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-17s %s\n' "$$name" "$$text"; done
	@echo
	@echo '  M=dir           a module directory of your own, as for the kernel; by default this one'
	@echo '  KDIR=dir        a kernel tree, build directory or headers directory of your own'
	@echo '  KERNEL=7.3      a provisioned kernel: 6.12, 6.18, 7.3 or another that the archive has'
	@echo '  KERNEL=debian   the newest that Debian ships for virtual machines; or a release of its, as'
	@echo '                  uname -r says it: 7.3.4+deb13-amd64, -cloud-amd64, -rt-amd64, -arm64'
	@echo '  KERNEL_SOURCE=dir  the source of KDIR, a tree or tarball, where Rust metadata is to be made'
	@echo '  KERNEL_TARBALL=file  one that is provisioned from a tarball of your own'
	@echo '  ARCH=x86_64     the architecture: x86_64, arm64, arm, loongarch, powerpc, riscv, s390,'
	@echo '                  or um, which starts fastest'
	@echo '  FLAVOUR=name    of x86_64: debug (KASAN, lockdep, kmemleak, fault injection; DEBUG=1 for'
	@echo '                  short), hardened, cfi, tiny; of arm64: mte (MTE=1), swtags, 16k, 64k'
	@echo '  TOOLCHAIN=host  the tools of this machine; by default a Debian root of its own'
	@echo '  TOOLCHAIN=backports  that root with the newest rustc that Debian has for it'
	@echo '  LLVM=-19        with TOOLCHAIN=host, which of them: a suffix or a directory of clang and LLVM;'
	@echo '                  RUSTC=rustc-1.85 and BINDGEN= in the same way'
	@echo '  ACCEPT=1        of test and matrix: what ran is what must run from now on (guest/cases)'
	@echo '  CELLS="7.3-um"  of the matrix: only these cells of its table'
	@echo '  DIR=dir         of new and matrix: the directory to write; the matrix copies its results there'
	@echo '  JOIN="dir dir"  of the matrix: one table of such directories; nothing is run'
	@echo '  SEED=n          of test, kunit and host-test: repeats a random run'
	@echo '  MINUTES=n       of matrix, mutants and check-harness: leave out what would take longer'
	@echo '  AGAIN=1         of the matrix: run also what passed before'
	@echo '  V=1             what the build runs'
	@echo '  RUST_ALLOC_DEMO_CACHE=dir  where all that is downloaded and built goes'
	@echo '                             (by default rust_alloc_demo in the user cache)'
	@echo
	@echo '  A variable that a command does not take is refused.'
