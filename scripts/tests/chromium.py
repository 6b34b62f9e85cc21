# SPDX-License-Identifier: GPL-2.0

"""A browser without a screen, for the tests of pages: what a page looks like, and what is in it."""

import html
import json
import struct
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copies  # noqa: F401
from harness import toolchain as toolchains

# The value of Chromium's setting for each theme that a page can ask for.
THEMES = {"dark": 0, "light": 1}

# Longer than a start on a machine that is busy, in seconds.
LIMIT = 120

# Shows a page in a frame of a width, and has a script in it; what that returns is the text of this
# page.
FRAME = """<!doctype html>
<iframe src="{page}" style="width: {width}px; height: 1000px; border: 0"></iframe>
<script>
document.querySelector("iframe").onload = function () {{
  const page = this.contentDocument;
  const found = (() => {{ {script} }})();
  document.body.textContent = JSON.stringify(found);
}};
</script>
"""


@dataclass(frozen=True)
class Picture:
    """A screenshot: its size, the colour of its first pixel, and how much there is in it."""

    width: int
    height: int
    first: tuple[int, ...]
    values: int


def run(page: Path, theme: str, *options: str) -> str:
    """Opens a page, and returns what is printed."""
    toolchain = toolchains.with_packages(toolchains.root(), ["chromium"])
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--hide-scrollbars", f"--blink-settings=preferredColorScheme={THEMES[theme]}"),
        *(*options, f"file://{page}"),
    ]
    done = subprocess.run(
        toolchain.argv(command, rw=[page.parent]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


def screenshot(page: Path, theme: str, width: int, height: int, to: Path) -> Picture:
    """Takes a picture of a page's top, to a file beside it."""
    run(page, theme, f"--screenshot={to}", f"--window-size={width},{height}")
    return picture(to.read_bytes())


def picture(png: bytes) -> Picture:
    """What is in a PNG. The first pixel is as it is, whatever filter its row has."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n"), png[:8]
    at, data, size = 8, b"", (0, 0)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            size = struct.unpack_from(">II", body)
        elif kind == b"IDAT":
            data += body
        at += length + 12
    rows = zlib.decompress(data)
    return Picture(*size, tuple(rows[1:4]), len(set(rows)))


def ask(page: Path, theme: str, width: int, script: str) -> Any:
    """What a script says of a page, which it has as `page`, when that is shown in such a width."""
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.format(page=page.name, width=width, script=script))
    said = run(
        frame, theme, "--allow-file-access-from-files", "--dump-dom", "--window-size=1400,1000"
    )
    body = html.unescape(said.partition("<body>")[2].partition("</body>")[0])
    return json.loads(body)
