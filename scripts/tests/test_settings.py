# SPDX-License-Identifier: GPL-2.0

"""What a module's directory says in guest/: which files count for a kernel, and bad ones."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import copies  # noqa: F401
from harness import settings
from harness.messages import Fail
from harness.settings import Messages

KERNEL = ("7.3", "x86_64", "debug")


class Module(unittest.TestCase):
    """A directory of modules with a folder guest/."""

    def setUp(self) -> None:
        """Makes the directory."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.guest = Path(folder.name).resolve() / "guest"
        patch = mock.patch.dict(os.environ, M=folder.name)
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, **files: str) -> None:
        """Writes files; an underscore in a name is a dot, two are a dash."""
        self.guest.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.guest / name.replace("__", "-").replace("_", ".")).write_text(text)


class Selecting(Module):
    """Files for some kernels only."""

    def test_nothing(self) -> None:
        """A module that says nothing."""
        self.assertEqual(settings.fragments(KERNEL), "")
        self.assertEqual(settings.script(KERNEL), "")
        self.assertEqual(settings.messages("test", KERNEL), Messages())

    def test_selectors(self) -> None:
        """The file for all kernels is first, and those of other kernels don't count."""
        self.write(
            kernel_config="A\n",
            kernel__debug_config="D\n",
            kernel__arm64_config="E\n",
        )
        (self.guest / "kernel-7.3.config").write_text("C\n")
        (self.guest / "kernel-6.12.config").write_text("F\n")
        self.assertEqual(settings.fragments(KERNEL), "A\nC\nD\n")
        self.assertEqual(settings.fragments(("6.12", "arm64", "")), "A\nF\nE\n")
        self.assertEqual(settings.fragments(("6.18", "um", "")), "A\n")

    def test_script(self) -> None:
        """A script for one flavour."""
        self.write(guest__debug_sh="echo debug\n")
        self.assertEqual(settings.script(KERNEL), "echo debug\n")
        self.assertEqual(settings.script(("7.3", "x86_64", "")), "")

    def test_unknown_selector(self) -> None:
        """A name that selects nothing would never be looked at."""
        self.write(guest__x86_sh="exit 1\n")
        with self.assertRaisesRegex(Fail, "guest-x86.sh: x86 selects no kernel; .* 6.12, x86_64"):
            settings.script(KERNEL)


class MessagesTest(Module):
    """messages.toml."""

    def rules(self, text: str, command: str = "test") -> Messages:
        """What a file says for a command."""
        self.write(messages_toml=text)
        return settings.messages(command, KERNEL)

    def test_read(self) -> None:
        """Tables of a command, of all kernels and of some."""
        text = (
            "[demo]\nrequired = ['a']\n[test]\nallowed = ['b']\nforbidden = ['c']\n"
            "[test.debug]\nrequired = ['d']\nallowed = ['e']\n[test.um]\nrequired = ['f']\n"
            "[test.\"7.3\"]\nforbidden = ['g']\n"
        )
        self.assertEqual(self.rules(text), Messages(("d",), ("b", "e"), ("c", "g")))
        self.assertEqual(self.rules(text, "demo"), Messages(("a",)))
        self.assertEqual(
            settings.messages("test", ("6.12", "um", "")), Messages(("f",), ("b",), ("c",))
        )

    def test_bad(self) -> None:
        """One line that names the file and what is wrong."""
        for text, message in (
            ("[test\n", "Expected ']'"),
            ("[tests]\n", "no command has a table tests; there are demo, test"),
            ("[test]\nrequire = ['a']\n", "test has no list require; it has required, allowed"),
            ("[test.debug]\nrequire = ['a']\n", "test.debug has no list require"),
            ("[test]\nrequired = ['(']\n", "`(` is not a regular expression (missing )"),
            ("[test]\nrequired = 'text'\n", "required of test is not a list of texts"),
            ("[test]\nrequired = [1]\n", "required of test is not a list of texts"),
            ("test = 1\n", "test is not a table"),
            (
                "[test.x86_46]\nrequired = ['a']\n",
                "test has a table x86_46, which selects no kernel; what does is a version",
            ),
        ):
            with self.subTest(text):
                with self.assertRaises(Fail) as caught:
                    self.rules(text)
                said = str(caught.exception)
                self.assertIn(f"{self.guest}/messages.toml: ", said)
                self.assertIn(message, said)
                self.assertNotIn("\n", said)


if __name__ == "__main__":
    unittest.main()
