# SPDX-License-Identifier: GPL-2.0

"""How kunit.py runs a guest under QEMU; kunit.py beside it sets the environment."""

import json
import os

from qemu_config import QemuArchParams

guest = json.loads(os.environ["GUEST"])

QEMU_ARCH = QemuArchParams(
    linux_arch=guest["arch"],
    kconfig="",
    qemu_arch=guest["qemu"],
    kernel_path=guest["kernel"],
    # With kunit_shutdown=none the kernel goes on to /init after the built-in suites. What an older
    # kunit.py appends to that unasked, `--` makes an argument of /init.
    kernel_command_line=" ".join([*guest["command_line"], "kunit_shutdown=none", "--"]),
    extra_qemu_params=[
        *guest["hardware"],
        "-initrd",
        guest["initrd"],
        # Standard output is kunit.py's; the log has every guest of the run, for the verdict.
        "-chardev",
        f"stdio,id=console,logfile={guest['log']},logappend=on",
    ],
    serial="chardev:console",
)
