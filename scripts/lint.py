# SPDX-License-Identifier: GPL-2.0

"""`make lint`: the kernel's own checks on modules' sources, and the usual ones on shell scripts.

For this project also what is in Python and in user land.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cargo
import ci
import own
from harness import command
from harness import messages
from harness import module
from harness import places
from harness import process
from harness import selection
from harness import variables
from harness.kernel import Kernel
from harness.kernel import Needs
from harness.messages import Fail

STEPS = 3
LINE = 100

# Reads each file by itself: rustfmt would follow `mod` lines, and look for them from a crate's
# root. What it makes of standard input it doesn't compare.
RUSTFMT = """
config=$1; shift; bad=0
for file; do
    rustfmt --edition=2021 --config-path "$config" <"$file" 2>/tmp/said >/tmp/made || cat /tmp/said
    diff -u --label "$file" --label formatted "$file" /tmp/made || bad=1
done
exit $bad
"""

SHEBANGS = ("#!/bin/sh", "#!/bin/bash", "#!/bin/busybox sh")

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
    """The files below a directory that are somebody's work: those that git knows and those that it
    would take; where git knows of nothing, all that may be sources."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else list(module.sources(top))
    return [name for name in sorted(set(names)) if (top / name).is_file()]


def check(kernel: Kernel, name: str, command: Sequence[str], top: Path) -> bool:
    """Runs one check in the toolchain and shows what it found."""
    source = [kernel.source] if kernel.source else []
    scripts = places.checkout() / "scripts"
    path = f"{scripts}:{scripts / 'tests'}:{kunit_path(kernel)}"
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
    messages.say(f"      {name}: {'ok' if good else 'FAILED'}")
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
    """Whether each file says its licence on one of its first three lines."""
    bare = [
        name
        for name in names
        if name != "LICENSE"
        and "SPDX-License-Identifier: GPL-2.0"
        not in "".join((top / name).read_text(errors="replace").splitlines(True)[:3])
    ]
    messages.say(f"      SPDX lines: {'FAILED' if bare else 'ok'}")
    for name in bare:
        print(f"{name}: no SPDX line", file=sys.stderr)
    return not bare


def ci_files() -> bool:
    """Whether the files for CI are those that `make ci` writes."""
    stale = ci.stale()
    messages.say(f"      files for CI: {'FAILED' if stale else 'ok'}")
    for name in stale:
        print(f"{name}: not as the table of cells has it; make ci writes it", file=sys.stderr)
    return not stale


def clippy(kernel: Kernel) -> bool:
    """Builds everything anew with clippy; warnings of objtool and modpost are errors as well."""
    try:
        more = own.everything()
        module.build(kernel, clippy=True, werror=True, more=more)
        module.build(kernel, werror=True, more=more)
        for top in own.apart(kernel):
            module.build(kernel, clippy=True, werror=True, top=top)
        good = True
    except Fail as fail:
        print(fail, file=sys.stderr)
        good = False
    messages.say(f"      clippy, rustc, objtool, modpost: {'ok' if good else 'FAILED'}")
    return good


def host_clippy(kernel: Kernel) -> bool:
    """Checks what is in host/, for each interface of the slab."""
    cargo.fetch(kernel.toolchain)
    good = True
    for api in cargo.APIS:
        words = ["clippy", "--workspace", "--all-targets", "--locked", "--offline", "--quiet"]
        argv = cargo.argv(kernel.toolchain, [*words, "--", "-Dwarnings"], api)
        log = places.logs() / f"host-clippy-{api}.log"
        try:
            process.run_logged(argv, log, f"clippy of {api}", quoting=False)
        except Fail as fail:
            print(log.read_text(), fail, sep="", file=sys.stderr)
            good = False
    messages.say(f"      clippy of host/: {'ok' if good else 'FAILED'}")
    return good


def is_shell(file: Path) -> bool:
    """Whether a file is a shell script, by its first line or what it says to shellcheck."""
    head = file.read_bytes()[:200].decode(errors="replace")
    return head.startswith(SHEBANGS) or "# shellcheck shell=" in head


def modules_checks(kernel: Kernel, top: Path, names: Sequence[str]) -> list[bool]:
    """The checks on the sources of modules."""
    assert kernel.source
    rust = [name for name in names if name.endswith(".rs")]
    sources = [name for name in names if name.endswith((".rs", ".c", ".h"))]
    shell = [name for name in names if is_shell(top / name)]
    config = str(kernel.source / ".rustfmt.toml")
    checkpatch = str(kernel.source / "scripts/checkpatch.pl")
    good = []
    for what, argv, files in (
        ("rustfmt", ["bash", "-c", RUSTFMT, "rustfmt", config], rust),
        ("shellcheck", ["shellcheck"], shell),
        ("checkpatch", [checkpatch, *CHECKPATCH, "-f"], sources),
    ):
        if files:
            good.append(check(kernel, what, [*argv, *files], top))
    return good


def own_checks(kernel: Kernel, top: Path, names: Sequence[str]) -> list[bool]:
    """The checks on what this project has beside modules."""
    python = [name for name in names if name.endswith(".py")]
    flake8 = ["flake8", f"--max-line-length={LINE}", "--extend-ignore=E203", *python]
    mypy = ["mypy", "--strict", "--explicit-package-bases", "--cache-dir=/dev/null", "scripts"]
    return [
        check(kernel, "flake8", flake8, top),
        check(kernel, "mypy", mypy, top),
        spdx(top, names),
        ci_files(),
        host_clippy(kernel),
    ]


def main() -> None:
    """Runs all checks, also after one that failed."""
    variables.takes("lint", *variables.KERNEL, "M", "V")
    top = places.module_dir()
    kernel = selection.select(1, STEPS, Needs(rust=module.has_rust()))
    if kernel.source is None:
        raise Fail(
            "make lint uses rustfmt's settings and checkpatch of the kernel's source tree, which"
            " KDIR= doesn't lead to"
        )
    names = tracked(top)
    messages.step(3, STEPS, "checks")
    good = modules_checks(kernel, top, names) + [clippy(kernel)]
    if top == places.checkout():
        good += own_checks(kernel, top, names)
    if not all(good):
        raise Fail(f"{good.count(False)} of {len(good)} checks failed, see above")


if __name__ == "__main__":
    command.main(main)
