# SPDX-License-Identifier: GPL-2.0

"""`make soak`: the random suite on all CPUs for a given time, in the kernel that looks for trouble.

It is the suite rust_alloc_soak, by kunit.py as `make kunit` runs it, with the time as a parameter.
"""

import os

import common
import kernel as kernels
import kunit
import module
from common import Fail

STEPS = 4
SUITE = "rust_alloc_soak"

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
    seconds = duration()
    if not any(os.environ.get(name) for name in ("KDIR", "ARCH", "DEBUG")):
        os.environ["DEBUG"] = "1"
    args = [
        SUITE,
        "--raw_output=all",
        f"--timeout={seconds + MORE}",
        f"--kernel_args=rust_alloc_demo_kunit.soak={seconds}",
        f"--kernel_args=kunit.timeout={seconds + MORE}",
        *kunit.seed(),
    ]
    kernel = kernels.select(1, STEPS, need_kunit=True, need_image=True)
    common.step(3, STEPS, "module")
    modules = module.build(kernel)
    common.step(4, STEPS, f"guest: {seconds} s of load")
    tested = kunit.test(kernel, modules, common.logs() / "soak-console.log", args)
    for line in tested.notes:
        common.say(line)
    if not tested.passed:
        raise Fail("the load found something; see above")


if __name__ == "__main__":
    common.main(main)
