"""What a node journals once a boot: why it started, with what, and what it found."""

import gc
from typing import TYPE_CHECKING

from nuan_firmware import VERSION, panic
from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_BOOT, EVENT_FAULT

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal


def note(journal: "Journal", config_version: int) -> bool:
    """Journal the boot, the configuration, what the flash had lost, and what ended the last run;
    whether the configuration is on trial."""
    # Not before: the journal's buffers were made meanwhile.
    from nuan_firmware import config_trial

    chip.set_number("resets", chip.number("resets", 0) + 1)
    gc.collect()
    journal.event(EVENT_BOOT, "%s nuan %s heap %d" % (chip.reset_cause(), VERSION, gc.mem_alloc()))
    on_trial = config_trial.note(journal, config_version)
    if journal.torn_bytes or journal.removed:
        journal.event(
            EVENT_FAULT,
            "journal: %d torn bytes, %d segments unreadable"
            % (journal.torn_bytes, journal.removed),
        )
    panic.tell(journal)
    return on_trial
