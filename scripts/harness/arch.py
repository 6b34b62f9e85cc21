# SPDX-License-Identifier: GPL-2.0

"""The architectures: what differs between them, all in one table."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from harness.messages import Fail

# The memory of a guest, in MiB; as much as kunit.py gives it.
MEMORY = 1024

# Two NUMA nodes with half of it each.
NODES = [
    word
    for node in ("node0", "node1")
    for word in (
        *("-object", f"memory-backend-ram,id={node},size={MEMORY // 2}M"),
        *("-numa", f"node,memdev={node}"),
    )
]


@dataclass(frozen=True)
class Arch:
    """An architecture, by the name that the kernel's build has for it (ARCH=)."""

    name: str
    # Its directory in the kernel's arch/, and the Kconfig symbol that says it.
    srcarch: str
    symbol: str
    # What is booted, relative to the kernel's build directory.
    image: str
    # What user space is compiled for: the compiler's name for it, and the kernel's (ARCH=).
    triple: str
    user: str
    # Debian's name for it: that of the guest's busybox.
    debian: str
    # The guest's console, and the symbols beside those of all guests that it takes.
    console: str
    needs: tuple[str, ...]
    # QEMU's name for it, and the machine; empty for UML, which is a program of the host's.
    qemu: str = ""
    machine: tuple[str, ...] = ()
    # Words of the kernel's command line that are for it alone.
    words: tuple[str, ...] = ()
    # What a module's build is told beyond what the kernel's own would be.
    make: tuple[str, ...] = ()
    # The packages with a gcc that compiles for it, where the host's own doesn't: what a kernel's
    # configuration looks for, and so does its vDSO for 32-bit processes.
    cross: tuple[str, ...] = ()
    # The packages with what its guests take, where the root doesn't have it.
    packages: tuple[str, ...] = ()
    # Whether its kernels take a newer rustc than the root has.
    backports: bool = False

    def hardware(self, config: Mapping[str, str], cpus: int = 2) -> list[str]:
        """QEMU's options for a machine that a kernel of this configuration runs on."""
        if "KASAN_HW_TAGS" in config:
            return ["-machine", "virt,mte=on", "-cpu", "max,pauth-impdef=on", "-smp", str(cpus)]
        # KASAN's shadow and what SLUB's debugging adds to each object want room.
        memory = ["-m", "2048"] if "KASAN_GENERIC" in config else []
        # A kernel that can't pretend NUMA nodes gets real ones.
        nodes = NODES if "NUMA" in config and "NUMA_EMU" not in config else []
        return [*self.machine, "-smp", str(cpus), *memory, *nodes]

    def command_line(self, mode: str) -> list[str]:
        """The kernel's command line; `mode` is what the guest is for (init.c).

        At level 5 the console has no plan of built-in suites before ours, and all warnings. After a
        panic the guest restarts at once, which ends it. Two NUMA nodes are for the suite about
        those, where the kernel can pretend them.
        """
        words = [f"console={self.console}", "loglevel=5", "panic=-1", "numa=fake=2"]
        return [*words, *self.words, *([] if self.qemu else ["END=poweroff"]), f"GUEST={mode}"]


