# SPDX-License-Identifier: GPL-2.0

"""`make test` and `make kunit`: the kernel's own kunit.py on the loadable test module.

kunit.py is used as it is in the kernel tree. It gets a QEMU description of ours
(tests-kunit/qemu/), in which the guest's /init loads the module; and it is not believed
(verdict.py).
"""

import os
import subprocess
import sys
from pathlib import Path

import common
import guest
import kernel as kernels
import module
import verdict
from common import Fail
from kernel import Kernel

STEPS = 4
DEADLINE = 120

# Options of kunit.py that say what the harness is there to say, and those that name a file.
OURS = (
    "--arch",
    "--build_dir",
    "--qemu_config",
    "--kunitconfig",
    "--alltests",
    "--kconfig_add",
    "--make_options",
    "--cross_compile",
)
OUTPUTS = ("--json=", "--junit=")

# kunit.py's exit code for options that it doesn't know.
USAGE = 2


def arguments(outputs: list[Path]) -> list[str]:
    """ARGS as options for kunit.py. Files that it is to write are added to `outputs`.

    kunit.py changes its directory, so the files' names are made absolute.
    """
    words = common.args()
    for n, word in enumerate(words):
        name, _, value = word.partition("=")
        if name in OURS:
            raise Fail(
                f"ARGS: {name} is not for ARGS; KERNEL= and KDIR= say which kernel is tested"
            )
        if word.startswith(OUTPUTS) and value != "stdout":
            file = Path(value).absolute()
            if not file.parent.is_dir():
                raise Fail(f"ARGS: there is no directory {file.parent} to write {file.name} to")
            outputs.append(file)
            words[n] = f"{name}={file}"
    if seed := os.environ.get("SEED"):
        if not seed.isdecimal() or not 0 < int(seed) < 1 << 64:
            raise Fail(f"SEED={seed} is not a seed; it is the number that a random case has logged")
        words.append(f"--kernel_args=rust_alloc_demo_kunit.seed={seed}")
    return words


def run(
    kernel: Kernel, run_dir: Path, initrd: Path, log: Path, args: list[str], outputs: list[Path]
) -> int:
    """Runs kunit.py, its output going where ours goes, and returns its exit code."""
    tool = kernel.source / "tools/testing/kunit/kunit.py" if kernel.source else None
    if kernel.source is None or tool is None or not tool.exists():
        raise Fail(
            "the kernel tree has no tools/testing/kunit/kunit.py; KDIR= must name a complete"
            " tree, or a build directory whose source tree is there"
        )
    description = common.checkout() / "tests-kunit/qemu" / f"{kernel.arch}.py"
    kvm = guest.kvm_works(kernel)
    if not kvm and not kernel.toolchain.hides_kvm():
        raise Fail(
            "guests don't run under KVM here, which kunit.py would try all the same; install"
            " bubblewrap, which hides /dev/kvm from it"
        )
    for file in [log, *outputs]:
        file.write_text("")

    command = [
        "python3",
        str(tool),
        "exec",
        f"--timeout={DEADLINE}",
        *args,
        f"--arch={kernel.arch}",
        f"--build_dir={run_dir}",
        f"--qemu_config={description}",
    ]
    command = kernel.toolchain.argv(
        command,
        ro=[kernel.source, description, *guest.visible(kernel, initrd)],
        rw=[run_dir, log, *outputs],
        kvm=kvm,
        env={
            "GUEST_KERNEL": str(kernel.image),
            "GUEST_INITRD": str(initrd),
            "GUEST_LOG": str(log),
        },
    )
    sys.stdout.flush()
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    for file in outputs:
        if not file.stat().st_size:
            file.unlink()
    return code


def judge(code: int, console: str, plan: verdict.Plan | None, listing: bool) -> list[str]:
    """What is wrong with the run other than that cases failed."""
    faults = verdict.kunit_faults(console, plan, listing)
    if code and not faults and not verdict.count(verdict.results(console))["failed"]:
        faults.append(f"kunit.py failed with status {code} though no case did; see its output")
    return faults


def main() -> None:
    """Runs all stages. With `test` as argument every suite of the sources must have run."""
    every = sys.argv[1:] == ["test"]
    outputs: list[Path] = []
    args = arguments(outputs)
    plan = verdict.expected(common.checkout() / "tests-kunit") if every else None

    kernel = kernels.select(1, STEPS, need_kunit=True, need_image=True)
    common.step(3, STEPS, "module")
    modules = module.build(kernel)
    common.step(4, STEPS, "guest: kunit.py")
    log = common.logs() / "kunit-console.log"
    with guest.run_directory("kunit") as run_dir:
        initrd = guest.initramfs(kernel, modules, run_dir / "initramfs.cpio")
        code = run(kernel, run_dir, initrd, log, args, outputs)
    if code == USAGE:
        raise SystemExit(code)

    console = log.read_text(errors="replace")
    faults = judge(code, console, plan, any(arg.startswith("--list") for arg in args))
    if faults:
        guest.show_tail(log)
    verdict.report(faults)
    found = verdict.results(console)
    if every:
        common.say(verdict.summary(found))
    raise SystemExit(code or int(bool(faults or verdict.count(found)["failed"])))


if __name__ == "__main__":
    common.main(main)
