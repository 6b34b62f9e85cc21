# SPDX-License-Identifier: GPL-2.0

"""Tests of the other commands, in real guests, and of the variables that select a kernel."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from copies import FAULTS, LIMIT, Harness

from harness import places

# Longer than a guest on a terminal is ever silent.
SILENCE = 100


# The forms of the alloc crate, for each of which there is a module with suites.
FORMS = ("fallible", "infallible")


class SelectionTest(Harness):
    """The variables that select a kernel."""

    def test_bad_values(self) -> None:
        """One line that names the good ones, before anything is done."""
        for variables, message in (
            ({"ARCH": "sparc"}, "error: ARCH=sparc is not supported; it can be x86_64, arm64"),
            ({"MTE": "yes"}, "error: MTE=yes is neither 1 nor 0"),
            ({"MTE": "1"}, "error: MTE=1 is for ARCH=arm64"),
            ({"FLAVOUR": "8k"}, "error: FLAVOUR=8k is not known; it can be debug, hardened"),
            ({"FLAVOUR": "64k"}, "error: FLAVOUR=64k is for ARCH=arm64, not x86_64"),
            (
                {"FLAVOUR": "64k", "MTE": "1", "ARCH": "arm64"},
                "error: FLAVOUR=64k and MTE=1 name two flavours; use one of them",
            ),
            ({"ARCH": "s390", "TOOLCHAIN": "root"}, "error: s390 takes a newer rustc than"),
            ({"DEBUG": "1", "ARCH": "um"}, "error: DEBUG=1 is for ARCH=x86_64"),
            ({"KERNEL": "latest"}, "error: KERNEL=latest is not a version"),
            ({"KERNEL": "6.6"}, "error: KERNEL=6.6 is too old"),
            ({"KERNEL": "6.12", "KDIR": "/x"}, "error: KDIR= and KERNEL= all name a kernel"),
            ({"KERNEL_TARBALL": "/no/such"}, "error: KERNEL_TARBALL=/no/such: there is no such"),
        ):
            for script in ("kunit.py", "demo.py", "vm.py", "modules.py"):
                out = self.run_script(script, code=1, **variables)
                self.assertIn(message, out)
                self.assertLess(out.count("\n"), 3, out)

    def test_tarball_of_something_else(self) -> None:
        """An archive that is no kernel leaves nothing behind."""
        tarball = self.copy / "other.tar.gz"
        self.addCleanup(tarball.unlink)
        subprocess.run(["tar", "-czf", tarball, "-C", self.copy, "scripts"], check=True)
        before = set(places.stage("source").iterdir())
        out = self.run_script("kunit.py", code=1, KERNEL_TARBALL=str(tarball))
        self.assertIn("is not a kernel's source", out)
        self.assertEqual(set(places.stage("source").iterdir()), before)

    def test_tarball_that_is_too_old(self) -> None:
        """It is unpacked, looked at, and refused."""
        tree = self.copy / "linux-5.10"
        self.addCleanup(shutil.rmtree, tree)
        tree.mkdir()
        (tree / "Makefile").write_text(
            "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 1\nEXTRAVERSION =\n"
        )
        tarball = self.copy / "linux-5.10.tar"
        self.addCleanup(tarball.unlink)
        subprocess.run(["tar", "-cf", tarball, "-C", self.copy, tree.name], check=True)
        out = self.run_script("kunit.py", code=1, KERNEL_TARBALL=str(tarball))
        self.assertIn("it is too old; the oldest that is supported is Linux 6.12.19", out)

    def test_version_that_the_archive_lacks(self) -> None:
        """The versions that it has are named."""
        out = self.run_script("kunit.py", code=1, KERNEL="6.13")
        self.assertRegex(out, r"error: the archive has no source of Linux 6.13; .*7\.3")


class MatrixTest(Harness):
    """`make matrix`, on one cell."""

    SUITES = f"{FAULTS}/fault_suites.c"

    def matrix(self, code: int, **variables: str) -> str:
        """Runs the cell."""
        return self.run_faulty("matrix.py", code=code, KERNEL="7.3", **variables)

    def test_cell(self) -> None:
        """It is run, taken as passed, run again if asked or if a source has changed."""
        again = "passed before"
        row = r"\| 7\.3\.\d+ \| um +\| +\| 3 / 0 / 0, \d+ s +\|"
        out = self.matrix(0, AGAIN="1")
        self.assertRegex(out, row)
        self.assertIn("7.3-um: this is the first suite\n", out)
        self.assertNotIn(again, out)
        kept = next(
            Path(line.split(": ", 1)[1]) for line in out.splitlines() if line.startswith("JSON")
        )
        cell = kept / "7.3-um"
        self.assertEqual(json.loads((cell / "kunit.json").read_text())["misc"]["passed"], 3)
        self.assertEqual((cell / "junit.xml").read_text().count("<testcase "), 3)
        self.assertRegex((kept / "matrix.md").read_text(), row)

        out = self.matrix(0, MINUTES="0")
        self.assertRegex(out, row)
        self.assertIn(again, out)

        self.change(self.SUITES, "KUNIT_EXPECT_FALSE", "KUNIT_EXPECT_TRUE")
        out = self.matrix(1)
        self.assertNotIn(again, out)
        self.assertRegex(out, r"FAILED: 2 / 1 / 0")
        self.assertIn("error: 1 of 1 cells failed: 7.3-um", out)
        self.assertNotIn(again, self.matrix(1))

    def test_list(self) -> None:
        """The cell writes what must run, and is held against it."""
        cases = f"{FAULTS}/guest/cases"
        self.addCleanup((self.copy / cases).unlink)
        self.assertRegex(self.matrix(0, ACCEPT="1"), r"\| 3 / 0 / 0")
        text = (self.copy / cases).read_text()
        self.assertIn("kernels: 7.3-um\n", text)
        self.assertIn("passed before", self.matrix(0))
        (self.copy / cases).write_text(text + "\nfault_third\n    gone\n")
        out = self.matrix(1)
        self.assertIn("error: suite fault_third did not run; guest/cases lists it", out)
        self.assertRegex(out, r"FAILED: 3 / 0 / 0")

    def test_warning_of_the_build(self) -> None:
        """A warning fails the cell."""
        self.change(self.SUITES, "\tif (skip)\n", "\tint unused;\n\n\tif (skip)\n")
        out = self.matrix(1)
        self.assertRegex(out, r"\| FAILED +\|")
        self.assertIn("warnings are errors here", out)

    def test_unavailable(self) -> None:
        """A version that the archive lacks is named, and a run of nothing else has not passed."""
        out = self.run_script("matrix.py", code=1, KERNEL="6.13")
        self.assertRegex(out, r"\| 6\.13 +\| x86_64 +\| +\| unavailable +\|")
        self.assertIn("error: no cell was run", out)

    def test_bad_values(self) -> None:
        """What can't be done is said before anything is done."""
        for variables, message in (
            ({"MINUTES": "soon"}, "error: MINUTES=soon is not a number"),
            ({"KDIR": "/x"}, "error: the matrix provides its kernels itself"),
        ):
            self.assertIn(message, self.run_script("matrix.py", code=1, **variables))