ARCHES = {
    arch.name: arch
    for arch in (
        Arch(
            name="x86_64",
            srcarch="x86",
            symbol="X86_64",
            image="arch/x86/boot/bzImage",
            triple="x86_64-linux-gnu",
            user="x86_64",
            debian="amd64",
            console="ttyS0",
            needs=("SERIAL_8250_CONSOLE",),
            qemu="x86_64",
            # Starts half a second sooner than the usual BIOS.
            machine=("-bios", "qboot.rom"),
            # On a busy host a guest without KVM may get too few ticks of its timer while the kernel
            # looks whether there are some (arch/x86/kernel/apic/io_apic.c, timer_irq_works()).
            words=("no_timer_check",),
        ),
        Arch(
            name="arm64",
            srcarch="arm64",
            symbol="ARM64",
            image="arch/arm64/boot/Image",
            triple="aarch64-linux-gnu",
            user="arm64",
            debian="arm64",
            console="ttyAMA0",
            needs=("SERIAL_AMBA_PL011_CONSOLE",),
            qemu="aarch64",
            # The oldest that QEMU has with pages of 4, 16 and 64 KiB.
            machine=("-machine", "virt", "-cpu", "cortex-a76"),
            cross=("gcc-14-aarch64-linux-gnu", "libc6-dev-arm64-cross", "gcc-arm-linux-gnueabihf"),
        ),
        Arch(
            name="arm",
            srcarch="arm",
            symbol="ARM",
            image="arch/arm/boot/zImage",
            triple="arm-linux-gnueabihf",
            user="arm",
            debian="armhf",
            console="ttyAMA0",
            needs=("SERIAL_AMBA_PL011_CONSOLE",),
            qemu="arm",
            machine=("-machine", "virt", "-cpu", "cortex-a15"),
        ),
        Arch(
            name="loongarch",
            srcarch="loongarch",
            symbol="LOONGARCH",
            image="arch/loongarch/boot/vmlinux.efi",
            triple="loongarch64-linux-gnu",
            user="loongarch",
            debian="loong64",
            console="ttyS0",
            needs=("SERIAL_8250_CONSOLE", "SERIAL_OF_PLATFORM"),
            qemu="loongarch64",
            machine=("-machine", "virt", "-cpu", "la464"),
            packages=("qemu-system-misc",),
        ),
        Arch(
            name="riscv",
            srcarch="riscv",
            symbol="ARCH_RV64I",
            image="arch/riscv/boot/Image",
            triple="riscv64-linux-gnu",
            user="riscv",
            debian="riscv64",
            console="ttyS0",
            needs=("SERIAL_8250_CONSOLE", "SERIAL_OF_PLATFORM"),
            qemu="riscv64",
            machine=("-machine", "virt", "-cpu", "rv64"),
        ),
        Arch(
            name="s390",
            srcarch="s390",
            symbol="S390",
            image="arch/s390/boot/bzImage",
            triple="s390x-linux-gnu",
            user="s390",
            debian="s390x",
            console="ttysclp0",
            needs=("SCLP_VT220_CONSOLE",),
            qemu="s390x",
            machine=("-machine", "s390-ccw-virtio", "-cpu", "max"),
            packages=("qemu-system-s390x",),
            # It knows the target s390x-unknown-none-softfloat (arch/s390/Makefile).
            backports=True,
        ),
        Arch(
            name="powerpc",
            srcarch="powerpc",
            symbol="PPC64",
            image="vmlinux",
            triple="powerpc64le-linux-gnu",
            user="powerpc",
            debian="ppc64el",
            console="hvc0",
            needs=("HVC_CONSOLE",),
            qemu="ppc64",
            machine=("-machine", "pseries", "-cpu", "power9"),
            packages=("qemu-system-ppc",),
            # The oldest rustc that is taken there is 1.95 (scripts/min-tool-version.sh).
            backports=True,
        ),
        Arch(
            name="um",
            srcarch="um",
            symbol="UML",
            image="linux",
            triple="x86_64-linux-gnu",
            user="x86_64",
            debian="amd64",
            console="tty0",
            needs=(),
            # UML's module loader knows no relocations against the GOT (R_X86_64_GOTPCREL;
            # arch/x86/um, as of 7.3).
            make=("RUSTFLAGS_MODULE=-Zdirect-access-external-data=yes",),
        ),
    )
}
DEFAULT = "x86_64"


def selected() -> Arch | None:
    """What ARCH= names, if it is set."""
    name = os.environ.get("ARCH")
    if name and name not in ARCHES:
        raise Fail(f"ARCH={name} is not supported; it can be {', '.join(ARCHES)}")
    return ARCHES[name] if name else None
