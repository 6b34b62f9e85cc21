# SPDX-License-Identifier: GPL-2.0

"""Stage 1: a root with rustc, clang, QEMU and all else from Debian's packages.

The root is made by mmdebstrap and entered by bubblewrap, so any host gets the same toolchain and
nothing of the host's takes part. TOOLCHAIN=host uses the host's own tools instead.
"""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import bootstrap
from harness import environment
from harness import messages
from harness import own_tools
from harness import places
from harness import process
from harness import sandbox
from harness.arch import Arch
from harness.bootstrap import APT, SUITE
from harness.flavour import PLAIN, Flavour
from harness.messages import Fail

# Where things are in the root.
PLACES = {"PATH": "/usr/sbin:/usr/bin", "HOME": "/tmp", "TMPDIR": "/tmp"}

# A file of a root that has the versions of its compilers.
COMPILERS = "compilers"


@dataclass(frozen=True)
class Toolchain:
    """Where commands run: in the root, or on the host if `root` is None."""

    root: Path | None
    key: str

    def argv(
        self,
        command: Sequence[str],
        *,
        ro: Sequence[Path] = (),
        rw: Sequence[Path] = (),
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        at: Mapping[str, Path] | None = None,
        kvm: bool = False,
        network: bool = False,
    ) -> list[str]:
        """The command line that runs `command`, with these paths of the host where they are there.

        In the root all else of the host is out of reach; with `network` the root itself can be
        written to, for apt. /dev/kvm is hidden unless `kvm`, and `ro` can't be written to; with the
        host's own tools this takes bubblewrap that works. `at` has directories of the host that
        take the place of others, and can be written to.
        """
        host = self.root is None
        variables = {
            **environment.passed_on(own=host),
            **({"PATH": own_tools.path()} if host else PLACES),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **(env or {}),
        }
        words = ["--bind", str(self.root or "/"), "/"]
        inside = [
            *["env", "-i"],
            *[f"{name}={value}" for name, value in variables.items()],
            *command,
        ]
        if host and not sandbox.works():
            return [*inside[:1], *([f"--chdir={cwd}"] if cwd else []), *inside[1:]]

        words += ["--dev", "/dev", "--proc", "/proc"]
        if self.root is not None:
            words += ["--tmpfs", "/tmp"]
        for option, paths in (("--ro-bind", ro), ("--bind", rw)):
            for path in dict.fromkeys(paths):
                words += [option, str(path), str(path)]
        for place, path in (at or {}).items():
            words += ["--bind", str(path), place]
        if kvm:
            words += ["--dev-bind", "/dev/kvm", "/dev/kvm"]
        if network:
            words += ["--ro-bind", str(Path("/etc/resolv.conf").resolve()), "/etc/resolv.conf"]
        elif self.root is not None:
            words += ["--unshare-net", "--remount-ro", "/"]
        return ["bwrap", *sandbox.bwrap_options(), *words, "--chdir", str(cwd or "/"), *inside]

    def hides_kvm(self) -> bool:
        """Whether a command that is run without `kvm` has no KVM."""
        return self.root is not None or sandbox.works() or not has_kvm()

    def output(
        self, command: Sequence[str], *, ro: Sequence[Path] = (), rw: Sequence[Path] = ()
    ) -> str:
        """What a short command prints; empty if it fails."""
        done = subprocess.run(
            self.argv(command, ro=ro, rw=rw),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    def compilers(self) -> str:
        """What a kernel's build depends on: the versions of the compilers.

        A root has the same for good, and keeps them in a file: every command asks for them.
        """
        known = self.root / COMPILERS if self.root else None
        if known and known.exists():
            return known.read_text()
        tools = ("rustc", "bindgen", "clang", "pahole")
        found = self.output(["sh", "-c", "; ".join(f"{tool} --version" for tool in tools)])
        if known and found:
            part = known.with_name(f".{known.name}.{os.getpid()}")
            part.write_text(found)
            part.rename(known)
        return found

    def has(self, tool: str) -> bool:
        """Whether it has a program of this name."""
        return bool(self.output(["sh", "-c", 'command -v "$0"', tool]))

    def rustc(self) -> str:
        """The version of its rustc, as the kernel's CONFIG_RUSTC_VERSION_TEXT has it."""
        return self.output(["rustc", "--version"])


def has_kvm() -> bool:
    """Whether this user can open /dev/kvm; whether guests run under it is another matter."""
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def provide(arch: Arch | None = None, flavour: Flavour = PLAIN, wanted: str = "") -> Toolchain:
    """The toolchain that is `wanted`, or that TOOLCHAIN names, or that such a kernel takes; in a
    root is what its guests take as well. A root is made if it isn't there."""
    newer = next((one.name for one in (arch, flavour) if one and one.backports), "")
    wanted = wanted or os.environ.get("TOOLCHAIN") or ("backports" if newer else "root")
    ways = {"root": root, "backports": backports, "host": host}
    if wanted not in ways:
        raise Fail(
            f"TOOLCHAIN={wanted} is unknown; it is root (made from Debian's packages, the default),"
            " backports (the same with the newest rustc that Debian has for it) or host (this"
            " machine's own)"
        )
    if newer and wanted == "root":
        raise Fail(f"{newer} takes a newer rustc than TOOLCHAIN=root has; leave it unset")
    if platform.machine() != "x86_64":
        raise Fail(f"this machine is {platform.machine()}; only x86_64 is supported")
    found = ways[wanted]()
    return with_packages(found, arch.packages) if arch and arch.packages and found.root else found


def host() -> Toolchain:
    """The host's own tools, if they can build Rust for the kernel."""
    own_tools.need()
    bare = Toolchain(None, "")
    sysroot = Path(bare.output(["rustc", "--print", "sysroot"]))
    if not (sysroot / "lib/rustlib/src/rust/library/core/src/lib.rs").exists():
        raise Fail(
            "TOOLCHAIN=host: the host's rustc has no rust-src, which the kernel builds `core`"
            " from; install it (`rustup component add rust-src`), or leave TOOLCHAIN unset"
        )
    versions = [bare.output([tool, "--version"]) for tool in ("rustc", "bindgen", "clang")]
    return Toolchain(None, places.key("host", *versions, *own_tools.named().values()))


def root() -> Toolchain:
    """The root in the cache; made if it isn't there."""
    sandbox.need()

    def fill(part: Path) -> None:
        bootstrap.preflight()
        bootstrap.make_root(part)

    name = places.key(*bootstrap.MADE_OF)
    return Toolchain(places.kept(places.stage("toolchain") / name, "toolchain", fill), name)


def backports() -> Toolchain:
    """The root with the newest rustc of its release's backports, as rolling distributions have."""
    return with_packages(root(), [f"{name}/{bootstrap.BACKPORTS}" for name in bootstrap.RUST])


def with_packages(base: Toolchain, packages: Sequence[str], suite: str = SUITE) -> Toolchain:
    """A root that has more packages than the one which all else does with.

    Its files are links to those of that one, which dpkg replaces and does not change. What is to
    come from another `suite` than the root's own says so (`dkms/bookworm`), and may be older.
    """
    name = places.key(base.key, *packages)
    where = places.stage("toolchain") / name
    places.kept(where, "toolchain", lambda part: add_packages(base, part, packages, suite))
    return Toolchain(where, name)


def add_packages(base: Toolchain, part: Path, packages: Sequence[str], suite: str) -> None:
    """Makes a root of links to another's files, and installs packages in it."""
    assert base.root
    part.rmdir()
    messages.say(f"      installing {', '.join(packages)} in a copy of the toolchain's root")
    log = places.logs() / "toolchain.log"
    copy = ["cp", "-al", str(base.root), str(part)]
    process.run_logged(copy, log, "copying the toolchain's root")
    (part / COMPILERS).unlink(missing_ok=True)
    apt = f"apt-get {APT} -o Dpkg::Use-Pty=0"
    install_ = f"{apt} install -y --no-install-recommends --allow-downgrades {' '.join(packages)}"
    lists = "/etc/apt/sources.list"
    add = f"sed -n 's/ {SUITE} main/ {suite} main/p' {lists} >{lists}.d/{suite}.list"
    commands = [*[add] * (suite != SUITE), f"{apt} update", install_, f"{apt} clean"]
    argv = Toolchain(part, "").argv(
        ["sh", "-e", "-c", "; ".join(commands)],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        network=True,
    )
    process.run_logged(argv, log, f"installing {', '.join(packages)}")
