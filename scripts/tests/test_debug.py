# SPDX-License-Identifier: GPL-2.0

"""Tests of the kernel of DEBUG=1, in real guests: does it see what it is there to see?"""

import unittest

from harness import SUITES, Harness


class DebugTest(Harness):
    """The kernel of DEBUG=1: one real fault of each kind that it is there to see."""

    # A suite that is short, and passes.
    SUITE = "rust_alloc_limits"

    # What KFENCE has taken for its pool, KASAN doesn't see.
    KASAN_ONLY = "--kernel_args=kfence.sample_interval=0"

    def fault(self, name: str, *args: str) -> str:
        """A run in which the fault module does this after a suite that passed."""
        load = "\tbusybox insmod /rust_alloc_demo_fault.ko $(params rust_alloc_demo_fault)\n"
        unload = "\tbusybox rmmod rust_alloc_demo_fault\n"
        self.change("tests-kunit/init", SUITES, SUITES + load + unload)
        args = (f"--kernel_args=rust_alloc_demo_fault.{name}=1", *args, self.SUITE)
        out = self.run_script("kunit.py", code=1, args=" ".join(args), DEBUG="1")
        self.assertRegex(out, r"Ran (\d+) tests: passed: \1\b")
        return out

    def test_clean(self) -> None:
        """Without a fault all is well, and kmemleak was asked."""
        out = self.run_script("kunit.py", code=0, args=self.SUITE, DEBUG="1")
        self.assertIn("kmemleak found 0 blocks\n", out)

    def test_out_of_bounds(self) -> None:
        """A write past the end of a block."""
        out = self.fault("out_of_bounds", self.KASAN_ONLY)
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*out-of-bounds")

    def test_use_after_free(self) -> None:
        """A write to a block that was freed."""
        out = self.fault("use_after_free", self.KASAN_ONLY)
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*use-after-free")

    def test_leak(self) -> None:
        """Blocks that nobody knows of any more."""
        out = self.fault("leak")
        self.assertIn("error: the kernel complained: kmemleak: unreferenced object", out)
        self.assertRegex(out, "error: the guest did not say `kmemleak found 0 blocks")

    def test_sleep_in_atomic_context(self) -> None:
        """An allocation that may sleep, under a spinlock."""
        out = self.fault("sleep")
        self.assertIn("error: the kernel complained: BUG: sleeping function called from", out)

    def test_allocation_failure(self) -> None:
        """A request that there was no memory for."""
        out = self.fault("exhaust")
        self.assertRegex(out, "error: the kernel complained: .*page allocation failure")

    def test_demo_that_is_not_refused(self) -> None:
        """The guest must have made the demo's allocations fail."""
        self.change("tests-kunit/init", "echo N > ignore-gfp-wait\n\techo 0 > verbose", ":")
        out = self.run_script("kunit.py", "test", code=1, args=self.SUITE, DEBUG="1")
        self.assertIn("error: the guest did not say `demo: allocations failed: ", out)


class SoakTest(Harness):
    """`make soak`."""

    def test_load(self) -> None:
        """What it came to is said; failures were injected, and all memory was given back."""
        out = self.run_script("soak.py", code=0, DURATION="3")
        self.assertRegex(
            out,
            r"\nsoak: \d+ s on 2 CPUs: operations=[1-9]\d* failures=[1-9]\d* peak=[1-9]\d* live=0"
            r"\n",
        )

    def test_bad_duration(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.run_script("soak.py", code=1, DURATION="long")
        self.assertIn("error: DURATION=long is not a number of seconds", out)


if __name__ == "__main__":
    unittest.main()
