# SPDX-License-Identifier: GPL-2.0

"""Stage 4: a guest made of the kernel, an /init and modules, run by QEMU."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import archive
from harness import busybox
from harness import detectors
from harness import messages
from harness import module
from harness import newc
from harness import places
from harness import process
from harness import signing
from harness import toolchain as toolchains
from harness import userland
from harness.arch import MEMORY
from harness.kernel import Kernel
from harness.ko import Ko
from harness.messages import Fail

FOLDERS = ["bin", "proc", "sys"]
TAIL_LINES = 20

# A guest that only starts and ends takes about two seconds without KVM.
PROBE_SECONDS = 10

# Where instructions are counted: each takes a nanosecond of the guest's time, which the time stamp
# counter then counts, and nothing of the host's time gets in. As QEMU runs one CPU at a time then,
# more of them cost nothing.
COUNTED = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
COUNTED_CPUS = 4


@dataclass(frozen=True)
class Content:
    """What is in a guest beside its /init: files, the modules that are loaded, a script.

    With `shell` it has busybox, as it has for a script.
    """

    modules: Sequence[Ko] = ()
    load: Sequence[Ko] = ()
    script: str = ""
    shell: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)


@contextlib.contextmanager
def run_directory(name: str) -> Iterator[Path]:
    """An empty directory for the files of one run. A second run of the same modules waits."""
    name = f"{name}-{places.key(str(places.module_dir()))}"
    with places.lock(f"run-{name}"):
        path = places.stage("run") / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        yield path


def initramfs(kernel: Kernel, content: Content, to: Path) -> Path:
    """Writes the guest's file system. Not compressed: not every kernel could read it then."""
    programs = {"init": userland.init(kernel).read_bytes(), **content.files}
    if content.shell or content.script:
        programs["bin/busybox"] = busybox.provide(kernel.arch, kernel.toolchain).read_bytes()
    if content.script:
        programs["guest.sh"] = content.script.encode()
    provoking = provoking_detectors(kernel) if content.load else []
    for ko in dict.fromkeys([*content.modules, *content.load, *provoking]):
        check(ko, kernel)
        programs[ko.file.name] = signing.content(kernel, ko.file)
    programs["order"] = named(content.load)
    programs["suites"] = named(ko for ko in content.load if ko.runs_its_suites)
    to.write_bytes(newc.archive(FOLDERS, programs))
    return to


def provoking_detectors(kernel: Kernel) -> list[Ko]:
    """The module that shows that the kernel's detectors are at work, if it has some."""
    if not detectors.of(kernel.config):
        return []
    return list(module.build(kernel, top=detectors.SOURCES).all)


def check(ko: Ko, kernel: Kernel) -> None:
    """Fails if a module is not what was built, or not for this kernel."""
    if not ko.is_unchanged():
        raise Fail(f"{ko.file} has changed since it was built; run the command again")
    if ko.release != kernel.release:
        raise Fail(f"{ko.file} is for Linux {ko.release}, and the guest's is {kernel.release}")


def named(modules: Iterable[Ko]) -> bytes:
    """A file that lists modules, by the names of their files."""
    return "".join(f"{ko.file.stem}\n" for ko in modules).encode()


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
    if kernel.arch.debian != archive.HOST or not kernel.arch.qemu or not toolchains.has_kvm():
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = places.stage("kvm") / kernel.key
    known = record.read_text().split() if record.exists() else []
    if known[:1] != [boot_id]:
        messages.say(
            f"      trying KVM, for at most {PROBE_SECONDS} s; once until the next boot of"
            " this machine"
        )
        known = [boot_id, "yes" if probe(kernel) else "no"]
        record.parent.mkdir(exist_ok=True)
        record.write_text(" ".join(known))
    return known[1] == "yes"


def probe(kernel: Kernel) -> bool:
    """Boots a guest that ends at once, under KVM."""
    log = places.logs() / "kvm-probe.log"
    with run_directory("probe") as run:
        initrd = initramfs(kernel, Content(), run / "initramfs.cpio")
        try:
            process.run_logged(
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
        process.run_logged(argv, log, "the guest", on_line, deadline, quoting=False)
    except Fail:
        show_tail(log)
        raise
    return log.read_text()


def show_tail(log: Path) -> None:
    """Shows the end of a console log, but for what was provoked."""
    lines, _ = detectors.split(log.read_text(errors="replace").splitlines())
    print(f"--- the end of {log}", file=sys.stderr)
    for line in lines[-TAIL_LINES:]:
        print(line, file=sys.stderr)
    print("---", file=sys.stderr)
