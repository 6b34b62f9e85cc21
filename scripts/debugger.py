# SPDX-License-Identifier: GPL-2.0

"""`make gdb`: a debugger that has stopped where the kernel runs the module's init, in a guest.

Commands on a standard input that is no terminal are run as a script, after which the guest ends.
"""

import subprocess
import sys
import time
from pathlib import Path

import arch as arches
import common
import demo
import guest
import kernel as kernels
import module
from arch import Arch
from common import Fail
from kernel import Kernel

STEPS = 4

# How many seconds QEMU may take to be there.
APPEARS = 30


def need_arch(arch: Arch) -> None:
    """Fails if gdb is not for the architecture."""
    if arch.name != "x86_64":
        raise Fail(f"make gdb is for ARCH=x86_64, as the toolchain's gdb is, not {arch.name}")


def need_symbols(kernel: Kernel) -> Path:
    """The kernel's symbols; fails if gdb could not find the module by them."""
    if "KALLSYMS" not in kernel.config:
        raise Fail(f"{kernel.build}: make gdb finds the module by CONFIG_KALLSYMS; set it to y")
    symbols = kernel.build / "vmlinux"
    if not symbols.exists():
        raise Fail(f"{kernel.build} has no vmlinux, and so no symbols for gdb")
    return symbols


def debugger(
    kernel: Kernel, symbols: Path, modules: module.Modules, socket: Path, script: Path | None
) -> list[str]:
    """The command that runs gdb, from the guest's first instruction to the module's init.

    With `script` it runs these commands then, and ends; else it is the user's.
    """
    top = common.checkout()
    first = [
        "set pagination off",
        "set confirm off",
        f"set substitute-path {modules.dir} {top}",
        f"target remote {socket}",
        f"source {top / 'scripts/gdb_module.py'}",
        f"break-module-init {modules.demo}",
    ]
    words = [word for line in first for word in ("-ex", line)]
    if script:
        words += ["-batch", "-x", str(script)]
    return kernel.toolchain.argv(
        ["gdb", "-q", "-nx", str(symbols), *words],
        ro=[top, symbols, modules.dir, *([kernel.source] if kernel.source else [])],
        rw=[socket.parent],
        cwd=top,
    )


def main() -> None:
    """Runs all stages, the guest and the debugger."""
    args = demo.parameters()
    if asked := arches.selected():
        need_arch(asked)
    kernel = kernels.select(1, STEPS, need_kunit=False, need_image=True)
    need_arch(kernel.arch)
    symbols = need_symbols(kernel)
    common.step(3, STEPS, "module, with debug information")
    modules = module.build(kernel, debug=True)
    log = common.logs() / "gdb-console.log"
    common.step(4, STEPS, f"guest: waits for gdb; its console goes to {log}")
    with guest.run_directory("gdb") as run, log.open("w") as console:
        initrd = guest.initramfs(kernel, modules, run / "initramfs.cpio")
        socket = run / "gdb"
        argv = guest.command(
            kernel,
            initrd,
            "demo",
            guest.kvm_works(kernel),
            args=["nokaslr", *args],
            debugger=socket,
        )
        script = None
        if sys.stdin is None or not sys.stdin.isatty():
            script = run / "commands"
            script.write_text(sys.stdin.read() if sys.stdin else "")
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as qemu:
            try:
                wait_for(socket, qemu)
                code = subprocess.run(
                    debugger(kernel, symbols, modules, socket, script), check=False
                ).returncode
            finally:
                common.end_group(qemu)
    if code:
        raise Fail(f"gdb ended with {code}, see above")


def wait_for(socket: Path, qemu: subprocess.Popen[str]) -> None:
    """Waits until QEMU listens."""
    until = time.monotonic() + APPEARS
    while not socket.exists():
        if qemu.poll() is not None or time.monotonic() > until:
            raise Fail(f"QEMU did not start; see {common.logs() / 'gdb-console.log'}")
        time.sleep(0.05)


if __name__ == "__main__":
    common.main(main)
