"""The link layer of an M-Bus slave (EN 13757-2): addresses, FCB, acknowledgement, telegrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nuan_emulator.meters.device import Reaction
from nuan_emulator.meters.mbus_layout import (
    ACK,
    START_LONG,
    START_SHORT,
    STOP,
    Header,
    RecordKind,
    long_frame,
    manufacturer_code,
    telegram_layout,
)

REACTION = Reaction(min_bits=11, max_bits=330, extra_us=50_000)
"""EN 13757-2: the answer begins 11 bit times to 330 bit times + 50 ms after the request."""

SHORT_FRAME_BYTES = 5
LONG_FRAME_BYTES_MIN = 9
LONG_FRAME_BYTES_EXTRA = 6

ADDRESS_PRIMARY_MAX = 250
ADDRESS_TEST = 0xFE
ADDRESS_BROADCAST = 0xFF

SND_NKE = 0x40
SND_UD = 0x53
REQ_UD2 = 0x5B
RSP_UD = 0x08
FCB = 0x20
"""Frame count bit: toggled by the master when the last answer reached it."""
CI_APPLICATION_RESET = 0x50


class MBusSlave:
    """A slave at a primary address that answers REQ_UD2 with one or several telegrams.

    Subclasses give the values of every record by name; None means the meter is silent.
    A repeated FCB gets the same answer once more; a toggled one the next telegram, made anew.
    """

    def __init__(
        self, address: int, header: Header, telegrams: Sequence[Sequence[RecordKind]]
    ) -> None:
        """`telegrams`: the records of each telegram in the order they are sent."""
        if not 0 <= address <= ADDRESS_PRIMARY_MAX:
            raise ValueError(f"M-Bus primary address {address} is outside 0..{ADDRESS_PRIMARY_MAX}")
        if len(header.serial) != 8 or not header.serial.isdecimal():
            raise ValueError(f"M-Bus serial number {header.serial!r} is not 8 decimal digits")
        self.address = address
        self.header = header
        self._layouts = [
            telegram_layout(tuple(kinds), more=index < len(telegrams) - 1)
            for index, kinds in enumerate(telegrams)
        ]
        self._head: dict[str, object] = {
            "control": RSP_UD,
            "address": address,
            "identification": int(header.serial),
            "manufacturer": manufacturer_code(header.manufacturer),
            "version": header.version,
            "medium": header.medium,
        }
        self._fcb: int | None = None
        self._next = 0
        self._access_number = 0
        self._last_answer: bytes | None = None

    @property
    def reaction(self) -> Reaction:
        """The window of EN 13757-2."""
        return REACTION

    def values(self, now_ms: int) -> Mapping[str, object] | None:
        """Every record's value by name at `now_ms`, plus "status"; None when silent."""
        raise NotImplementedError

    def concerns(self, request: bytes) -> bool:
        """Whether a whole, undamaged frame names this slave, all slaves, or the test address."""
        fields = _link_fields(request)
        return fields is not None and (fields[1] == self.address or fields[1] >= ADDRESS_TEST)

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """Answer a whole frame addressed to this slave; damaged and foreign frames get silence."""
        fields = _link_fields(request)
        if fields is None or not self.concerns(request):
            return None
        control, address, ci = fields
        reply = self._act(control, ci, now_ms)
        return None if address == ADDRESS_BROADCAST else reply

    def _act(self, control: int, ci: int | None, now_ms: int) -> bytes | None:
        if control == SND_NKE:
            if self.values(now_ms) is None:
                return None
            self._fcb, self._next, self._last_answer = None, 0, None
            return ACK
        if control & ~FCB == REQ_UD2:
            return self._respond(control & FCB, now_ms)
        if control & ~FCB == SND_UD and ci == CI_APPLICATION_RESET:
            self._next = 0
            return ACK
        return None

    def _respond(self, fcb: int, now_ms: int) -> bytes | None:
        values = self.values(now_ms)
        if values is None:
            return None
        if fcb == self._fcb and self._last_answer is not None:
            return self._last_answer
        layout = self._layouts[self._next]
        user_data = layout.build({**self._head, "access_number": self._access_number, **values})
        self._access_number = (self._access_number + 1) & 0xFF
        self._next = (self._next + 1) % len(self._layouts)
        self._fcb = fcb
        self._last_answer = long_frame.build({"user_data": user_data})
        return self._last_answer


def _link_fields(request: bytes) -> tuple[int, int, int | None] | None:
    """(control, address, CI) of a short, control or long frame whose lengths and sum are right."""
    if len(request) == SHORT_FRAME_BYTES and request[0] == START_SHORT:
        user_data, check = request[1:3], request[3]
    elif len(request) >= LONG_FRAME_BYTES_MIN and request[0] == request[3] == START_LONG:
        length = request[1]
        if length != request[2] or len(request) != length + LONG_FRAME_BYTES_EXTRA:
            return None
        user_data, check = request[4:-2], request[-2]
    else:
        return None
    if sum(user_data) & 0xFF != check or request[-1] != STOP:
        return None
    return user_data[0], user_data[1], user_data[2] if len(user_data) > 2 else None
