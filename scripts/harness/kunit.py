# SPDX-License-Identifier: GPL-2.0

"""Stage 5: the kernel's own kunit.py on loadable modules, a guest for each that has suites.

kunit.py is used as it is in the kernel tree. It gets a QEMU description of ours (qemu.py), or for
UML a program that starts it (uml), in which the guest's /init loads the module; and it is not
believed (verdict.py). It reads one test plan, and each module prints its own: hence the guests.
"""

import contextlib
import fnmatch
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import guest
from harness import ko as kos
from harness import messages
from harness import places
from harness import settings
from harness import source as sources
from harness import verdict
from harness.guest import Content
from harness.kernel import Kernel
from harness.ko import Ko
from harness.messages import Fail
from harness.module import Modules

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
OUTPUTS = ("--json", "--junit")

# Options that have a value, which may be the next word.
VALUED = ("--timeout", "--jobs", "--filter", "--filter_action", "--kernel_args", "--qemu_args")

# Those that choose by attributes, of which suites without KUnit have none.
ATTRIBUTES = ("--filter", "--filter_action")

# A word for the kernel's command line with which suites don't run when their module is loaded; on a
# kernel without KUnit, /init gives it to the modules.
NO_SUITES = "kunit.enable=0"

# kunit.py's exit code for options that it doesn't know.
USAGE = 2

# The parameter by which a module takes the number that SEED= gives its random cases.
SEED = "seed"


@dataclass(frozen=True)
class Options:
    """What kunit.py is told: words of its own, and the files that it is to write, by option."""

    words: Sequence[str] = ()
    outputs: Mapping[str, Path] = field(default_factory=dict)

    @property
    def listing(self) -> bool:
        """Whether it only lists the cases."""
        return any(word.startswith("--list") for word in self.words)

    @property
    def pattern(self) -> str:
        """The suites that are asked for, as a pattern for their names."""
        previous = ""
        for word in self.words:
            if not word.startswith("-") and previous not in VALUED:
                return word.partition(".")[0]
            previous = word
        return "*"


def options(given: Sequence[str]) -> Options:
    """The words of ARGS. kunit.py changes its directory, so files' names are made absolute."""
    words, outputs = [], {}
    for word in given:
        name, _, value = word.partition("=")
        if name in OURS:
            raise Fail(
                f"ARGS: {name} is not for ARGS; KERNEL=, ARCH= and KDIR= say which kernel is tested"
            )
        if name in OUTPUTS and value and value != "stdout":
            file = Path(value).absolute()
            if not file.parent.is_dir():
                raise Fail(f"ARGS: there is no directory {file.parent} to write {file.name} to")
            outputs[name] = file
        else:
            words.append(word)
    return Options(words, outputs)


@dataclass(frozen=True)
class Tested:
    """A run: kunit.py's exit code, what is wrong beside failed cases, and all cases' fates.

    `notes` say how it went.
    """

    code: int
    faults: list[str]
    results: verdict.Results
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
    words: Sequence[str],
    outputs: Mapping[str, Path],
    said: Path | None,
) -> int:
    """Runs kunit.py and returns its exit code. What it says goes to `said`, or where ours goes."""
    tool = tool_of(kernel)
    kvm = guest.kvm_works(kernel)
    if kernel.arch.qemu and not kvm and not kernel.toolchain.hides_kvm():
        raise Fail(
            "guests don't run under KVM here, which kunit.py would try all the same; install"
            " bubblewrap, which hides /dev/kvm from it"
        )
    for file in [log, *outputs.values()]:
        file.write_text("")

    argv = [
        *("python3", str(tool), "exec"),
        f"--timeout={DEADLINE_KASAN if 'KASAN' in kernel.config else DEADLINE}",
        *words,
        *[f"{name}={file}" for name, file in outputs.items()],
        f"--arch={kernel.arch.name}",
        f"--build_dir={run_dir}",
    ]
    # A kernel may be configured to leave suites alone (CONFIG_KUNIT_AUTORUN_ENABLED).
    command_line = [*kernel.arch.command_line("load"), "kunit.autorun=1"]
    ro = [tool.parents[3], *guest.visible(kernel, initrd)]
    if kernel.arch.qemu:
        description = Path(__file__).with_name("qemu.py")
        ro.append(description)
        argv.append(f"--qemu_config={description}")
        told = {
            "arch": kernel.arch.name,
            "qemu": kernel.arch.qemu,
            "hardware": kernel.arch.hardware(kernel.config),
            "command_line": command_line,
            "kernel": str(kernel.image),
            "initrd": str(initrd),
            "log": str(log),
        }
        env = {"GUEST": json.dumps(told)}
    else:
        shutil.copy(Path(__file__).with_name("uml"), run_dir / "linux")
        env = {
            "GUEST_KERNEL": str(kernel.image),
            "GUEST_WORDS": " ".join([*command_line, f"initrd={initrd}"]),
            "GUEST_LOG": str(log),
        }
    rw = [run_dir, log, *outputs.values()]
    argv = kernel.toolchain.argv(argv, ro=ro, rw=rw, kvm=kvm, env=env)
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        to = stack.enter_context(said.open("a")) if said else None
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=to, stderr=to and subprocess.STDOUT, check=False
        )
    return done.returncode


