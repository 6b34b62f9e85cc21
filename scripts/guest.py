# SPDX-License-Identifier: GPL-2.0

"""Stage 4: a guest made of the kernel, busybox and the modules, run by QEMU."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import common
import newc
import toolchain as toolchains
from common import Fail
from kernel import Kernel
from module import Modules

# Debian's name for the architecture that all this runs on.
HOST = "amd64"

FOLDERS = ["proc", "sys"]
TAIL_LINES = 20

# A guest that only starts and ends takes about two seconds without KVM.
PROBE_SECONDS = 10

# As much as kunit.py gives a guest, in MiB.
MEMORY = 1024

# Where instructions are counted: each takes a nanosecond of the guest's time, which the time stamp
# counter then counts, and nothing of the host's time gets in. As QEMU runs one CPU at a time then,
# more of them cost nothing.
COUNTED = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
COUNTED_CPUS = 4


@contextlib.contextmanager
def run_directory(name: str) -> Iterator[Path]:
    """An empty directory for the files of one run. A second run of the same checkout waits."""
    name = f"{name}-{common.key(str(common.checkout()))}"
    with common.lock(f"run-{name}"):
        path = common.cache() / "run" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        yield path


def busybox(kernel: Kernel) -> bytes:
    """The guest's user space."""
    if kernel.arch.debian != HOST:
        return foreign_busybox(kernel).read_bytes()
    root = kernel.toolchain.root
    found = str(root / "usr/bin/busybox") if root else shutil.which("busybox")
    program = Path(found).read_bytes() if found else b""
    if not program or b"/lib64/ld-linux" in program[:4096]:
        raise Fail("the guest needs a static busybox; install the package busybox-static")
    return program


def foreign_busybox(kernel: Kernel) -> Path:
    """The busybox of another architecture, from its Debian package; fetched if it isn't there."""
    arch = kernel.arch.debian
    where = common.cache() / "busybox" / arch
    if not where.is_dir():
        with common.lock("busybox"):
            if not where.is_dir():
                fetch_busybox(arch, where)
    return where / "busybox"


def fetch_busybox(arch: str, where: Path) -> None:
    """Fetches the package by an index of its own: the root's has the host's architecture only."""
    toolchain = toolchains.root()
    common.say(f"      fetching busybox for {arch}")
    with common.publish(where) as part:
        apt = (
            f"apt-get {toolchains.APT} -o APT::Architectures={arch}"
            f" -o Dir::Etc::SourceList={part}/sources.list"
            f" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists={part}/lists"
        )
        script = (
            f"cd '{part}' && mkdir -p lists/partial"
            f" && sed -n 's/^deb \\(.* {toolchains.SUITE} main\\)/deb [arch={arch}] \\1/p'"
            " /etc/apt/sources.list >sources.list"
            f" && {apt} update && {apt} download busybox-static:{arch}"
            " && dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -xO ./usr/bin/busybox >busybox"
            " && rm -r lists sources.list busybox-static_*.deb"
        )
        common.run_logged(
            toolchain.argv(["bash", "-o", "pipefail", "-c", script], rw=[part], network=True),
            common.logs() / "busybox.log",
            f"fetching busybox for {arch}",
        )


def initramfs(
    kernel: Kernel, modules: Modules | None, to: Path, more: Mapping[str, bytes] | None = None
) -> Path:
    """Writes the guest's file system. Not compressed: not every kernel could read it then."""
    programs = {
        "bin/busybox": busybox(kernel),
        "init": (common.checkout() / "tests-kunit/init").read_bytes(),
        **(more or {}),
    }
    for file in modules.files() if modules else []:
        programs[file.name] = file.read_bytes()
    to.write_bytes(newc.archive(FOLDERS, programs))
    return to


def command(
    kernel: Kernel,
    initrd: Path,
    mode: str,
    kvm: bool,
    console: str = "stdio",
    args: Sequence[str] = (),
    counted: bool = False,
    debugger: Path | None = None,
) -> list[str]:
    """The command that boots a guest; `args` are more words for the kernel's command line.

    If `counted`, QEMU counts instructions, which it can't under KVM. With `debugger`, the name of a
    socket, the guest waits there for gdb before its first instruction.
    """
    words = [*kernel.arch.command_line(mode), *args]
    if not kernel.arch.qemu:
        uml = [str(kernel.image), f"mem={MEMORY}M", f"initrd={initrd}", *words]
        return kernel.toolchain.argv(uml, ro=visible(kernel, initrd))
    qemu = [
        f"qemu-system-{kernel.arch.qemu}",
        "-nodefaults",
        "-no-reboot",
        "-display",
        "none",
        "-m",
        str(MEMORY),
        "-accel",
        "kvm" if kvm else "tcg",
        "-kernel",
        str(kernel.image),
        "-initrd",
        str(initrd),
        "-append",
        " ".join(words),
        "-serial",
        console,
        *(
            [*kernel.arch.hardware(kernel.config, COUNTED_CPUS), *COUNTED]
            if counted
            else kernel.arch.hardware(kernel.config)
        ),
    ]
    if debugger:
        qemu += ["-S", "-gdb", f"unix:{debugger},server=on,wait=off"]
    rw = [debugger.parent] if debugger else []
    return kernel.toolchain.argv(qemu, ro=visible(kernel, initrd), rw=rw, kvm=kvm)


def visible(kernel: Kernel, initrd: Path) -> list[Path]:
    """The files that QEMU reads."""
    return [initrd] + ([kernel.image] if kernel.image else [])


def kvm_works(kernel: Kernel) -> bool:
    """Whether a guest has been seen to run under KVM since this machine was booted.

    That /dev/kvm can be opened says little: on some nested hosts all guests hang.
    """
    if kernel.arch.debian != HOST or not kernel.arch.qemu or not toolchains.has_kvm():
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = common.cache() / "kvm" / kernel.key
    known = record.read_text().split() if record.exists() else []
    if known[:1] != [boot_id]:
        common.say(
            f"      trying KVM, for at most {PROBE_SECONDS} s; once until the next boot of"
            " this machine"
        )
        known = [boot_id, "yes" if probe(kernel) else "no"]
        record.parent.mkdir(exist_ok=True)
        record.write_text(" ".join(known))
    return known[1] == "yes"


def probe(kernel: Kernel) -> bool:
    """Boots a guest that ends at once, under KVM."""
    log = common.logs() / "kvm-probe.log"
    with run_directory("probe") as run:
        initrd = initramfs(kernel, None, run / "initramfs.cpio")
        try:
            common.run_logged(
                command(kernel, initrd, "probe", kvm=True),
                log,
                "a guest under KVM",
                timeout=PROBE_SECONDS,
                quoting=False,
            )
        except Fail:
            return False
    return "guest: finished" in log.read_text()


def boot(
    kernel: Kernel,
    initrd: Path,
    mode: str,
    log: Path,
    deadline: int,
    args: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    counted: bool = False,
) -> str:
    """Runs a guest to its end and returns what its console said, which is also in `log`."""
    kvm = not counted and kvm_works(kernel)
    argv = command(kernel, initrd, mode, kvm, args=args, counted=counted)
    try:
        common.run_logged(argv, log, "the guest", on_line, deadline, quoting=False)
    except Fail:
        show_tail(log)
        raise
    return log.read_text()


def show_tail(log: Path) -> None:
    """Shows the end of a console log."""
    lines = log.read_text(errors="replace").splitlines()
    print(f"--- the end of {log}", file=sys.stderr)
    for line in lines[-TAIL_LINES:]:
        print(line, file=sys.stderr)
    print("---", file=sys.stderr)
