# SPDX-License-Identifier: GPL-2.0

"""The stages in their order, for commands: kernel, then modules, then a guest."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness import guest
from harness import messages
from harness import module
from harness import selection
from harness.guest import Content
from harness.kernel import Kernel, Needs
from harness.module import Modules


def build(
    of: int,
    needs: Needs,
    *,
    what: str = "modules",
    debug: bool = False,
    more: Sequence[str] = (),
    default: str = "",
) -> tuple[Kernel, Modules]:
    """The first three of `of` steps: the toolchain, the kernel that is selected, the modules.

    `default` is the kernel that KERNEL= is taken to name where nothing selects one.
    """
    kernel = selection.select(1, of, replace(needs, rust=module.has_rust()), default)
    messages.step(3, of, what)
    return kernel, module.build(kernel, debug=debug, more=more)


def run(
    name: str,
    kernel: Kernel,
    content: Content,
    log: Path,
    deadline: int,
    *,
    mode: str = "load",
    args: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    counted: bool = False,
) -> str:
    """The last step: a guest with this content, to its end; what its console said."""
    with guest.run_directory(name) as folder:
        initrd = guest.initramfs(kernel, content, folder / "initramfs.cpio")
        return guest.boot(kernel, initrd, mode, log, deadline, args, on_line, counted)
