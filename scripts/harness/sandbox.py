# SPDX-License-Identifier: GPL-2.0

"""Sandboxes on this machine: what makes them, and what mends it where they are refused."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import messages
from harness import places
from harness import process
from harness.messages import Fail


@dataclass(frozen=True)
class Refusal:
    """Why the kernel may refuse a sandbox: a file with a `sign`, for everybody or for all but root;
    and what mends that."""

    file: str
    sign: str
    remedy: str
    root: bool = False


CONTAINER = (
    "this is a container that may have no sandboxes in it; start it with more rights (docker or"
    " podman run --privileged)"
)

# In a container the switches are those of the machine around it, and can't be set.
REFUSALS = (
    Refusal("run/.containerenv", "", CONTAINER, root=True),
    Refusal(".dockerenv", "", CONTAINER, root=True),
    Refusal("proc/1/environ", r"(?:^|\0)container=", CONTAINER, root=True),
    Refusal(
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "^1$",
        "AppArmor keeps user namespaces from programs that it has no profile for; as root:"
        " sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    Refusal(
        "proc/sys/kernel/unprivileged_userns_clone",
        "^0$",
        "user namespaces are for root only here; as root:"
        " sysctl kernel.unprivileged_userns_clone=1",
    ),
    Refusal(
        "proc/sys/user/max_user_namespaces",
        "^0$",
        "no user namespace is allowed here; as root: sysctl user.max_user_namespaces=10000",
    ),
)


def bwrap_options() -> list[str]:
    """What bubblewrap is told in any case; an ordinary user becomes root in a user namespace."""
    user = [] if os.geteuid() == 0 else ["--unshare-user", "--uid", "0", "--gid", "0"]
    return [*user, "--unshare-pid", "--die-with-parent"]


def need() -> None:
    """Fails if bubblewrap can't make a sandbox here; installs it first, where that is allowed."""
    need_tools({"bwrap": "bubblewrap"})
    probe(bubblewrap())


@functools.cache
def works() -> bool:
    """Whether bubblewrap is there and can make a sandbox."""
    return bool(shutil.which("bwrap")) and not refused(bubblewrap())


def bubblewrap() -> tuple[str, ...]:
    """A command that makes a sandbox like those in which all is run."""
    host = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    return ("bwrap", *bwrap_options(), *host)


def probe(command: tuple[str, ...]) -> None:
    """Fails if a command can't make a sandbox on this machine."""
    why = refused(command)
    if why:
        said = "; ".join([f"{command[0]} can't make a sandbox here ({why})", *remedies()])
        raise Fail(f"{said}; or use TOOLCHAIN=host")


@functools.cache
def refused(command: tuple[str, ...]) -> str:
    """What a command that makes a sandbox says if it can't; empty if it can."""
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    said = tried.stderr.strip().splitlines() or ["no reason given"]
    return said[0] if tried.returncode else ""


def remedies(top: Path = Path("/")) -> list[str]:
    """What mends it, as far as the files below `top` show why a sandbox is refused."""
    for refusal in REFUSALS:
        try:
            text = (top / refusal.file).read_text(errors="replace")
        except OSError:
            continue
        if re.search(refusal.sign, text) and (refusal.root or os.geteuid() != 0):
            return [refusal.remedy]
    return []


def need_tools(packages: Mapping[str, str]) -> None:
    """Installs the packages of those tools that this machine lacks, where that is allowed."""

    def missing() -> list[str]:
        return [package for tool, package in packages.items() if not shutil.which(tool)]

    if not missing():
        return
    install = "apt-get install -y --no-install-recommends"
    command = f"apt-get update && {install} {' '.join(missing())}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Fail(f"this machine has no {' and no '.join(missing())}; as root: {command}")
    with places.lock("packages"):
        if names := ", ".join(missing()):
            messages.say(f"      installing {names} on this machine")
            process.run_logged(
                ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command],
                places.logs() / "host-packages.log",
                f"installing {names}",
            )
