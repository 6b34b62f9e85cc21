# SPDX-License-Identifier: GPL-2.0

"""`make test` and `make kunit`: the kernel's own kunit.py on the modules that have suites."""

import sys

from harness import cases
from harness import command
from harness import kunit
from harness import messages
from harness import places
from harness import settings
from harness import stages
from harness import variables
from harness import verdict
from harness.kernel import Kernel
from harness.kernel import Needs
from harness.kunit import Tested
from harness.messages import Fail

STEPS = 4


def must_have_run(tested: Tested, kernel: Kernel, accept: bool) -> list[str]:
    """What is wrong with the cases that ran, beside that some failed; with `accept` they are what
    must run from now on."""
    if accept:
        if not tested.passed:
            raise Fail("nothing is accepted of a run that failed")
        messages.say(f"wrote {cases.accept(tested.results, kernel.name)}")
        return []
    listed = cases.load()
    if listed is None:
        messages.say(
            f"note: there is no {cases.file()}; what ran is held against the suites in the modules"
            " only. make test ACCEPT=1 writes it, and a case that vanishes is an error then"
        )
        return []
    return cases.faults(listed, tested.results, kernel.name)


def main() -> None:
    """Runs all stages. With `test` as argument every suite and case must have run."""
    whole = sys.argv[1:] == ["test"]
    accepting = ("ACCEPT",) if whole else ()
    variables.takes(
        "test" if whole else "kunit", *variables.KERNEL, "M", "ARGS", "SEED", "V", *accepting
    )
    accept = variables.flag("ACCEPT")
    asked = kunit.options(variables.args())
    seed = variables.seed()
    settings.check_messages()
    cases.load()
    kernel, modules = stages.build(STEPS, Needs(kunit=True, image=True))
    kunit.check_seed(modules, seed)
    names = ", ".join(ko.name for ko in kunit.chosen(kernel, modules, asked))
    messages.step(4, STEPS, f"guest: kunit.py on {names}")
    tested = kunit.test(
        kernel,
        modules,
        places.logs() / "kunit-console.log",
        asked,
        whole=whole,
        seed=seed,
    )
    faults = must_have_run(tested, kernel, accept) if whole else []
    verdict.report(faults)
    for line in tested.notes:
        messages.say(line)
    if whole:
        messages.say(verdict.summary(tested.results))
    raise SystemExit(tested.code or int(not tested.passed or bool(faults)))


if __name__ == "__main__":
    command.main(main)
