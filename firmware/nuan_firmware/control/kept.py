"""What zones keep over a reboot: overrides, learned rates, cycles of the valves. For the moment.

    {"1": [[setpoint_dc, until_s, who, why] or [], [rates], cycles], ..}    by zone

A file that can't be read is as none: everything in it can be learned or set anew.
"""

import json
import os
from typing import TYPE_CHECKING

from nuan_protocols.uplink.body import EVENT_FAULT

if TYPE_CHECKING:
    from nuan_firmware.control.zones import Zones


def load(zones: "Zones") -> None:
    """Take back what was kept, as far as it makes sense."""
    try:
        with open(zones.path) as file:
            document = json.load(file)
        for law in zones.laws:
            entry = document.get(str(law.zone.zone))
            if entry:
                override, rates, switches = entry
                law.switches = int(switches)
                if len(rates) == len(law.rates) and all(1 <= rate <= 255 for rate in rates):
                    law.rates[:] = bytes(rates)
                if len(override) == 4:
                    setpoint_dc, until_s, who, why = override
                    law.override = (int(setpoint_dc), int(until_s), str(who), str(why))
    except (OSError, ValueError, TypeError, AttributeError):
        return


def save(zones: "Zones") -> None:
    """Write it all; the old file holds until the new one is whole, or when flash is full."""
    document = {}
    for law in zones.laws:
        document[str(law.zone.zone)] = [list(law.override), list(law.rates), law.switches]
    try:
        with open(zones.path + ".new", "w") as file:
            json.dump(document, file)
        os.rename(zones.path + ".new", zones.path)
    except OSError as problem:
        zones.journal.event(EVENT_FAULT, "zones: not kept over a reboot: %r" % problem)
