# SPDX-License-Identifier: GPL-2.0

"""Where things are: the checkout, the module's directory, the cache and what is in it."""

import contextlib
import fcntl
import functools
import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.messages import Fail, say

# What makes room for the cache.
ELSEWHERE = "set RUST_ALLOC_DEMO_CACHE to a directory elsewhere"

# The stages, each of which has a folder in the cache; no other folder there is ours.
STAGES = (
    "archive",
    "bench",
    "busybox",
    "cargo",
    "debian",
    "init",
    "joined",
    "kernel",
    "kernelci",
    "kvm",
    "lock",
    "logs",
    "matrix",
    "metadata",
    "module",
    "mutants",
    "npm",
    "paths",
    "run",
    "rustdoc",
    "source",
    "toolchain",
)

# Of a full file system this much may still be free, in bytes.
FULL = 16 << 20


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
    """Where everything goes that is downloaded or built; it exists, and has one name only."""
    return opened(named_cache())


@functools.cache
def opened(path: Path) -> Path:
    """A cache directory by its one name; made if it isn't there, and seen to be writable."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            first = filled_at(path)
    except OSError as error:
        raise Fail(
            f"the cache directory {path} can't be written to ({error.strerror}); {ELSEWHERE}"
        ) from error
    return first if first.is_dir() and first.samefile(path) else path


def named_cache() -> Path:
    """The cache directory that the variables name."""
    names = ("RUST_ALLOC_DEMO_CACHE", "XDG_CACHE_HOME", "HOME")
    return chosen(*(os.environ.get(name, "") for name in names))


@functools.cache
def chosen(named: str, base: str, home: str) -> Path:
    """The cache directory by the values of the variables."""
    if base and not base.startswith("/"):
        say(f"notice: XDG_CACHE_HOME={base} is not an absolute path, and is ignored therefore")
        base = ""
    path = Path(named or base or home_of(home) / ".cache").absolute()
    path = path if named else path / "rust_alloc_demo"
    if any(char in str(path) for char in " :"):
        raise Fail(
            f"the cache directory {path} has a blank or a colon in its name, which the kernel's"
            f" build can't take; {ELSEWHERE}"
        )
    return path


def home_of(named: str) -> Path:
    """The user's home directory, that HOME names or else the password database."""
    with contextlib.suppress(KeyError):
        named = named or pwd.getpwuid(os.getuid()).pw_dir
    if not named.startswith("/") or named.strip("/") == "":
        raise Fail(
            f"this user's home directory is {named or 'unknown'}, where no cache belongs;"
            f" {ELSEWHERE}"
        )
    return Path(named)


def filled_at(path: Path) -> Path:
    """The path that a cache directory had when it was first used, which is kept in a file of it."""
    file = path / "paths" / "first"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent) as part:
            part.write(str(path))
            part.flush()
            # Whoever is first stays it.
            with contextlib.suppress(FileExistsError):
                os.link(part.name, file)
    return Path(file.read_text())


def stage(name: str) -> Path:
    """The folder of a stage, one of STAGES, in the cache; it need not be there yet."""
    if name not in STAGES:
        raise ValueError(f"{name} is not in STAGES, so distclean would leave it")
    return cache() / name


def bound(name: str) -> Path:
    """Where a stage keeps what has the cache's path in it, as build directories have.

    A cache may be filled at one path and used at another, as CI restores it, or a container has it.
    That is good for all but this, of which each path has its own.
    """
    path = cache()
    first = filled_at(path)
    if first == path:
        return stage(name)
    own = path / "paths" / key(str(path))
    if not own.is_dir():
        with lock("paths"):
            if not own.is_dir():
                say(
                    f"      this cache was filled as {first}, and is {path} now: kernels and"
                    " modules that were built have the one path in them, and are made anew for the"
                    " other"
                )
                own.mkdir()
    return own / name


def results(name: str, of: Path | None = None) -> Path:
    """Where a stage keeps what it made for the modules of a directory; it exists."""
    path = stage(name) / key(str(of or module_dir()))
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
    folder = stage("lock")
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


def kept(final: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """The directory `final`; made by `fill`, which is given it empty, if it isn't there. Who else
    asks for it meanwhile, or for another under the same name of a lock, waits."""
    if not final.is_dir():
        with lock(name):
            if not final.is_dir():
                with publish(final) as part:
                    fill(part)
    return final


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """An empty directory in the cache, which is gone afterwards."""
    base = stage("run")
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
            f" make room, or {ELSEWHERE}"
        )


def full() -> str:
    """What to say of a full disk: which of the directories that are written to is on it."""
    temporary = Path(os.environ.get("TMPDIR") or "/tmp")
    remedies = {named_cache(): ELSEWHERE, temporary: "set TMPDIR to a directory elsewhere"}
    for directory, remedy in remedies.items():
        disk = os.statvfs(directory)
        if disk.f_bavail * disk.f_frsize < FULL or disk.f_files and not disk.f_favail:
            return f"the file system of {directory} is full; make room there, or {remedy}"
    return (
        f"it is not the file system of {', nor of '.join(map(str, remedies))}; in the toolchain's"
        " root /tmp is in memory"
    )
