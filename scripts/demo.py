# SPDX-License-Identifier: GPL-2.0

"""`make demo`: loads and unloads the modules in a guest, shows what they say, and judges that."""

import re

from harness import arch as arches
from harness import command
from harness import debian
from harness import kernel as kernels
from harness import ko as kos
from harness import kunit
from harness import messages
from harness import module
from harness import places
from harness import settings
from harness import source as sources
from harness import stages
from harness import variables
from harness import verdict
from harness.guest import Content
from harness.kernel import Needs
from harness.messages import Fail

STEPS = 4
DEADLINE = 180

# What is not the modules' in the log: /init, and KUnit, which says that it is off.
UNTOLD = re.compile(rf"guest: |kunit: disabled$|{verdict.KTAP.pattern}")


class Shown:
    """Prints what the kernel's log has while the modules are loaded; the rest is in the log."""

    def __init__(self) -> None:
        self.started = False

    def line(self, text: str) -> None:
        """Takes a line of the console."""
        bare = verdict.STAMP.sub("", text)
        if bare in ("guest: started", "guest: finished"):
            self.started = bare == "guest: started"
        elif self.started and not UNTOLD.match(bare):
            messages.say(text)


def shipped() -> str:
    """The kernel that is taken where none is named: what users run, unless the modules want KUnit
    or settings of their own, or the architecture is one for which there are lean kernels only.
    """
    arch = arches.selected() or arches.ARCHES[arches.DEFAULT]
    version = kernels.short(sources.DEFAULT)
    own = settings.fragments(kernels.selectors(version, arch, "")) or module.wants_kunit()
    return "" if own or arch.name != arches.DEFAULT else debian.NEWEST


def main() -> None:
    """Runs all stages and the demo."""
    variables.takes("demo", *variables.KERNEL, "M", "ARGS", "V")
    words = variables.args()
    kos.check_parameters(words)
    settings.check_messages()
    kernel, modules = stages.build(STEPS, Needs(image=True), default=shipped())
    args = kos.parameters(words, modules.all)
    load = modules.in_order(modules.all)
    rules = settings.messages("demo", kernel.selectors)
    messages.step(4, STEPS, f"guest: insmod and rmmod of {', '.join(ko.name for ko in load)}")

    log = places.logs() / "demo-console.log"
    console = stages.run(
        "demo",
        kernel,
        Content(load=load),
        log,
        DEADLINE,
        args=[kunit.NO_SUITES, *args],
        on_line=Shown().line,
    )
    faults = verdict.guest_faults(console, rules) + verdict.memory_faults(console, kernel.config)
    faults += verdict.message_faults(console, rules)
    faults += verdict.detector_faults(console, kernel.config)
    verdict.report(faults)
    if faults:
        raise Fail(f"the demo failed; the guest's console log is {log}")
    for note in verdict.notes(console, "guest"):
        messages.say(note)
    messages.say("demo: insmod and rmmod went as they should")


if __name__ == "__main__":
    command.main(main)