class DemoTest(Harness):
    """`make demo`."""

    MESSAGES = f"{FAULTS}/guest/messages.toml"

    def test_green(self) -> None:
        """The project's report is shown, on the kernel that Debian ships, and all is well."""
        args = "max_align=4096 live=2"
        out = self.run_script("demo.py", code=0, args=args, ARCH="x86_64")
        self.assertIn(", as Debian ships it\n", out)
        self.assertRegex(out, r"walk: layouts=\d+ misaligned=0 refused=0\n")
        self.assertRegex(out, r"exit: live=0 bytes=0\n")
        self.assertNotIn("error:", out)

    def test_parameters(self) -> None:
        """Parameters that are out of range, unknown, or none at all."""
        for args, message in (
            ("max_align=3", "error: insmod rust_alloc_demo failed: Invalid argument"),
            ("bogus=1", "error: ARGS: no module has such a parameter: bogus=1"),
            ("$(id)", "error: ARGS: "),
        ):
            self.assertIn(message, self.run_script("demo.py", code=1, args=args, ARCH="um"))

    def test_faults(self) -> None:
        """What makes a demo red, and that nothing else does."""
        out = self.run_faulty("demo.py", code=0)
        self.assertNotIn("error:", out)
        self.assertNotIn("KTAP", out)
        for fault, message in (
            ("warn", r"error: the kernel complained: .*WARNING: .*faults"),
            ("leak", r"error: \d{4} blocks more of the slab are in use"),
            ("refuse", r"error: insmod fault_suites failed: Invalid argument"),
        ):
            with self.subTest(fault):
                out = self.run_faulty("demo.py", code=1, args=f"{fault}=1")
                self.assertRegex(out, message)
                self.assertIn("error: the demo failed; the guest's console log is ", out)
        out = self.run_faulty("demo.py", code=1, args="dies=1", ARCH="x86_64")
        self.assertIn("error: the guest did not get to its end", out)

    def test_messages(self) -> None:
        """A message that is required and missing, and one that is forbidden."""
        for rules, message in (
            ("required = ['no such']", "error: no line of the log matches `no such`"),
            ("forbidden = ['^guest: finished']", "forbids: guest: finished"),
        ):
            self.write(self.MESSAGES, f"[demo]\n{rules}\n[test]\nrequired = ['not here']\n")
            self.assertIn(message, self.run_faulty("demo.py", code=1))

    def test_hang(self) -> None:
        """The guest never ends; at the deadline it is made to, and its console is shown."""
        self.change("scripts/demo.py", "DEADLINE = 180", "DEADLINE = 3")
        out = self.run_faulty("demo.py", code=1, args="hang=1")
        self.assert_all(out, "error: the guest had not ended after 3 s", "guest: started")

    def test_no_foreign_package(self) -> None:
        """A guest of another architecture takes nothing from outside, where nobody wants a shell.

        The archive can't be reached in this test, and nothing of an earlier run is there.
        """
        self.without_network()
        out = self.run_faulty("demo.py", code=0, ARCH="riscv")
        self.assertIn("demo: insmod and rmmod went as they should", out)
        self.assertFalse((places.stage("busybox") / "riscv64").exists())

        out = self.run_faulty("vm.py", code=1, ARCH="riscv", stdin="true\n")
        self.assertRegex(
            out.splitlines()[-1],
            "^error: a shell in the guest takes busybox for riscv64, which the archive does not"
            " give .*make demo and make test need none, but for a module's guest.sh$",
        )
        self.assertNotIn("[3/4]", out)
        self.assertNotIn("of about", out)
        self.assertFalse((places.stage("busybox") / "riscv64").exists())

    def without_network(self) -> None:
        """Has nothing be reached from the toolchain's root; hides the busybox that was fetched."""
        self.change(
            "scripts/harness/toolchain.py",
            "        elif self.root is not None:\n",
            '        if self.root is not None:\n            words += ["--unshare-net"]\n'
            "        if self.root is not None and not network:\n",
        )
        here = places.stage("busybox") / "riscv64"
        if here.exists():
            hidden = here.with_name("riscv64.hidden")
            here.rename(hidden)
            self.addCleanup(hidden.rename, here)


