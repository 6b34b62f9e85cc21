# SPDX-License-Identifier: GPL-2.0

"""A kernel's detector that is not at work turns a run red, and what is provoked does not."""

import unittest

from copies import Harness

from harness import detectors
from harness import verdict

# What each says of what was provoked, as read in a guest's log.
SAID = {
    "failslab": "kernel_detectors: an allocation was refused",
    "lockdep": "WARNING: possible circular locking dependency detected",
    "KFENCE": "BUG: KFENCE: out-of-bounds read in read_beside_page+0xb8/0x100 [kernel_detectors]",
    "KASAN": "BUG: KASAN: slab-use-after-free in read_freed+0xd7/0x100 [kernel_detectors]",
}
CONFIG = {one.symbol: "y" for one in (detectors.KMEMLEAK, *detectors.DETECTORS)}
LEAKS = "[    1.8] kernel_detectors: kmemleak found 10 blocks\n"


def provoked(name: str, line: str) -> str:
    """The part of a log in which a detector is provoked."""
    before, after = (f"kernel_detectors: {word} {name}" for word in ("provoking", "provoked"))
    return "".join(f"[    1.9] {text}\r\n" for text in (before, line, "Call Trace:", after))


GOOD = LEAKS + "".join(provoked(name, line) for name, line in SAID.items())


class Text(unittest.TestCase):
    """What a log must say."""

    def test_good(self) -> None:
        self.assertEqual(verdict.detector_faults(GOOD, CONFIG), [])
        self.assertEqual(verdict.splat_faults(detectors.split(verdict.lines(GOOD))[0]), [])

    def test_none(self) -> None:
        """Of a kernel without detectors nothing is asked."""
        self.assertEqual(verdict.detector_faults("", {}), [])

    def test_silent(self) -> None:
        """Each is missed by its name; that another one has reported does not do."""
        names = {line: name for name, line in SAID.items()}
        for line, name in (*names.items(), (LEAKS.strip(), "kmemleak")):
            with self.subTest(name):
                (fault,) = verdict.detector_faults(GOOD.replace(line, "nothing"), CONFIG)
                self.assertRegex(fault, rf"^{name} was not at work \(CONFIG_")
        (fault,) = verdict.detector_faults(GOOD.replace("found 10", "found 0"), CONFIG)
        self.assertRegex(fault, "^kmemleak was not at work")

    def test_built_in_but_off(self) -> None:
        """Distributions have KFENCE so, to be switched on where it is wanted."""
        config = {"KFENCE": "y", "KFENCE_SAMPLE_INTERVAL": "0"}
        self.assertEqual(verdict.detector_faults("", config), [])
        config["KFENCE_SAMPLE_INTERVAL"] = "100"
        self.assertEqual(len(verdict.detector_faults("", config)), 1)

    def test_between(self) -> None:
        """What the kernel says before, between and after what is provoked counts as ever."""
        bad = "[    1.9] BUG: KASAN: slab-out-of-bounds in other+0x1/0x2\n"
        for place in (LEAKS, "[    1.9] kernel_detectors: provoking KFENCE\r\n"):
            log = GOOD.replace(place, bad + place)
            self.assertEqual(len(verdict.guest_faults(log)), 2, log)
        self.assertEqual(len(verdict.guest_faults(GOOD + bad)), 2)
        self.assertEqual(len(verdict.guest_faults(GOOD)), 1)


class Guest(Harness):
    """Real ones, off in a real guest."""

    def test_off(self) -> None:
        off = ("kmemleak=off", "kfence.sample_interval=0", "lockdep.prove_locking=0")
        args = " ".join(f"--kernel_args={word}" for word in off)
        out = self.run_faulty("kunit.py", code=1, args=args, ARCH="x86_64", DEBUG="1")
        for name in ("kmemleak", "KFENCE", "lockdep"):
            self.assertIn(f"error: {name} was not at work", out)
        for name in ("KASAN", "failslab", "the kernel complained"):
            self.assertNotIn(f"error: {name}", out)
        self.assertIn("kmemleak is off, and looked for nothing", out)


if __name__ == "__main__":
    unittest.main()
