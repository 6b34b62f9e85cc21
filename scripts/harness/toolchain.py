# SPDX-License-Identifier: GPL-2.0

"""Stage 1: a root with rustc, clang, QEMU and all else from Debian's packages.

The root is made by mmdebstrap and entered by bubblewrap, so any host gets the same toolchain and
nothing of the host's takes part. TOOLCHAIN=host uses the host's own tools instead.
"""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import messages
from harness import places
from harness import process
from harness.messages import Fail

SUITE = "trixie"

# The kernel's build, kunit.py and the guest; then what `make lint` runs; then what the other
# commands do: the bench's plots, the tests in user land, DKMS, the debugger, the editor.
PACKAGES = (
    "bc",
    "bindgen",
    "bison",
    "bpftool",
    "busybox-static",
    "clang",
    "dpkg-dev",
    "flex",
    "gcc",
    "kmod",
    "libc6-dev",
    "libclang-dev",
    "libdw-dev",
    "libelf-dev",
    "libssl-dev",
    "lld",
    "llvm",
    "make",
    "pahole",
    "opensbi",
    "perl",
    "python3",
    "python3-pyelftools",
    "qemu-system-arm",
    "qemu-system-riscv",
    "qemu-system-x86",
    "rust-src",
    "rustc",
    "xz-utils",
    "flake8",
    "mypy",
    "rust-clippy",
    "rustfmt",
    "shellcheck",
    "cargo",
    "dkms",
    "gdb",
    "gnuplot-nox",
    "libclang-rt-dev",
    "openssl",
    "rust-analyzer",
)

# Documentation of packages, and all of rust-src but the library that the kernel builds `core` from.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/src/rustc-*/*",
    "path-include=/usr/src/rustc-*/library/*",
)

# Kernel sources newer than the release's own are in its backports: the same line, another suite.
BACKPORTS_HOOK = (
    f"sed -n 's/ {SUITE} main/ {SUITE}-backports main/p; T; s/^deb/deb-src/p'"
    ' "$1/etc/apt/sources.list" >"$1/etc/apt/sources.list.d/backports.list"'
)

# What apt is told in the root, where it runs as the one user.
APT = "-q -o APT::Sandbox::User=root"

GIGABYTES = 8

PASSED_ON = ("TERM", "http_proxy", "https_proxy", "no_proxy")


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
        host's own tools this takes bubblewrap. `at` has directories of the host that take the place
        of others, and can be written to.
        """
        variables = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        if self.root is None:
            fresh = ["-u", "MAKEFLAGS", "-u", "MAKELEVEL"]
            words = ["--bind", "/", "/"]
        else:
            fresh = ["-i"]
            words = ["--bind", str(self.root), "/"]
            variables |= {"PATH": "/usr/sbin:/usr/bin", "HOME": "/tmp", "TMPDIR": "/tmp"}
            variables |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        inside = [
            "env",
            *fresh,
            *[f"{name}={value}" for name, value in variables.items()],
            *command,
        ]
        if self.root is None and not shutil.which("bwrap"):
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
        return ["bwrap", *bwrap_options(), *words, "--chdir", str(cwd or "/"), *inside]

    def hides_kvm(self) -> bool:
        """Whether a command that is run without `kvm` has no KVM."""
        return self.root is not None or bool(shutil.which("bwrap")) or not has_kvm()

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
        known = self.root / "compilers" if self.root else None
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


def bwrap_options() -> list[str]:
    """What bubblewrap is told in any case; an ordinary user becomes root in a user namespace."""
    user = [] if os.geteuid() == 0 else ["--unshare-user", "--uid", "0", "--gid", "0"]
    return [*user, "--unshare-pid", "--die-with-parent"]


def provide() -> Toolchain:
    """The toolchain that TOOLCHAIN names; the root is made if there is none."""
    wanted = os.environ.get("TOOLCHAIN") or "root"
    if wanted not in ("root", "host"):
        raise Fail(
            f"TOOLCHAIN={wanted} is unknown; it is root (made from Debian's packages, the"
            " default) or host (this machine's own)"
        )
    if platform.machine() != "x86_64":
        raise Fail(f"this machine is {platform.machine()}; only x86_64 is supported")
    return host() if wanted == "host" else root()


def host() -> Toolchain:
    """The host's own tools, if they can build Rust for the kernel."""
    needed = ("rustc", "bindgen", "clang", "ld.lld", "llvm-nm", "make", "flex", "bison", "bc")
    missing = [tool for tool in needed if not shutil.which(tool)]
    if missing:
        raise Fail(
            f"TOOLCHAIN=host: this machine has no {', '.join(missing)}; install what is"
            " missing, or leave TOOLCHAIN unset"
        )
    bare = Toolchain(None, "")
    sysroot = Path(bare.output(["rustc", "--print", "sysroot"]))
    if not (sysroot / "lib/rustlib/src/rust/library/core/src/lib.rs").exists():
        raise Fail(
            "TOOLCHAIN=host: the host's rustc has no rust-src, which the kernel builds `core`"
            " from; install it (`rustup component add rust-src`), or leave TOOLCHAIN unset"
        )
    versions = [bare.output([tool, "--version"]) for tool in ("rustc", "bindgen", "clang")]
    return Toolchain(None, places.key("host", *versions))


