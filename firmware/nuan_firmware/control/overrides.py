"""Sets a zone by hand: checks it, journals who and why. Loaded for the moment."""

from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.body import EVENT_OVERRIDE

if TYPE_CHECKING:
    from nuan_firmware.control.zones import Zones

_SETPOINT_DC_MIN = const(50)
_SETPOINT_DC_MAX = const(350)
_WHO_MAX = const(32)
_WHY_MAX = const(80)


def override(
    zones: "Zones", number: int, setpoint_dc: int, until_s: int, who: str, why: str
) -> None:
    """Take or, with until_s 0, end an override. Raises ValueError(reason); then nothing changes."""
    for law in zones.laws:
        if law.zone.zone == number:
            break
    else:
        raise ValueError("there is no zone %d" % number)
    if not who or len(who) > _WHO_MAX or not why or len(why) > _WHY_MAX:
        raise ValueError("say who (at most %d characters) and why (%d)" % (_WHO_MAX, _WHY_MAX))
    if not until_s:
        if not law.override:
            raise ValueError("zone %d has no override" % number)
        law.override = ()
        _note(zones, "zone %d: ended by %s, %s" % (number, who, why))
        return
    if setpoint_dc and not _SETPOINT_DC_MIN <= setpoint_dc <= _SETPOINT_DC_MAX:
        raise ValueError(
            "set-point %d is neither 0 (off) nor %d..%d tenths"
            % (setpoint_dc, _SETPOINT_DC_MIN, _SETPOINT_DC_MAX)
        )
    if not zones.clock.quality():
        raise ValueError("the clock was never set, so no expiry can be kept")
    now_s = zones.clock.now()
    if not now_s < until_s <= now_s + zones.control.override_s_max:
        raise ValueError(
            "expiry %d is not within the next %d s" % (until_s, zones.control.override_s_max)
        )
    law.override = (setpoint_dc, until_s, who, why)
    _note(zones, "zone %d: %d until %d by %s, %s" % (number, setpoint_dc, until_s, who, why))


def _note(zones: "Zones", text: str) -> None:
    # 240 bytes of UTF-8 are 80 Chinese characters.
    while len(text.encode()) > 240:
        text = text[:-1]
    zones.journal.event(EVENT_OVERRIDE, text)
    # On flash before the override is: a power cut must leave none whose author nobody knows.
    zones.journal.flush()
