# SPDX-License-Identifier: GPL-2.0

"""Installs modules by the kernel's own rules, and removes what that put there."""

import os
from pathlib import Path

from harness import messages
from harness import module
from harness import places
from harness import process
from harness import signing
from harness.kernel import Kernel
from harness.messages import Fail

# The files of depmod's (kmod, tools/depmod.c).
DEPMOD = tuple(
    f"modules.{name}"
    for name in (
        *("alias", "alias.bin", "builtin.alias.bin", "builtin.bin", "dep", "dep.bin", "devname"),
        *("softdep", "symbols", "symbols.bin", "weakdep"),
    )
)


def root() -> Path:
    """The directory that has lib/modules."""
    return Path(os.environ.get("INSTALL_MOD_PATH") or "/").absolute()


def install(kernel: Kernel) -> None:
    """Installs the modules by the kernel's own modules_install, where INSTALL_MOD_PATH says."""
    to = root() / "lib/modules" / kernel.release
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fail(f"can't write to {to} ({error.strerror}); become root, or set INSTALL_MOD_PATH=")
    modules = module.build(kernel)
    path = "" if root() == Path("/") else root()
    unsigned = "MODULE_SIG_ALL" in kernel.config and bool(
        signing.missing(kernel.config, kernel.build)
    )
    words = [*["CONFIG_MODULE_SIG_ALL="] * unsigned, f"INSTALL_MOD_PATH={path}", "modules_install"]
    module.run(
        module.make(kernel, modules.dir, words, rw=[to]),
        modules.dir,
        places.logs() / "modules_install.log",
        werror=False,
    )
    depmod(kernel)
    messages.say(f"installed the modules under {to}")
    if unsigned:
        messages.say("installed, not signed: the key for the kernel's modules is not here")


def uninstall(kernel: Kernel) -> None:
    """Removes what `install` put there, and the folders that are empty without it.

    The kernel's modules_install puts the modules below updates/, in the folders that they have in
    their directory, and may compress them; DKMS's are elsewhere.
    """
    to = root() / "lib/modules" / kernel.release
    modules = module.build(kernel)
    names = [str(ko.file.relative_to(modules.dir)) for ko in modules.all]
    ours = sorted(file for name in names for file in (to / "updates").glob(f"{name}*"))
    if not ours:
        raise Fail(f"there is no module of {places.shown_module_dir()} under {to / 'updates'}")
    try:
        for file in ours:
            file.unlink()
    except OSError as error:
        raise Fail(f"can't remove {file} ({error.strerror}); become root, or set INSTALL_MOD_PATH=")
    if any(to.rglob("*.ko*")):
        depmod(kernel)
    else:
        # What depmod made of these modules alone. The kernel's own lists are not depmod's.
        for name in DEPMOD:
            (to / name).unlink(missing_ok=True)
    for folder in sorted({parent for file in ours for parent in file.parents}, reverse=True):
        if folder.is_relative_to(root()) and folder != root() and not any(folder.iterdir()):
            folder.rmdir()
    messages.say(f"removed {len(ours)} modules from {to}")


def depmod(kernel: Kernel) -> None:
    """Has modprobe know of what has changed, as the kernel's modules_install does.

    That does it only where there is a System.map, which a headers directory has not.
    """
    to = root() / "lib/modules" / kernel.release
    if (to / "modules.dep").exists():
        argv = kernel.toolchain.argv(["depmod", "-b", str(root()), kernel.release], rw=[to])
        process.run_logged(argv, places.logs() / "depmod.log", "depmod")
