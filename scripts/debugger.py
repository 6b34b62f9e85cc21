# SPDX-License-Identifier: GPL-2.0

"""`make gdb`: a debugger that has stopped where the kernel runs the module's init, in a guest.

Commands on a standard input that is no terminal are run as a script, after which the guest ends.
"""

import subprocess
import sys
import time
from pathlib import Path

from harness import arch as arches
from harness import command
from harness import guest
from harness import ko as kos
from harness import kunit
from harness import messages
from harness import module
from harness import places
from harness import process
from harness import stages
from harness import variables
from harness.arch import Arch
from harness.guest import Content
from harness.kernel import Kernel
from harness.kernel import Needs
from harness.ko import Ko
from harness.messages import Fail

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
    if " do_init_module\n" not in kernel.toolchain.output(["nm", str(symbols)], ro=[symbols]):
        raise Fail(
            f"{symbols} has no symbols for gdb, as that of a distribution's headers has none; make"
            " gdb is for kernels that were built here, or a build directory of your own"
        )
    return symbols


def debugger(
    kernel: Kernel,
    symbols: Path,
    modules: module.Modules,
    ko: Ko,
    socket: Path,
    script: Path | None,
) -> list[str]:
    """The command that runs gdb, from the guest's first instruction to the init of the module `ko`.

    With `script` it runs these commands then, and ends; else it is the user's.
    """
    top = places.module_dir()
    stop = Path(__file__).with_name("harness") / "gdb_module.py"
    first = [
        "set pagination off",
        "set confirm off",
        f"set substitute-path {modules.dir} {top}",
        f"target remote {socket}",
        f"source {stop}",
        f"break-module-init {ko.file}",
    ]
    words = [word for line in first for word in ("-ex", line)]
    if script:
        words += ["-batch", "-x", str(script)]
    return kernel.toolchain.argv(
        ["gdb", "-q", "-nx", str(symbols), *words],
        ro=[top, stop, symbols, modules.dir, *([kernel.source] if kernel.source else [])],
        rw=[socket.parent],
        cwd=top,
    )


def main() -> None:
    """Runs all stages, the guest and the debugger."""
    variables.takes("gdb", *variables.KERNEL, "M", "ARGS", "V")
    words = variables.args()
    kos.check_parameters(words)
    if asked := arches.selected():
        need_arch(asked)
    kernel, modules = stages.build(
        STEPS, Needs(image=True), what="modules, with debug information", debug=True
    )
    need_arch(kernel.arch)
    symbols = need_symbols(kernel)
    args = kos.parameters(words, modules.all)
    # The last of those without suites, which needs the others, if they need each other.
    load = modules.in_order(modules.plain())
    ko = load[-1]
    log = places.logs() / "gdb-console.log"
    messages.step(4, STEPS, f"guest: gdb stops at {ko.name}'s init; the console goes to {log}")
    with guest.run_directory("gdb") as run, log.open("w") as console:
        initrd = guest.initramfs(kernel, Content(load=load), run / "initramfs.cpio")
        socket = run / "gdb"
        argv = guest.command(
            kernel,
            initrd,
            "load",
            guest.kvm_works(kernel),
            args=["nokaslr", kunit.NO_SUITES, *args],
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
                    debugger(kernel, symbols, modules, ko, socket, script), check=False
                ).returncode
            finally:
                process.end_group(qemu)
    if code:
        raise Fail(f"gdb ended with {code}, see above")


def wait_for(socket: Path, qemu: subprocess.Popen[str]) -> None:
    """Waits until QEMU listens."""
    until = time.monotonic() + APPEARS
    while not socket.exists():
        if qemu.poll() is not None or time.monotonic() > until:
            raise Fail(f"QEMU did not start; see {places.logs() / 'gdb-console.log'}")
        time.sleep(0.05)


if __name__ == "__main__":
    command.main(main)
