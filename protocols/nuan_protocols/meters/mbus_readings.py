"""Readings in an M-Bus telegram: it names its own registers, the profile says which matter."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.meters.status import HEADER
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile

_ACKNOWLEDGED = b"\xe5"
_SHORT_FRAME_BYTES = 5
_SHORT_ADDRESS_AT = 2
_LONG_ADDRESS_AT = 5
# Above it: network layer, point-to-point and broadcast, which every meter answers.
_ADDRESS_MAX = 250

_pickers: "dict[tuple[str, int], Picker]" = {}


def mbus_readings(meter: "Profile", question: bytes, answer: bytes) -> list[Reading]:
    """Readings of the registers of interest in telegram order, unreadable ones with their reason.

    A header status that isn't 0 adds an "error_flags:header". Raises FrameError.
    """
    if answer == _ACKNOWLEDGED:
        return []
    key = (meter.name, meter.version)
    picker = _pickers.get(key)
    if picker is None:
        picker = _pickers[key] = Picker(meter.registers)
    status, found = picker.pick(answer)
    if len(question) == _SHORT_FRAME_BYTES:
        asked, answered = question[_SHORT_ADDRESS_AT], answer[_LONG_ADDRESS_AT]
        if asked != answered and asked <= _ADDRESS_MAX:
            reason = f"meter {answered} answered instead of meter {asked}"
            raise FrameError(reason, _LONG_ADDRESS_AT)
    for quantity, bits in meter.magnitudes:
        found = [_by_magnitude(reading, quantity, bits) for reading in found]
    for quantity, names in meter.repeats:
        found = _told_apart(found, quantity, names)
    if status > 0:
        found.append(Reading(HEADER, status, 0, "1", 0, 0, 0, "instantaneous", "ok", ""))
    return found


def _by_magnitude(reading: Reading, quantity: str, bits: int) -> Reading:
    """The reading with what was taken for two's complement read as sign and magnitude."""
    number = reading.integer
    if reading.quantity != quantity or number is None or not -(1 << (bits - 1)) <= number < 0:
        return reading
    return _with(reading, reading.quantity, -(number + (1 << (bits - 1))))


def _told_apart(found: list[Reading], quantity: str, names: tuple[str, ...]) -> list[Reading]:
    """The current registers of a quantity under their names, if there are as many as names."""
    places = [
        index
        for index, reading in enumerate(found)
        if reading[0] == quantity and reading[4:8] == (0, 0, 0, "instantaneous")
    ]
    if len(places) == len(names):
        for index, name in zip(places, names):
            found[index] = _with(found[index], name, found[index].integer)
    return found


def _with(reading: Reading, quantity: str, integer: "int | None") -> Reading:
    return Reading(
        quantity,
        integer,
        reading.exponent,
        reading.unit,
        reading.storage,
        reading.tariff,
        reading.subunit,
        reading.function,
        reading.status,
        reading.text,
    )