def check_without_kunit(modules: Modules, asked: Options) -> None:
    """Fails if suites would not run on a kernel without KUnit, or not as they are asked for."""
    for word in asked.words:
        if word.partition("=")[0] in ATTRIBUTES:
            raise Fail(f"ARGS: {word}: on a kernel without KUnit, suites have no attributes")
    testing = modules.testing()
    if not testing:
        raise Fail(
            f"{places.shown_module_dir()}: this kernel has no KUnit; only suites made by"
            " kunit_suite! run there, and no module has one"
        )
    for ko in testing:
        if not ko.runs_its_suites:
            raise Fail(
                f"this kernel has no KUnit, and the suite.rs of {ko.name} is one that needs it;"
                " copy suite.rs and runner.rs anew"
            )


def chosen(kernel: Kernel, modules: Modules, asked: Options) -> list[Ko]:
    """The modules that have a suite which is asked for."""
    if not kernel.has_kunit:
        check_without_kunit(modules, asked)
    testing = modules.testing()
    if not testing:
        raise Fail(
            f"{places.shown_module_dir()} has no module with KUnit suites; `make demo` loads those"
            " without, and a suite is made by #[kunit_tests], kunit_test_suites() or kunit_suite!"
        )
    if len(testing) == 1:
        return testing
    found = [
        ko
        for ko in testing
        if any(fnmatch.fnmatchcase(suite, asked.pattern) for suite in ko.suites)
    ]
    if not found:
        suites = ", ".join(suite for ko in testing for suite in ko.suites)
        raise Fail(f"no case ran: no suite is called {asked.pattern}; there are {suites}")
    return found


def judge(
    code: int,
    console: str,
    ko: Ko,
    kernel: Kernel,
    rules: settings.Messages,
    asked: Options,
    whole: bool,
) -> list[str]:
    """What is wrong with a guest's run other than that cases failed.

    Unless it is `whole`, some of the cases are enough. A listing runs none.
    """
    found = verdict.results(console)
    faults = verdict.guest_faults(console, rules) + verdict.plan_faults(console)
    faults += verdict.memory_faults(console, kernel.config)
    faults += verdict.detector_faults(console, kernel.config)
    if whole:
        mend = (
            "; without KUnit it runs only if the module's init calls suite::run_without_kunit()"
            if not kernel.has_kunit
            else ""
        )
        faults += [
            f"suite {suite} of {ko.name} did not run; the module has it{mend}"
            for suite in ko.suites
            if not found.get(suite)
        ]
    elif not asked.listing and not verdict.count(found):
        faults.append("no case ran; does the filter match any? --list_tests lists them")
    if code and not faults and not verdict.count(found)["failed"]:
        faults.append(f"kunit.py failed with status {code} though no case did; see its output")
    return faults


