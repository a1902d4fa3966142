"""Readings in an M-Bus telegram: it names its own registers, the profile says which matter."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.meters.profile import Register, current
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
    found = _as_read(meter, found)
    if status > 0:
        found.append(Reading(HEADER, status, 0, "1", 0, 0, 0, "instantaneous", "ok", ""))
    return found


def billed_record(meter: "Profile", answer: bytes) -> tuple[int, int]:
    """(offset, length) of the record that bills are made from; (0, 0) where none is good."""
    if meter.billing is None or answer == _ACKNOWLEDGED:
        return 0, 0
    wanted = set(meter.registers)
    records = [record for record in decode(answer).records if _register(record.reading) in wanted]
    readings = _as_read(meter, [record.reading for record in records])
    for record, reading in zip(records, readings):
        good = reading.integer is not None and reading.status == "ok"
        if good and _register(reading) == meter.billing:
            return record.offset, record.length
    return 0, 0


def _register(reading: Reading) -> "Register":
    return Register(
        reading.quantity, reading.storage, reading.tariff, reading.subunit, reading.function
    )


def _as_read(meter: "Profile", found: list[Reading]) -> list[Reading]:
    """The readings one by one as the profile reads what the telegram names and numbers."""
    for quantity, bits in meter.magnitudes:
        found = [_by_magnitude(reading, quantity, bits) for reading in found]
    for sent, read in meter.aliases:
        found = [
            _named(reading, read) if _register(reading) == sent else reading for reading in found
        ]
    for quantity, names in meter.repeats:
        found = _told_apart(found, quantity, names)
    return found


def _by_magnitude(reading: Reading, quantity: str, bits: int) -> Reading:
    """The reading with what was taken for two's complement read as sign and magnitude."""
    number = reading.integer
    if reading.quantity != quantity or number is None or not -(1 << (bits - 1)) <= number < 0:
        return reading
    return Reading(
        reading.quantity, -(number + (1 << (bits - 1))), reading.exponent, reading.unit,
        reading.storage, reading.tariff, reading.subunit, reading.function,
        reading.status, reading.text,
    )  # fmt: skip


def _told_apart(found: list[Reading], quantity: str, names: tuple[str, ...]) -> list[Reading]:
    """The current registers of a quantity under their names, if there are as many as names."""
    places = [
        index
        for index, reading in enumerate(found)
        if reading[0] == quantity and reading[4:8] == (0, 0, 0, "instantaneous")
    ]
    if len(places) == len(names):
        for index, name in zip(places, names):
            found[index] = _named(found[index], current(name))
    return found


def _named(reading: Reading, register: "Register") -> Reading:
    return Reading(
        register.quantity, reading.integer, reading.exponent, reading.unit,
        register.storage, register.tariff, register.subunit, register.function,
        reading.status, reading.text,
    )  # fmt: skip
