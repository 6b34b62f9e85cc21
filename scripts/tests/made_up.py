# SPDX-License-Identifier: GPL-2.0

"""Outcomes of the matrix's cells that can't be had at will, and the files that such cells leave."""

from pathlib import Path

import copies  # noqa: F401
from harness.cells import Cell
from harness.results import Result

# A word that is wider than a phone's screen, as Rust's symbols are.
LONG = "_RNvXs8_NtCsb5MLIFMWygY_6kernel9workqueueINtNtNtB7_4sync3arc3ArcNtNtNtNtBH_4lock8spinlock"

# As the newest kunit.py writes it (kunit_junit.py), of a suite with one case of each kind and one
# that has cases of its own. What a case says is text, whatever it looks like.
JUNIT = f"""<?xml version='1.0' encoding='utf-8'?>
<testsuite name="main" tests="5" failures="1" skipped="1" errors="1">
  <testsuite name="zoo" tests="5" failures="1" skipped="1" errors="1">
    <testcase name="good" />
    <testcase name="bad">
      <failure>Test Failed</failure>
      <system-out>    # bad: EXPECTATION FAILED at /home/me/zoo/zoo.c:7
    Expected &lt;b&gt;x&lt;/b&gt; == 1 &amp;&amp; y in /sys/module/zoo/y</system-out>
    </testcase>
    <testcase name="not::here">
      <skipped>/home/me/zoo/zoo.c: this kernel has no &lt;zoo&gt;</skipped>
    </testcase>
    <testcase name="crash">
      <error>Test Crashed</error>
      <system-out>{LONG} is in a line of more than a hundred</system-out>
    </testcase>
    <testsuite name="each" tests="1" failures="0" skipped="0" errors="0">
      <testcase name="one" />
    </testsuite>
  </testsuite>
</testsuite>"""

FAILED = Cell("6.12", "x86_64")
UNBUILT = Cell("7.3", "arm64", "64k")
NO_KERNEL = Cell("7.3", "powerpc")
UNAVAILABLE = Cell("6.18", "x86_64")
LEFT_OUT = Cell("7.3", "x86_64", toolchain="backports")

SOURCE = "7.3.4-1~bpo13+1"
COMPILERS = "Debian clang version 19.1.7 (3+b1), rustc 1.85.1 (4eb161250 2025-03-15)"
BEGAN = "2026-11-26T04:14:04+00:00"

RESULTS = {
    FAILED: Result(
        "failed",
        "6.12.118",
        passed=2,
        failed=2,
        skipped=1,
        seconds=75,
        state="1",
        why="the kernel complained: WARNING: at /home/me/zoo/zoo.c:9; and 3 more such lines",
        notes=(
            "defect of this kernel's Zoo: a gate is open",
            f"/home/me/zoo/zoo.c: this is {LONG}",
        ),
        source="6.12.118-1",
        compilers=COMPILERS,
        began="2026-11-26T04:13:04+00:00",
    ),
    UNBUILT: Result(
        "failed",
        why="the modules' build failed; the complete log is /home/me/.cache/zoo/build.log",
        source=SOURCE,
        compilers=COMPILERS,
        began=BEGAN,
    ),
    NO_KERNEL: Result("failed", why="building the kernel failed; the complete log is /tmp/k.log"),
    UNAVAILABLE: Result("unavailable", why="the archive has no source of Linux 6.18"),
    LEFT_OUT: Result("left out"),
}


def leave(where: Path) -> dict[Cell, Result]:
    """Leaves what these cells do in a directory. Also that of an earlier run is in one's folder."""
    for cell in (FAILED, UNBUILT, NO_KERNEL):
        (where / cell.name).mkdir()
        (where / cell.name / "junit.xml").write_text(JUNIT)
        for name in ("console.log", "build.log"):
            (where / cell.name / name).write_text("a log\n")
    return dict(RESULTS)
