# SPDX-License-Identifier: GPL-2.0

"""Suites on a kernel without KUnit, as a distribution has it: the module runs them by itself."""

import re
import shutil
from pathlib import Path

from copies import CHECKOUT
from harness import debian
from outside import FIXTURES, Outside

# What people copy who want the macro.
LIFTED = ("suite.rs", "runner.rs")
FIXTURE = "macro_suites"
SOURCE = f"{FIXTURE}.rs"

CALL = "        suite::run_without_kunit();\n"


class WithoutKunit(Outside):
    """A module of somebody's with suites of the macro."""

    def module(self) -> Path:
        """The fixture, with the files that it lacks."""
        folder = self.copy(FIXTURE)
        for name in LIFTED:
            shutil.copy(CHECKOUT / "tests-kunit/conformance" / name, folder)
        return folder

    def changed(self, old: str, new: str) -> Path:
        """The same with one place in its source changed."""
        folder = self.module()
        text = (folder / SOURCE).read_text()
        self.assertEqual(text.count(old), 1, old)
        (folder / SOURCE).write_text(text.replace(old, new))
        return folder

    def on_stock(self, *words: str, code: int = 0, **variables: str) -> str:
        """make on the distribution's kernel."""
        return self.make(*words, code=code, ARCH="", KERNEL=debian.NEWEST, **variables)

    def test_green(self) -> None:
        """It runs there, and as well on a kernel with KUnit; there without runner.rs."""
        folder = self.module()
        with_kunit = self.make("test", M=str(folder))
        (folder / "runner.rs").unlink()
        without_runner = self.make("test", M=str(folder))
        out = self.on_stock("test", M=str(self.module()))
        for said in (with_kunit, without_runner, out):
            self.assertIn("kunit: 3 passed, 0 failed, 1 skipped\n", said)
            self.assertIn("[SKIPPED] is_short (nobody knows)\n", said)

    def test_ktap(self) -> None:
        """What is printed is what KUnit prints."""
        folder = self.module()
        raw = [
            re.findall(r"^(?:\[\d\d:\d\d:\d\d\] )?( *(?:KTAP|1\.\.|#|(?:not )?ok ).*)$", said, re.M)
            for said in (
                self.make("kunit", M=str(folder), ARGS="--raw_output"),
                self.on_stock("kunit", M=str(folder), ARGS="--raw_output"),
            )
        ]
        self.assertGreater(len(raw[0]), 10)
        self.assertEqual(*raw)

    def test_red(self) -> None:
        """A case fails; the kernel complains in one that passes."""
        folder = self.changed("1 + 2 == 3", "1 + 2 == 4")
        out = self.on_stock("test", code=2, M=str(folder))
        self.assertIn("[FAILED] adds_up\n", out)
        self.assertRegex(out, r"macro_suites: macro_suites\.rs:\d+: it is another number\n")
        self.assertIn("kunit: 2 passed, 1 failed, 1 skipped\n", out)
        check = '    check!("word".len() == 4'
        folder = self.changed(check, f'    pr_err!("WARNING: on purpose\\n");\n{check}')
        out = self.on_stock("test", code=2, M=str(folder))
        self.assertIn("error: the kernel complained: macro_suites: WARNING: on purpose\n", out)
        self.assertIn("kunit: 3 passed, 0 failed, 1 skipped\n", out)

    def test_vanished(self) -> None:
        """A case is deleted, and a suite; the module doesn't run any."""
        folder = self.module()
        self.on_stock("test", M=str(folder), ACCEPT="1")
        text = (folder / SOURCE).read_text()
        changed = text.replace("        takes_away,\n", "").replace("fn takes_away", "fn _gone")
        first, second = changed.index("kunit_suite! {\n    /// What words"), changed.index(
            "fn adds"
        )
        changed = changed[:first] + changed[second:].replace("fn has_l", "fn _has_l")
        (folder / SOURCE).write_text(changed.replace("fn is_short", "fn _is_short"))
        out = self.on_stock("test", code=2, M=str(folder))
        self.assertIn("suite numbers: 1 of 2 cases did not run: takes_away\n", out)
        self.assertIn("suite words did not run; guest/cases lists it\n", out)

        out = self.on_stock("test", code=2, M=str(self.changed(CALL, "")))
        for suite in ("numbers", "words"):
            self.assertIn(
                f"error: suite {suite} of macro_suites did not run; the module has it; without"
                " KUnit it runs only if the module's init calls suite::run_without_kunit()\n",
                out,
            )

    def test_filter(self) -> None:
        """KUnit's patterns."""
        folder = str(self.module())
        everything = {
            "numbers.adds_up",
            "numbers.takes_away",
            "words.has_letters",
            "words.is_short",
        }
        for pattern, listed in (
            ("", everything),
            ("numbers", {"numbers.adds_up", "numbers.takes_away"}),
            ("*.*a*s*", {"numbers.adds_up", "numbers.takes_away", "words.has_letters"}),
            ("w?rd[r-t].[!h]*", {"words.is_short"}),
        ):
            out = self.on_stock("kunit", M=folder, ARGS=f"--list_tests '{pattern or '*'}'")
            found = set(re.findall(r"^(?:numbers|words)\.\w+$", out, re.M))
            self.assertEqual(found, listed, pattern)
        out = self.on_stock("kunit", M=folder, ARGS="words.has*")
        self.assertIn("Ran 1 tests: passed: 1\n", out)
        out = self.on_stock("kunit", code=2, M=folder, ARGS="words.nothing")
        self.assertIn("error: no case ran; does the filter match any?", out)

    def test_shell(self) -> None:
        """`make vm` is on that kernel too."""
        out = self.on_stock("vm", M=str(self.module()), stdin="uname -r\n")
        self.assertRegex(out, r"(?m)^7\.\d+\.\d+\+deb13-cloud-amd64$")

    def test_demo(self) -> None:
        """`make demo` loads the module, and its suites don't run."""
        out = self.on_stock("demo", M=str(self.module()))
        self.assertIn("macro_suites: init\n", out)
        self.assertNotIn("Subtest", out)
        self.assertIn("demo: insmod and rmmod went as they should", out)

    def test_c_suites(self) -> None:
        """What uses KUnit in C can't be built for it, and `make demo` takes a lean kernel then."""
        folder = str(FIXTURES / "c_suite")
        out = self.on_stock("demo", code=2, M=folder)
        self.assertIn("the modules use KUnit, which Linux ", out)
        self.assertNotIn("as Debian ships it", self.make("demo", M=folder, ARCH=""))

    def refused_on_stock(self, folder: Path, **variables: str) -> str:
        """What is said of modules that can't be tested there, before a guest is booted."""
        said = self.refused("test", M=str(folder), ARCH="", KERNEL=debian.NEWEST, **variables)
        self.assertNotIn("[4/4]", said)
        return said

    def test_refused(self) -> None:
        """Suites that only KUnit runs, and what only KUnit has."""
        said = self.refused_on_stock(FIXTURES / "rust_out_of_tree")
        self.assertIn("this kernel has no KUnit; only suites made by kunit_suite! run there", said)
        said = self.refused_on_stock(FIXTURES / "c_suite")
        self.assertIn("this kernel has no KUnit, which suites in C need", said)
        said = self.refused_on_stock(self.module(), ARGS="--filter speed>slow")
        self.assertIn("on a kernel without KUnit, suites have no attributes", said)
