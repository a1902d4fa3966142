"""Readings in an M-Bus telegram: it names its own registers, the profile says which matter."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile

_ACKNOWLEDGED = b"\xe5"
_SHORT_FRAME_BYTES = 5
_SHORT_ADDRESS_AT = 2
_LONG_ADDRESS_AT = 5
# Above it: network layer, point-to-point and broadcast, which every meter answers.
_ADDRESS_MAX = 250

_pickers: "dict[str, Picker]" = {}


def mbus_readings(meter: "Profile", question: bytes, answer: bytes) -> list[Reading]:
    """Readings of the registers of interest in telegram order, unreadable ones with their reason.

    A header status that isn't 0 adds an "error_flags:header". Raises FrameError.
    """
    if answer == _ACKNOWLEDGED:
        return []
    picker = _pickers.get(meter.name)
    if picker is None:
        picker = _pickers[meter.name] = Picker(meter.registers)
    status, found = picker.pick(answer)
    if len(question) == _SHORT_FRAME_BYTES:
        asked, answered = question[_SHORT_ADDRESS_AT], answer[_LONG_ADDRESS_AT]
        if asked != answered and asked <= _ADDRESS_MAX:
            reason = f"meter {answered} answered instead of meter {asked}"
            raise FrameError(reason, _LONG_ADDRESS_AT)
    if status > 0:
        found.append(
            Reading("error_flags:header", status, 0, "1", 0, 0, 0, "instantaneous", "ok", "")
        )
    return found
