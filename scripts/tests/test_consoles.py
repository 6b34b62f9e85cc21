# SPDX-License-Identifier: GPL-2.0

"""Each rule of the verdict has a console log in consoles/ that it alone turns red."""

import re
import unittest
from pathlib import Path

import copies  # noqa: F401
from harness import cases
from harness import verdict
from harness.cases import Listed
from harness.settings import Messages

CONSOLES = Path(__file__).with_name("consoles")

KERNEL = "7.3-x86_64-debug"
CONFIG = {"SLUB_DEBUG": "y", "DEBUG_KMEMLEAK": "y", "PROVE_LOCKING": "y"}
RULES = Messages(required=(r"seed=\d",), forbidden=("forbidden$",))
LISTED = Listed((KERNEL,), {"fault_first": {"logs_its_seed": {}, "may_fail": {}}})

# The rules that are not about what the kernel complains of, and what is said by each.
OTHERS = {
    "not-started": "no guest got as far as its /init",
    "not-finished": "the guest did not get to its end",
    "insmod-failed": "insmod faults failed: Invalid argument",
    "unknown-parameter": "faults: unknown parameter 'lek' ignored",
    "two-plans": "the console had more than one test plan",
    "no-slab": "the guest did not say `slab:",
    "no-kmemleak": "the guest did not say `kmemleak found 0 blocks",
    "leak": "the guest did not say `kmemleak found 0 blocks",
    "more-blocks": "3004 blocks more of the slab are in use",
    "required": r"no line of the log matches `seed=\d`",
    "forbidden": "the log says what guest/messages.toml forbids: ",
    "detector": "lockdep was not at work",
    "case-missing": "suite fault_first: 1 of 2 cases did not run: may_fail",
    "case-new": "suite fault_first: is_new ran, but guest/cases doesn't list it",
    "case-skipped": "case fault_first.may_fail was skipped (there is no reason)",
    "suite-missing": "suite fault_first did not run; guest/cases lists it",
}

# What must be said as well, as the rule is about all of a suite.
ALSO = {"suite-missing": "suite fault_other ran, but guest/cases doesn't list it"}


def faults(name: str) -> list[str]:
    """What is wrong with a log, by all rules."""
    console = (CONSOLES / f"{name}.log").read_text()
    return [
        *verdict.guest_faults(console, RULES),
        *verdict.plan_faults(console),
        *verdict.memory_faults(console, CONFIG),
        *verdict.detector_faults(console, CONFIG),
        *verdict.message_faults(console, RULES),
        *cases.faults(LISTED, verdict.results(console), KERNEL),
    ]


class Consoles(unittest.TestCase):
    """The logs, and all of the rules."""

    def test_good(self) -> None:
        self.assertEqual(faults("good"), [])

    def test_all_there(self) -> None:
        """No rule without a log, and no log without a rule."""
        names = {file.stem for file in CONSOLES.glob("*.log")}
        self.assertEqual(names, {"good", *verdict.SPLATS, *OTHERS})

    def test_complaints(self) -> None:
        """Each is found, and by no other expression."""
        for name in verdict.SPLATS:
            with self.subTest(name):
                (fault,) = faults(name)
                self.assertTrue(fault.startswith("the kernel complained: "))
                text = verdict.lines((CONSOLES / f"{name}.log").read_text())
                rest = {key: rule for key, rule in verdict.SPLATS.items() if key != name}
                provoked = [line for line in text if "possible circular" in line]
                self.assertEqual(
                    verdict.splat_faults([line for line in text if line not in provoked], (), rest),
                    [],
                )

    def test_others(self) -> None:
        """Each is said, and nothing else is."""
        for name, said in OTHERS.items():
            with self.subTest(name):
                fault, *more = faults(name)
                self.assertTrue(fault.startswith(said), fault)
                self.assertEqual(len(more), int(name in ALSO), more)
                self.assertTrue(all(re.match(ALSO[name], one) for one in more), more)


if __name__ == "__main__":
    unittest.main()
