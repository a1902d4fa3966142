"""What becomes of an update: made the good one when the node is healthy, given up otherwise.

    armed      `trial` is the idle slot (a VM image: `vm_trial`), `tries` 0: the next start tries it
    on trial   the loader has started it, `tries` 1; the chip does the same for a VM image
    confirmed  `slot` is the new one, `build` the highest that ever was; the rest is tidied up
    went back  by the loader or the chip, at any start that comes before the confirmation

Every step is one number in the chip's store, so that a power cut leaves one of these. /boot.why
holds the reason until it is journaled. Loaded on demand.
"""

import os
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_UPDATE

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal
    from nuan_firmware.node import Node
    from nuan_firmware.poller import Poller
    from nuan_protocols.bundle import Head

# To be healthy in, besides the time that a first turn takes on a bus where nobody answers.
SECONDS_MAX = const(1800)
_TRIES = const(3)
WHY_PATH = "/boot.why"
_CHARACTERS_MAX = const(200)
_BACK = "went back"


def watch(node: "Node") -> None:
    """At boot: journal what became of the last update; have one on trial confirmed or given up."""
    tell(node.journal)
    if chip.number("trial", -1) == chip.number("slot", 0):
        # The power went in the middle of the confirmation.
        _confirm_app(node.journal)
    if not is_on_trial():
        return
    for poller in node.pollers:
        poller.owes_turn = True
    supervisor = node.supervisor
    limit_s = SECONDS_MAX + _turn_s(node.pollers)

    def beat(now_s: int) -> None:
        if now_s >= limit_s and not supervisor.is_healthy and is_on_trial():
            polled = all(poller.turns for poller in node.pollers)
            what = "gateway not reached" if polled else "not every bus polled"
            give_up(node.journal, "%s within %d minutes" % (what, limit_s // 60))

    def healthy() -> None:
        confirm(node.journal)
        supervisor.on_beat.remove(beat)

    supervisor.on_healthy.append(healthy)
    supervisor.on_beat.append(beat)


def _turn_s(pollers: "list[Poller]") -> int:
    """How long the longest first turn takes when no meter answers."""
    turns_ms = [_TRIES * poller.line.timeout_ms * len(poller.meters) for poller in pollers]
    return max(turns_ms or [0]) // 1000


def leave(why: str) -> None:
    """A program on trial that would come down to safe mode is no good: go back at once."""
    if is_on_trial():
        _keep_why("safe mode: " + why)
        chip.restart()


def confirm(journal: "Journal") -> None:
    """The update on trial is the good one from now on."""
    if chip.number("trial", -1) >= 0:
        _confirm_app(journal)
    if chip.number("vm_trial", 0) > 0:
        _confirm_image(journal)


def give_up(journal: "Journal", reason: str) -> None:
    """Restart into what ran before; the reason is journaled then. Doesn't return on a board."""
    journal.flush()
    _keep_why(reason)
    chip.restart()


def tell(journal: "Journal") -> None:
    """Journal what the loader or the chip has decided since; once."""
    why = _why()
    image = _image_outcome(why)
    if image:
        journal.event(EVENT_UPDATE, image)
    elif why:
        journal.event(EVENT_UPDATE, _whole(why)[:_CHARACTERS_MAX])
    else:
        return
    # Told is what is on flash.
    journal.flush()
    if why:
        os.remove(WHY_PATH)
    if image:
        chip.set_number("vm_trial", 0)


def is_on_trial() -> bool:
    """Whether what runs is an update that hasn't proved itself yet."""
    expected = chip.number("vm_trial", 0)
    if expected > 0:
        return _runs(expected)
    return chip.number("trial", -1) >= 0 and chip.number("tries", 0) > 0


def _confirm_app(journal: "Journal") -> None:
    slot = chip.number("trial", -1)
    head = _head(slot)
    if chip.number("fled", 0):
        # The loader may leave this one, too.
        chip.set_number("fled", 0)
    # From here on the loader takes it for the good one.
    chip.set_number("slot", slot)
    build = chip.number("build", 0)
    if head and head.build > build:
        chip.set_number("build", head.build)
    if head:
        journal.event(EVENT_UPDATE, "confirmed %s (build %d)" % (head.version, head.build))
        # Told is what is on flash.
        journal.flush()
    chip.set_number("trial", -1)


def _confirm_image(journal: "Journal") -> None:
    from nuan_firmware.hal import flash

    flash.keep_image()
    build = chip.number("vm_next", 0)
    if build > chip.number("vm_build", 0):
        chip.set_number("vm_build", build)
    on_demand.unload("hal.flash")
    journal.event(EVENT_UPDATE, "confirmed VM image, build %d" % build)
    journal.flush()
    chip.set_number("vm_trial", 0)


def _image_outcome(why: str) -> str:
    """What to say of a VM image that was on trial; empty when none was, or it still is."""
    expected = chip.number("vm_trial", 0)
    if expected <= 0:
        return ""
    if not _runs(expected):
        return "VM image, build %d, %s: %s" % (
            chip.number("vm_next", 0),
            _BACK,
            why or "it was restarted before it was healthy",
        )
    # Given up, and the chip keeps it: the power failed after keep_image().
    return "VM image, build %d, stays: %s" % (chip.number("vm_next", 0), why) if why else ""


def _runs(expected: int) -> bool:
    from nuan_firmware.hal import flash

    runs = flash.running_image() == "ota_%d" % (expected - 1)
    on_demand.unload("hal.flash")
    return runs


def _whole(why: str) -> str:
    """The loader's reason, with which update it was and what its last panic says."""
    if not why.startswith(_BACK):
        return why
    head = _idle_head()
    if head is None:
        return why
    from nuan_firmware import panic

    panics = panic.read()
    if why.endswith("healthy") and panics and panics[-1][5] == head.version:
        why += "; " + panics[-1][6]
    return "%s from %s (build %d)%s" % (_BACK, head.version, head.build, why[len(_BACK) :])


def _idle_head() -> "Head | None":
    return _head(1 - (1 if chip.number("slot", 0) == 1 else 0))


def _head(slot: int) -> "Head | None":
    from nuan_firmware.hal import flash
    from nuan_protocols import bundle

    try:
        return bundle.Head(flash.slots()[slot])
    except (OSError, ValueError):
        return None
    finally:
        on_demand.unload("hal.flash", "nuan_protocols.bundle")


def _keep_why(reason: str) -> None:
    try:
        with open(WHY_PATH, "w") as file:
            file.write(reason[:_CHARACTERS_MAX])
    except OSError as problem:
        # On full flash it goes back all the same.
        print("update given up:", reason, problem)


def _why() -> str:
    try:
        with open(WHY_PATH) as file:
            why: str = file.read(_CHARACTERS_MAX)
            return why
    except OSError:
        return ""
