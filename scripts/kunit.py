# SPDX-License-Identifier: GPL-2.0

"""`make test` and `make kunit`: the kernel's own kunit.py on the loadable test module.

kunit.py is used as it is in the kernel tree. It gets a QEMU description of ours
(tests-kunit/qemu.py), or for UML a program that starts it (tests-kunit/uml), in which the guest's
/init loads the module; and it is not believed (verdict.py).
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import common
import guest
import kernel as kernels
import module
import verdict
from common import Fail
from kernel import Kernel
from module import Modules

STEPS = 4

# How long a guest may take, in seconds; with KASAN, which looks at each access, it may take longer.
DEADLINE = 300
DEADLINE_KASAN = 1200

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
                f"ARGS: {name} is not for ARGS; KERNEL=, ARCH= and KDIR= say which kernel is tested"
            )
        if word.startswith(OUTPUTS) and value != "stdout":
            file = Path(value).absolute()
            if not file.parent.is_dir():
                raise Fail(f"ARGS: there is no directory {file.parent} to write {file.name} to")
            outputs.append(file)
            words[n] = f"{name}={file}"
    return words + seed()


def seed() -> list[str]:
    """SEED as options for kunit.py."""
    given = common.seed()
    return [f"--kernel_args=rust_alloc_demo_kunit.seed={given}"] if given else []


@dataclass(frozen=True)
class Tested:
    """A run of kunit.py: its exit code, what is wrong beside failed cases, and all cases' fates.

    `defects` are the kernel's own, which are no fault of the run; `notes` say how it went.
    """

    code: int
    faults: list[str]
    results: verdict.Results
    defects: list[str]
    notes: list[str]

    @property
    def passed(self) -> bool:
        """Whether the run can be believed and no case failed."""
        return not (self.code or self.faults or verdict.count(self.results)["failed"])


def tool_of(kernel: Kernel) -> Path:
    """The kernel's kunit.py."""
    tool = kernel.source / "tools/testing/kunit/kunit.py" if kernel.source else None
    if tool is None or not tool.exists():
        raise Fail(
            "the kernel tree has no tools/testing/kunit/kunit.py; KDIR= must name a complete"
            " tree, or a build directory whose source tree is there"
        )
    return tool


def run(
    kernel: Kernel,
    run_dir: Path,
    initrd: Path,
    log: Path,
    mode: str,
    args: Sequence[str],
    outputs: Sequence[Path],
    said: Path | None,
) -> int:
    """Runs kunit.py and returns its exit code. What it says goes to `said`, or where ours goes.

    `mode` is what the guest is for (tests-kunit/init).
    """
    tool = tool_of(kernel)
    kvm = guest.kvm_works(kernel)
    if kernel.arch.qemu and not kvm and not kernel.toolchain.hides_kvm():
        raise Fail(
            "guests don't run under KVM here, which kunit.py would try all the same; install"
            " bubblewrap, which hides /dev/kvm from it"
        )
    for file in [log, *outputs]:
        file.write_text("")

    argv = [
        "python3",
        str(tool),
        "exec",
        f"--timeout={DEADLINE_KASAN if 'KASAN_GENERIC' in kernel.config else DEADLINE}",
        *args,
        f"--arch={kernel.arch.name}",
        f"--build_dir={run_dir}",
    ]
    words = kernel.arch.command_line(mode)
    ro = [tool.parents[3], *guest.visible(kernel, initrd)]
    if kernel.arch.qemu:
        description = common.checkout() / "tests-kunit/qemu.py"
        ro.append(description)
        argv.append(f"--qemu_config={description}")
        told = {
            "arch": kernel.arch.name,
            "qemu": kernel.arch.qemu,
            "hardware": kernel.arch.hardware(kernel.config),
            "command_line": words,
            "kernel": str(kernel.image),
            "initrd": str(initrd),
            "log": str(log),
        }
        env = {"GUEST": json.dumps(told)}
    else:
        shutil.copy(common.checkout() / "tests-kunit/uml", run_dir / "linux")
        env = {
            "GUEST_KERNEL": str(kernel.image),
            "GUEST_WORDS": " ".join([*words, f"initrd={initrd}"]),
            "GUEST_LOG": str(log),
        }
    argv = kernel.toolchain.argv(argv, ro=ro, rw=[run_dir, log, *outputs], kvm=kvm, env=env)
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        to = stack.enter_context(said.open("w")) if said else None
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=to, stderr=to and subprocess.STDOUT, check=False
        )
    for file in outputs:
        if not file.stat().st_size:
            file.unlink()
    return done.returncode


def judge(
    code: int, console: str, plan: verdict.Plan | None, kernel: Kernel, listing: bool
) -> list[str]:
    """What is wrong with the run other than that cases failed."""
    faults = verdict.kunit_faults(console, plan, kernel.config, listing)
    if code and not faults and not verdict.count(verdict.results(console))["failed"]:
        faults.append(f"kunit.py failed with status {code} though no case did; see its output")
    return faults


def test(
    kernel: Kernel,
    modules: Modules,
    log: Path,
    args: Sequence[str] = (),
    outputs: Sequence[Path] = (),
    plan: verdict.Plan | None = None,
    said: Path | None = None,
) -> Tested:
    """Runs kunit.py and says what is wrong; with a plan, all of it must have run.

    What kunit.py says of options that it doesn't know ends the command.
    """
    with guest.run_directory("kunit") as run_dir:
        initrd = guest.initramfs(kernel, modules, run_dir / "initramfs.cpio")
        mode = "kunit" if plan is None else "test"
        code = run(kernel, run_dir, initrd, log, mode, args, outputs, said)
    if code == USAGE:
        raise SystemExit(code)
    console = log.read_text(errors="replace")
    faults = judge(code, console, plan, kernel, any(arg.startswith("--list") for arg in args))
    if faults:
        guest.show_tail(log)
    verdict.report(faults)
    return Tested(
        code,
        faults,
        verdict.results(console),
        verdict.defects(console),
        verdict.notes(console),
    )


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
    tested = test(kernel, modules, common.logs() / "kunit-console.log", args, outputs, plan)
    for line in [*tested.defects, *tested.notes]:
        common.say(line)
    if every:
        common.say(verdict.summary(tested.results))
    raise SystemExit(tested.code or int(not tested.passed))


if __name__ == "__main__":
    common.main(main)
