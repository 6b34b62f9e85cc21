# SPDX-License-Identifier: GPL-2.0

"""Busybox for guests in which somebody wants a shell: a person, or a module's own script.

A static one comes from a Debian package. That of another architecture is fetched by an index of its
own, as the root's has the host's architecture only.
"""

import shutil
from pathlib import Path

from harness import archive
from harness import places
from harness import toolchain as toolchains
from harness.arch import Arch
from harness.archive import Unavailable
from harness.bootstrap import SUITE
from harness.messages import Fail
from harness.toolchain import Toolchain

# Where it is looked for: a new architecture is in the newest suite only.
SUITES = (SUITE, "sid")


def provide(arch: Arch, toolchain: Toolchain) -> Path:
    """The program for an architecture; fetched if it isn't there."""
    if arch.debian != archive.HOST:
        return foreign(arch.debian)
    root = toolchain.root
    found = str(root / "usr/bin/busybox") if root else shutil.which("busybox")
    if not found or b"/lib64/ld-linux" in Path(found).read_bytes()[:4096]:
        raise Fail("the guest needs a static busybox; install the package busybox-static")
    return Path(found)


def foreign(arch: str) -> Path:
    """The program for another architecture, by Debian's name for that."""
    where = places.stage("busybox") / arch
    if not where.is_dir():
        with places.lock("busybox"):
            if not where.is_dir():
                fetch(arch, where)
    return where / "busybox"


def fetch(arch: str, where: Path) -> None:
    """Fetches the package, from the first suite that gives it."""
    said = []
    for suite in SUITES:
        try:
            index = archive.index(toolchains.root(), arch, suite)
            index.get_part(
                where,
                f"busybox-static:{arch}",
                "usr/bin/busybox",
                f"fetching busybox for {arch} from {suite}, for a shell in the guest",
            )
            return
        except Unavailable as fail:
            said.append(f"{suite}: {fail}")
    raise Fail(
        f"a shell in the guest takes busybox for {arch}, which the archive does not give"
        f" ({'; '.join(said)}); make demo and make test need none, but for a module's guest.sh"
    )
