# SPDX-License-Identifier: GPL-2.0

"""`make distclean`: nothing of ours stays in the cache, and all that is the user's."""

import unittest

from copies import CHECKOUT, said_by

from harness import places


class Distclean(unittest.TestCase):
    """A cache with the folders that the one in use has."""

    def test_all_of_it(self) -> None:
        names = [entry.name for entry in places.cache().iterdir() if entry.name[0] != "."]
        self.assertGreater(len(names), 5)
        with places.scratch("distclean") as folder:
            cache = folder / "cache"
            for name in (*names, "of-the-users"):
                (cache / name).mkdir(parents=True)
                (cache / name / "file").touch()
            words = ["make", "-C", str(CHECKOUT), "distclean"]
            code, out = said_by(words, env={"RUST_ALLOC_DEMO_CACHE": str(cache)})
            self.assertEqual(code, 0, out)
            self.assertEqual([entry.name for entry in cache.iterdir()], ["of-the-users"])
            (cache / "of-the-users/file").unlink()
            (cache / "of-the-users").rmdir()
            self.assertEqual(said_by(words, env={"RUST_ALLOC_DEMO_CACHE": str(cache)})[0], 0)
            self.assertFalse(cache.exists())

    def test_no_folder_that_would_stay(self) -> None:
        """A stage gets no folder that the command doesn't know."""
        self.assertEqual(places.stage("run").parent, places.cache())
        with self.assertRaisesRegex(ValueError, "distclean would leave it"):
            places.stage("of-the-users")


if __name__ == "__main__":
    unittest.main()
