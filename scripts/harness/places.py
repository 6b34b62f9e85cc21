# SPDX-License-Identifier: GPL-2.0

"""Where things are: the checkout, the module's directory, the cache and what is in it."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.messages import Fail, say


def checkout() -> Path:
    """The top directory of the project that the harness is a part of."""
    return Path(__file__).resolve().parents[2]


def module_dir() -> Path:
    """The directory of the modules that M= names; by default the checkout."""
    named = os.environ.get("M")
    return Path(named).resolve() if named else checkout()


def check_module_dir() -> None:
    """Fails if M= names nothing that the kernel's build could build."""
    named = os.environ.get("M")
    if not named:
        return
    if not module_dir().is_dir():
        raise Fail(f"M={named}: there is no such directory")
    if not any((module_dir() / name).is_file() for name in ("Kbuild", "Makefile")):
        raise Fail(
            f"M={named} has no Kbuild and no Makefile; name the directory of an out-of-tree module,"
            " as for the kernel's build"
        )


def shown_module_dir() -> str:
    """The words by which a message names the directory of the modules: as a user would for make."""
    return f"M={os.environ['M']}" if os.environ.get("M") else "this checkout"


def cache() -> Path:
    """Where everything goes that is downloaded or built; it exists."""
    named = os.environ.get("RUST_ALLOC_DEMO_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    path = Path(named) if named else Path(base).expanduser() / "rust_alloc_demo"
    if any(char in str(path.absolute()) for char in " :"):
        raise Fail(
            f"the cache directory {path} has a blank or a colon in its name, which the"
            " kernel's build can't take; set RUST_ALLOC_DEMO_CACHE to another"
        )
    path = path.absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def results(stage: str, of: Path | None = None) -> Path:
    """Where a stage keeps what it made for the modules of a directory; it exists."""
    path = cache() / stage / key(str(of or module_dir()))
    path.mkdir(parents=True, exist_ok=True)
    return path


def logs() -> Path:
    """Where the complete logs of these modules are; it exists."""
    return results("logs")


def key(*parts: str) -> str:
    """A short digest of what something is made from, to keep it under."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Keeps other runs out of what is made under this name; waits for one that is at it."""
    folder = cache() / "lock"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"      waiting for process {file.read().strip() or '?'}, also at {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def publish(final: Path) -> Iterator[Path]:
    """Gives an empty directory that becomes `final` if all goes well. The caller holds a lock.

    What an interrupted run left is removed, so nothing half made is ever taken for finished.
    """
    part = final.with_name(f".{final.name}.part")
    remove(part)
    part.mkdir(parents=True)
    try:
        yield part
        remove(final)
        part.rename(final)
    finally:
        remove(part)


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """An empty directory in the cache, which is gone afterwards."""
    base = cache() / "run"
    base.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=base) as folder:
        yield Path(folder)


def remove(path: Path) -> None:
    """Removes a directory of ours, also where a package made parts of it read-only."""
    if not path.is_dir():
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path)


def need_space(gigabytes: int, what: str) -> None:
    """Fails if there is less free space in the cache than `what` takes."""
    free = shutil.disk_usage(cache()).free
    if free < gigabytes << 30:
        raise Fail(
            f"{what} needs about {gigabytes} GB in {cache()}, which has {free >> 30} GB free;"
            " make room, or set RUST_ALLOC_DEMO_CACHE to a directory elsewhere"
        )
