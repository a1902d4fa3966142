"""Readings in an M-Bus telegram: it names its own registers, the profile says which matter."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile

_ACKNOWLEDGED = b"\xe5"
_SHORT_FRAME_BYTES = 5
_SHORT_ADDRESS_AT = 2
_LONG_ADDRESS_AT = 5
# Above it: network layer, point-to-point and broadcast, which every meter answers.
_ADDRESS_MAX = 250


def mbus_readings(meter: "Profile", question: bytes, answer: bytes) -> list[Reading]:
    """Readings of the registers of interest in telegram order, unreadable ones with their reason.

    A header status that isn't 0 adds an "error_flags:header". Raises FrameError.
    """
    if answer == _ACKNOWLEDGED:
        return []
    telegram = decode(answer)
    _check_address(question, answer)
    wanted = _wanted(meter)
    found = [
        record.reading
        for record in telegram.records
        if (record.reading[0], record.reading[4:8]) in wanted
    ]
    status = telegram.header.status if telegram.header else 0
    if status > 0:
        found.append(
            Reading("error_flags:header", status, 0, "1", 0, 0, 0, "instantaneous", "ok", "")
        )
    return found


_wanted_of: "dict[str, set[tuple[str, tuple[int, int, int, str]]]]" = {}


def _wanted(meter: "Profile") -> "set[tuple[str, tuple[int, int, int, str]]]":
    wanted = _wanted_of.get(meter.name)
    if wanted is None:
        wanted = {
            (
                register.quantity,
                (register.storage, register.tariff, register.subunit, register.function),
            )
            for register in meter.registers
        }
        _wanted_of[meter.name] = wanted
    return wanted


def _check_address(question: bytes, answer: bytes) -> None:
    if len(question) != _SHORT_FRAME_BYTES:
        return
    asked = question[_SHORT_ADDRESS_AT]
    answered = answer[_LONG_ADDRESS_AT]
    if asked <= _ADDRESS_MAX and answered != asked:
        raise FrameError(f"meter {answered} answered instead of meter {asked}", _LONG_ADDRESS_AT)