def test(
    kernel: Kernel,
    modules: Modules,
    log: Path,
    asked: Options = Options(),
    *,
    whole: bool = False,
    seed: str = "",
    said: Path | None = None,
) -> Tested:
    """Runs kunit.py for each module with suites and says what is wrong; if `whole`, all must run.

    What kunit.py says of options that it doesn't know ends the command.
    """
    rules = settings.messages("test", kernel.selectors)
    script = settings.script(kernel.selectors)
    wanted = chosen(kernel, modules, asked)
    code = 0
    faults: list[str] = []
    results: verdict.Results = {}
    consoles: list[str] = []
    native = dict(asked.outputs) if can_write(kernel, wanted, asked) else {}
    if said:
        said.write_text("")
    for number, ko in enumerate(wanted, 1):
        words = list(asked.words)
        if seed and SEED in ko.parameters:
            words.append(f"--kernel_args={ko.name}.{SEED}={seed}")
        if len(wanted) > 1:
            messages.say(f"      {ko.name}, {number} of {len(wanted)}")
        content = Content(modules.all, modules.in_order([ko]), script)
        # Runs whose console goes elsewhere don't wait for each other.
        with guest.run_directory(f"kunit-{places.key(str(log))}") as run_dir:
            initrd = guest.initramfs(kernel, content, run_dir / "initramfs.cpio")
            own = run(kernel, run_dir, initrd, log, words, native, said)
        if own == USAGE:
            raise SystemExit(own)
        consoles.append(log.read_text(errors="replace"))
        wrong = judge(own, consoles[-1], ko, kernel, rules, asked, whole)
        if wrong:
            guest.show_tail(log)
        verdict.report(wrong)
        code, faults = code or own, faults + wrong
        results |= verdict.results(consoles[-1])
    console = "\n".join(consoles)
    log.write_text(console)
    wrong = verdict.message_faults(console, rules, whole)
    verdict.report(wrong)
    outputs = {name: file for name, file in asked.outputs.items() if name not in native}
    if outputs and verdict.count(results):
        write(kernel, consoles, outputs, log.with_suffix(".ktap"))
    for file in native.values():
        if not file.stat().st_size:
            file.unlink()
    return Tested(code, faults + wrong, results, verdict.notes(console))


def can_write(kernel: Kernel, wanted: Sequence[Ko], asked: Options) -> bool:
    """Whether this kernel's kunit.py writes the files that are asked for, and of all modules."""
    text = tool_of(kernel).read_text()
    return len(wanted) == 1 and all(f"'{name}'" in text for name in asked.outputs)


def write(kernel: Kernel, consoles: Sequence[str], outputs: Mapping[str, Path], ktap: Path) -> None:
    """Has the newest kunit.py write its files of several guests' results, or an older one's."""
    tree = sources.provide(None, None, kernel.toolchain) / "tree"
    ktap.write_text(merged(consoles))
    for file in outputs.values():
        file.write_text("")
    argv = ["python3", str(tree / "tools/testing/kunit/kunit.py"), "parse"]
    argv += [f"{name}={file}" for name, file in outputs.items()]
    argv = kernel.toolchain.argv([*argv, str(ktap)], ro=[tree, ktap], rw=list(outputs.values()))
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def merged(consoles: Sequence[str]) -> str:
    """The results of several test plans as one."""
    body: list[str] = []
    suites = 0
    for console in consoles:
        for line in verdict.lines(console):
            if top := re.match(r"(not )?ok \d+ (.*)$", line):
                suites += 1
                body.append(f"{top[1] or ''}ok {suites} {top[2]}")
            elif verdict.KTAP.match(line) and line.startswith("    "):
                body.append(line)
    return "\n".join(["KTAP version 1", f"1..{suites}", *body]) + "\n"


def check_seed(modules: Modules, seed: str) -> None:
    """Fails if SEED= is given and no module takes it."""
    if seed and not kos.with_parameter(SEED, modules.testing()):
        raise Fail(f"SEED={seed}: no module with suites has a parameter `{SEED}`")
