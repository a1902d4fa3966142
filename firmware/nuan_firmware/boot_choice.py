"""Whether a node starts normally or in safe mode.

Into safe mode: when CRASHES_MAX starts in a row came to nothing, or when there is no key. An update
or a configuration on trial starts normally all the same: it may be what mends the node.
"""

import os

from micropython import const

from nuan_firmware import panic
from nuan_firmware.hal import chip

CRASHES_MAX = const(5)
NOT_PROVISIONED = "not provisioned: the chip's store has no node key"
_TRIAL_PATH = "/config.trial"


def reason() -> str:
    """Why the node must start in safe mode; empty when it is to start normally."""
    try:
        chip.node_key()
    except OSError:
        return NOT_PROVISIONED
    crashes = chip.number("crashes", 0)
    if crashes < CRASHES_MAX or chip.number("trial", -1) >= 0:
        return ""
    # An image that was given up counts as on trial until the program tells of it: it has to get on.
    if chip.number("vm_trial", 0) > 0 and crashes < 2 * CRASHES_MAX:
        return ""
    try:
        os.stat(_TRIAL_PATH)
    except OSError:
        panics = panic.read()
        last = panics[-1][-1] if panics else "a reset by " + chip.reset_cause()
        return "%d crashes in a row, the last: %s" % (crashes, last)
    return ""


def leave() -> None:
    """Restart into the normal program: it has one start before safe mode comes again."""
    # The loader counts this restart, too.
    chip.set_number("crashes", CRASHES_MAX - 2)
    chip.reset()
