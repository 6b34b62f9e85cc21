# SPDX-License-Identifier: GPL-2.0

"""The machines other than this one that `make host-test` compiles for: one with words of 32 bits,
and one that has the most significant byte first, under QEMU's emulation of its processes.

Rust's standard library for each is Debian's, of the same version as the root's rustc.
"""

from dataclasses import dataclass
from pathlib import Path

from harness import archive
from harness import places
from harness import toolchain as toolchains
from harness.toolchain import Toolchain


@dataclass(frozen=True)
class Target:
    """A target, by rustc's name."""

    name: str
    about: str
    # Debian's name for its architecture.
    debian: str
    # The packages of the root with what links its programs, and runs them.
    packages: tuple[str, ...]
    linker: str = "cc"
    runner: str = ""

    def environment(self) -> dict[str, str]:
        """What cargo is told of it."""
        prefix = f"CARGO_TARGET_{self.name.upper().replace('-', '_')}"
        runner = {f"{prefix}_RUNNER": self.runner} if self.runner else {}
        return {f"{prefix}_LINKER": self.linker, **runner}


TARGETS = (
    Target("i686-unknown-linux-gnu", "32 bits", "i386", ("gcc-multilib",)),
    Target(
        "s390x-unknown-linux-gnu",
        "big-endian",
        "s390x",
        ("gcc-s390x-linux-gnu", "libc6-dev-s390x-cross", "qemu-user"),
        "s390x-linux-gnu-gcc",
        "qemu-s390x -L /usr/s390x-linux-gnu",
    ),
)


def provide(target: Target, root: Toolchain) -> tuple[Toolchain, Path]:
    """A root that links and runs a target's programs, and the directory with its standard library;
    made and fetched if they aren't there. Fails with Unavailable if the archive lacks them."""
    version = root.output(["dpkg-query", "-W", "-f", "${Version}", "rustc"])
    path = f"usr/lib/rustlib/{target.name}/lib"
    where = places.stage("cargo") / f"std-{target.name}-{places.key(version, path)}"
    with places.lock("std"):
        if not where.is_dir():
            archive.index(root, target.debian).get_part(
                where,
                f"libstd-rust-dev:{target.debian}={version}",
                path,
                f"fetching Rust's standard library for {target.name}",
            )
    return toolchains.with_packages(root, target.packages), where / Path(path).name
