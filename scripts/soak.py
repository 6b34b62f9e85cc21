# SPDX-License-Identifier: GPL-2.0

"""`make soak`: a load for a given time, in the kernel that looks for trouble.

A test module has one if it has a parameter `soak`, a number of seconds, and a suite whose name ends
in `soak`. kunit.py runs it as `make kunit` would.
"""

import os

from harness import command
from harness import ko as kos
from harness import kunit
from harness import messages
from harness import places
from harness import stages
from harness import variables
from harness.kernel import Needs
from harness.kunit import Options
from harness.messages import Fail

STEPS = 4
PARAMETER = "soak"
SUITES = "*soak"

# A minute, if nothing is said.
DURATION = "60"

# What is given beyond the load itself, in seconds: to start, to end, and to look for leaks.
MORE = 300


def duration() -> int:
    """How long the load is to last, in seconds."""
    value = os.environ.get("DURATION") or DURATION
    if not value.isdecimal() or not 0 < int(value) < 1 << 31:
        raise Fail(f"DURATION={value} is not a number of seconds")
    return int(value)


def main() -> None:
    """Runs all stages, and says what the load came to."""
    variables.takes("soak", *variables.KERNEL, "M", "DURATION", "SEED", "V")
    seconds, seed = duration(), variables.seed()
    if not any(os.environ.get(name) for name in ("KDIR", "ARCH", "DEBUG")):
        os.environ["DEBUG"] = "1"
    kernel, modules = stages.build(STEPS, Needs(kunit=True, image=True))
    loaded = kos.with_parameter(PARAMETER, modules.testing())
    if not loaded:
        raise Fail(
            f"{places.shown_module_dir()} has no soak: no module with suites has a parameter"
            f" `{PARAMETER}`"
        )
    kunit.check_seed(modules, seed)
    words = [SUITES, "--raw_output=all", f"--timeout={seconds + MORE}"]
    words += [f"--kernel_args={ko.name}.{PARAMETER}={seconds}" for ko in loaded]
    words += [f"--kernel_args=kunit.timeout={seconds + MORE}"]
    messages.step(4, STEPS, f"guest: {seconds} s of load")
    log = places.logs() / "soak-console.log"
    tested = kunit.test(kernel, modules, log, Options(words), seed=seed)
    for line in tested.notes:
        messages.say(line)
    if not tested.passed:
        raise Fail("the load found something; see above")


if __name__ == "__main__":
    command.main(main)