def root() -> Toolchain:
    """The root in the cache; made if it isn't there."""
    name = places.key(SUITE, *PACKAGES, *DPKG_OPTIONS, BACKPORTS_HOOK)
    where = places.cache() / "toolchain" / name
    if not where.is_dir():
        with places.lock("toolchain"):
            if not where.is_dir():
                preflight()
                with places.publish(where) as part:
                    make_root(part)
    return Toolchain(where, name)


def with_packages(base: Toolchain, packages: Sequence[str], suite: str = SUITE) -> Toolchain:
    """A root that has more packages than the one which all else does with.

    Its files are links to those of that one, which dpkg replaces and does not change. What is to
    come from another `suite` than the root's own says so (`dkms/bookworm`), and may be older.
    """
    assert base.root
    name = places.key(base.key, *packages)
    where = places.cache() / "toolchain" / name
    if not where.is_dir():
        with places.lock("toolchain"):
            if not where.is_dir():
                with places.publish(where) as part:
                    part.rmdir()
                    add_packages(base.root, part, packages, suite)
    return Toolchain(where, name)


def add_packages(base: Path, part: Path, packages: Sequence[str], suite: str) -> None:
    """Makes a root of links to another's files, and installs packages in it."""
    messages.say(f"      installing {', '.join(packages)} in a copy of the toolchain's root")
    log = places.logs() / "toolchain.log"
    process.run_logged(["cp", "-al", str(base), str(part)], log, "copying the toolchain's root")
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


def preflight() -> None:
    """Finds out in a second what would fail in a minute."""
    places.need_space(GIGABYTES, "a cold start (toolchain, kernel source, kernel)")
    packages = {"mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
    if os.geteuid() != 0:
        packages["newuidmap"] = "uidmap"
    missing = [package for tool, package in packages.items() if not shutil.which(tool)]
    if missing:
        install(missing)

    if os.geteuid() != 0:
        user = os.environ.get("USER") or str(os.geteuid())
        names = (user, str(os.geteuid()))
        entries = Path("/etc/subuid").read_text() if Path("/etc/subuid").exists() else ""
        if not any(line.split(":")[0] in names for line in entries.splitlines()):
            raise Fail(
                f"/etc/subuid has no entry for {user}, which mmdebstrap needs; as root:"
                f" usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            )
    remedy = (
        "allow user namespaces (as root: sysctl kernel.unprivileged_userns_clone=1"
        " user.max_user_namespaces=10000), or use TOOLCHAIN=host"
    )
    probe(
        "bubblewrap", ["bwrap", *bwrap_options(), "--ro-bind", "/", "/", "--proc", "/proc"], remedy
    )
    if os.geteuid() != 0:
        probe("mmdebstrap", ["mmdebstrap", "--unshare-helper"], remedy)


def probe(tool: str, command: list[str], remedy: str) -> None:
    """Tries whether a tool can make a sandbox on this host."""
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        why = tried.stderr.strip().splitlines() or ["no reason given"]
        raise Fail(f"{tool} can't make a sandbox here ({why[0]}); {remedy}")


def install(packages: list[str]) -> None:
    """Installs what the host lacks, where that is allowed."""
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Fail(f"this machine has no {' and no '.join(packages)}; as root: {command}")
    messages.say(f"      installing {', '.join(packages)} on this machine")
    process.run_logged(
        ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command],
        places.logs() / "host-packages.log",
        f"installing {', '.join(packages)}",
    )


def make_root(part: Path) -> None:
    """Makes the root in `part`, all files of which come to belong to the user."""
    log = places.logs() / "toolchain.log"
    messages.say(f"      Debian {SUITE} with rustc, clang and QEMU, about 2 GB; log: {log}")
    mirror = os.environ.get("DEBIAN_MIRROR")
    mode = [] if os.geteuid() == 0 else ["--mode=unshare"]
    bootstrap = [
        "mmdebstrap",
        *mode,
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(PACKAGES)}",
        f"--setup-hook={BACKPORTS_HOOK}",
        *[f"--dpkgopt={option}" for option in DPKG_OPTIONS],
        SUITE,
        "-",
        *([mirror] if mirror else []),
    ]
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-C", str(part)]
    # One shell for the pipe: it fails if either of the two does.
    pipe = [
        "bash",
        "-o",
        "pipefail",
        "-c",
        '"${@:1:$0}" | "${@:$0+1}"',
        str(len(bootstrap)),
        *bootstrap,
        *unpack,
    ]

    progress = messages.Progress()

    def on_line(line: str) -> None:
        if told := re.match(r"I: (.*?)(?:\.\.\.)?$", line):
            progress.show(told[1])

    process.run_logged(pipe, log, "making the toolchain's root", on_line)
    progress.end("toolchain made")
