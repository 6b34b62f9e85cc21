# SPDX-License-Identifier: GPL-2.0

"""`make demo`: loads and unloads the module in a guest, shows what it says, and judges that."""

import re

import common
import guest
import kernel as kernels
import module
import verdict
from common import Fail

STEPS = 4
DEADLINE = 180


def parameters() -> list[str]:
    """The module's parameters out of ARGS, as words of the kernel's command line."""
    words = common.args()
    for word in words:
        if not re.fullmatch(r"[A-Za-z0-9_]+=[A-Za-z0-9_,.:-]+", word):
            raise Fail(f'ARGS: `{word}` is not name=value; try ARGS="max_align=4096 live=4"')
    return [f"rust_alloc_demo.{word}" for word in words]


def show(line: str) -> None:
    """Prints what the module says; the rest is in the log."""
    if "rust_alloc_demo:" in line:
        common.say(line)


def main() -> None:
    """Runs all stages and the demo."""
    args = parameters()
    kernel = kernels.select(1, STEPS, need_kunit=False, need_image=True)
    common.step(3, STEPS, "module")
    modules = module.build(kernel)
    common.step(4, STEPS, "guest: insmod, the walk, rmmod")

    log = common.logs() / "demo-console.log"
    with guest.run_directory("demo") as run:
        initrd = guest.initramfs(kernel, modules, run / "initramfs.cpio")
        console = guest.boot(kernel, initrd, "demo", log, DEADLINE, args, show)

    faults = verdict.demo_faults(console)
    verdict.report(faults)
    if faults:
        raise Fail(f"the demo failed; the guest's console log is {log}")
    common.say("demo: insmod, walk and rmmod went as they should")


if __name__ == "__main__":
    common.main(main)
