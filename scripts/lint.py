# SPDX-License-Identifier: GPL-2.0

"""`make lint`: the kernel's own checks on the sources, and the usual ones on the scripts."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cargo
import common
import kernel as kernels
import module
from common import Fail
from kernel import Kernel

STEPS = 3
LINE = 100

# The roots of the crates: rustfmt follows their `mod` lines, and each file is named once.
CRATES = (
    "rust_alloc_demo.rs",
    "bench/bench.rs",
    "tests-kunit/suites.rs",
    "tests-kunit/faults/rust_alloc_demo_fault.rs",
    "host/examples/report.rs",
    "host/fuzz/fuzz_targets/operations.rs",
    "host/kernel/src/lib.rs",
    "host/kernel/tests/stand_in.rs",
    "host/src/lib.rs",
    "host/tests/global.rs",
)
SHELL = ("tests-kunit/init", "tests-kunit/uml", "dkms.conf", "scripts/dkms-preflight", ".ci/run")

# What does not apply to a tree that is not the kernel's: its maintainers' file and its line length.
CHECKPATCH = (
    "--no-tree",
    "--terse",
    "--no-summary",
    "--show-types",
    "--strict",
    f"--max-line-length={LINE}",
    "--ignore=FILE_PATH_CHANGES",
)


def tracked(top: Path) -> list[str]:
    """The files of the project: those that git knows and those that it would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise Fail(
            "make lint works on a git checkout; git can't read this one:"
            f" {listed.stderr.strip()}"
        )
    return [name for name in sorted(set(listed.stdout.splitlines())) if (top / name).exists()]


def check(kernel: Kernel, name: str, command: Sequence[str], top: Path) -> bool:
    """Runs one check in the toolchain and shows what it found."""
    source = [kernel.source] if kernel.source else []
    path = f"{top / 'scripts'}:{top / 'scripts/tests'}:{kunit_path(kernel)}"
    argv = kernel.toolchain.argv(
        command,
        ro=[top, *source],
        cwd=top,
        env={"PYTHONPATH": path, "MYPYPATH": path},
    )
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = "\n".join(line for line in done.stdout.splitlines() if not harmless(line))
    good = done.returncode == 0
    common.say(f"      {name}: {'ok' if good else 'FAILED'}")
    if not good:
        print(found, file=sys.stderr)
    return good


def harmless(line: str) -> bool:
    """rustfmt says on a stable toolchain that the kernel's configuration is partly for nightly."""
    return line.startswith("Warning: can't set")


def kunit_path(kernel: Kernel) -> Path:
    """Where the kernel's kunit.py and its modules are."""
    return (kernel.source or Path("/")) / "tools/testing/kunit"


def spdx(top: Path, names: Sequence[str]) -> bool:
    """Whether each file says its licence on one of its first two lines."""
    bare = [
        name
        for name in names
        if name != "LICENSE"
        and "SPDX-License-Identifier: GPL-2.0"
        not in "".join((top / name).read_text(errors="replace").splitlines(True)[:2])
    ]
    common.say(f"      SPDX lines: {'FAILED' if bare else 'ok'}")
    for name in bare:
        print(f"{name}: no SPDX line", file=sys.stderr)
    return not bare


def clippy(kernel: Kernel) -> bool:
    """Builds everything anew with clippy; warnings of objtool and modpost are errors as well."""
    try:
        module.build(kernel, clippy=True, werror=True, bench=True)
        module.build(kernel, werror=True, bench=True)
        good = True
    except Fail as fail:
        print(fail, file=sys.stderr)
        good = False
    common.say(f"      clippy, rustc, objtool, modpost: {'ok' if good else 'FAILED'}")
    return good


def host_clippy(kernel: Kernel) -> bool:
    """Checks what is in host/, for each interface of the slab."""
    cargo.fetch(kernel.toolchain)
    good = True
    for api in cargo.APIS:
        words = ["clippy", "--workspace", "--all-targets", "--locked", "--offline", "--quiet"]
        argv = cargo.argv(kernel.toolchain, [*words, "--", "-Dwarnings"], api)
        log = common.logs() / f"host-clippy-{api}.log"
        try:
            common.run_logged(argv, log, f"clippy of {api}", quoting=False)
        except Fail as fail:
            print(log.read_text(), fail, sep="", file=sys.stderr)
            good = False
    common.say(f"      clippy of host/: {'ok' if good else 'FAILED'}")
    return good


def main() -> None:
    """Runs all checks, also after one that failed."""
    top = common.checkout()
    kernel = kernels.select(1, STEPS, need_kunit=True, need_image=False)
    if kernel.source is None:
        raise Fail(
            "make lint uses rustfmt's settings and checkpatch of the kernel's source tree, which"
            " KDIR= doesn't lead to"
        )
    names = tracked(top)
    python = [name for name in names if name.endswith(".py")]
    sources = [name for name in names if name.endswith((".rs", ".c", ".h"))]
    common.step(3, STEPS, "checks")
    good = [
        check(
            kernel,
            "rustfmt",
            [
                "rustfmt",
                "--check",
                "--edition=2021",
                "--config-path",
                str(kernel.source / ".rustfmt.toml"),
                *CRATES,
            ],
            top,
        ),
        check(kernel, "shellcheck", ["shellcheck", *SHELL], top),
        check(
            kernel,
            "flake8",
            ["flake8", f"--max-line-length={LINE}", "--extend-ignore=E203", *python],
            top,
        ),
        check(kernel, "mypy", ["mypy", "--strict", "--cache-dir=/dev/null", "scripts"], top),
        check(
            kernel,
            "checkpatch",
            [
                str(kernel.source / "scripts/checkpatch.pl"),
                *CHECKPATCH,
                "-f",
                *sources,
            ],
            top,
        ),
        spdx(top, names),
        clippy(kernel),
        host_clippy(kernel),
    ]
    if not all(good):
        raise Fail(f"{good.count(False)} of {len(good)} checks failed, see above")


if __name__ == "__main__":
    common.main(main)