class ModulesTest(Harness):
    """`make`."""

    def test_builds(self) -> None:
        """The modules come beside their sources, where nothing else changes."""
        before = set(self.copy.rglob("*"))
        self.run_script("modules.py", code=0, ARCH="x86_64")
        made = set(self.copy.rglob("*")) - before
        for file in made:
            self.addCleanup(file.unlink)
        names = {str(file.relative_to(self.copy)) for file in made}
        tests = {f"tests-kunit/alloc_crate/{form}/rust_alloc_demo_{form}.ko" for form in FORMS}
        self.assertEqual(
            names, {"rust_alloc_demo.ko", "tests-kunit/rust_alloc_demo_kunit.ko", *tests}
        )


class VmTest(Harness):
    """`make vm`."""

    def test_commands(self) -> None:
        """Commands from a pipe; their status is that of the command."""
        commands = "insmod rust_alloc_demo.ko live=1\nrmmod rust_alloc_demo\ndmesg | tail -n 1\n"
        out = self.run_script("vm.py", code=0, stdin=commands, ARCH="um")
        self.assertRegex(out, r"exit: live=0 bytes=0(.|\n)*exit: live=0 bytes=0")

    def test_status(self) -> None:
        """The last command's status, or that of poweroff, ends the command."""
        for commands, status in (
            ("true\n", 0),
            ("false\ntrue\n", 0),
            ("true\nfalse\n", 1),
            ("exit 7\n", 7),
            ("poweroff 3\necho not here\n", 3),
            ("if\n", 2),
        ):
            with self.subTest(commands):
                out = self.run_faulty("vm.py", code=status, stdin=commands)
                self.assertNotRegex(out, "(?m)^(error: |not here)")

    def test_guest_that_dies(self) -> None:
        """Commands whose end nobody saw have no status."""
        commands = "insmod /faults.ko dies=1\n"
        out = self.run_faulty("vm.py", code=1, stdin=commands, ARCH="x86_64")
        self.assertIn("error: the guest did not get to the end of the commands", out)
        out = self.run_faulty("vm.py", code=1, stdin=commands, ARCH="um")
        self.assertIn("error: the guest failed; the complete log is ", out)

    def test_terminal(self) -> None:
        """A shell on a terminal, left by its own command."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-B", str(self.copy / "scripts/vm.py")],
            cwd=self.copy,
            env={**os.environ, "M": str(self.copy / FAULTS), "ARCH": "x86_64"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            self.addCleanup(os.close, ours)
            self.expect(ours, "guest# ")
            os.write(ours, b"echo $((6 * 7)); sleep 60\r")
            self.expect(ours, "42\r")
            os.write(ours, b"\x03")
            self.expect(ours, "guest# ")
            os.write(ours, b"poweroff\r")
            self.assertEqual(process.wait(timeout=LIMIT), 0)

    def expect(self, terminal: int, text: str) -> None:
        """Reads the terminal until it shows `text`."""
        seen = b""
        while text.encode() not in seen:
            if not select.select([terminal], [], [], SILENCE)[0]:
                self.fail(f"no `{text}` after {SILENCE} s: {seen.decode(errors='replace')}")
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                self.fail(f"the guest ended before `{text}`: {seen.decode(errors='replace')}")


if __name__ == "__main__":
    unittest.main()
