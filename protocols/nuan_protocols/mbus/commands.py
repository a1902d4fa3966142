"""The few commands that change a meter, each made only for who was asked for it by name.

    SND_UD     68 .. 68 53 A CI data sum 16 -> E5       A is FD after a selection (secondary.py)

    application_reset     50 | sub-code
    set_primary_address   51 | 01 7A | address
    set_baud              B8 .. BF, 300 to 38400 baud: then SND_NKE at the new rate -> E5
    set_time              51 | 04 6D | type F, or with seconds 51 | 06 6D | type I

There is no way to send anything else. A command goes to one meter: never to all (FE, FF), nor to a
secondary address with wildcards. The node's firmware doesn't import this.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.frame import (
    ACK,
    ADDRESS_SELECTED,
    SND_NKE,
    SND_UD,
    long_frame,
    short_frame,
)
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.mbus.secondary import ADDRESS_BYTES, ANY, ANY_NIBBLE, select_frame
from nuan_protocols.readout import FOREIGN, NO_ANSWER, OK, TRIES, UNKEPT, UNREADABLE, ReadOut

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TypeAlias

    Value: TypeAlias = int | tuple[int, ...]

APPLICATION_RESET = "application_reset"
SET_PRIMARY_ADDRESS = "set_primary_address"
SET_BAUD = "set_baud"
SET_TIME = "set_time"
NAMES = (APPLICATION_RESET, SET_PRIMARY_ADDRESS, SET_BAUD, SET_TIME)

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
# Most meters are found at the first ones; the rest in order.
SCAN_BAUDS = (2400, 300, 9600, 1200, 4800, 600, 19200, 38400)
# A meter that isn't asked anything at its new rate goes back to the old one (EN 13757-2).
FALLBACK_S = 600
ADDRESS_LAST = 250

_CI_APPLICATION_RESET = 0x50
_CI_DATA = 0x51
_CI_BAUD_300 = 0xB8
_ADDRESS_RECORD = b"\x01\x7a"
_TIME_F_RECORD = b"\x04\x6d"
_TIME_I_RECORD = b"\x06\x6d"
_SUB_CODE_MAX = 0xFF
_YEAR_FIRST = 2000
_YEAR_LAST = 2080

_SELECT = 0
_COMMAND = 1
_CONFIRM = 2
_LOOK_BACK = 3


def command(
    name: str,
    address: "int | bytes",
    value: "Value",
    asked_for: "Collection[str]",
    baud: int = 0,
    tries: int = TRIES,
) -> "Command":
    """The command `name`, driven like a ReadOut; `asked_for` holds the names the user allowed.

    address   primary 0..250, or the 8 bytes of a secondary one without wildcards
    value     sub-code 0..255; new address 0..250; new baud rate (with `baud`, the present one);
              civil time of the meter: (year, month, day, hour, minute) or with second behind

    Raises FrameError when it wasn't asked for by name, or is nothing a meter can be told.
    """
    if name not in NAMES:
        raise FrameError(f"no command {name!r}: one of {', '.join(NAMES)}", 0)
    if name not in asked_for:
        raise FrameError(f"{name} changes the meter and wasn't asked for by that name", 0)
    if isinstance(address, int):
        if not 0 <= address <= ADDRESS_LAST:
            raise FrameError(f"{name} goes to one meter, address 0 to 250, not {address}", 0)
    else:
        _check_secondary(name, address)
    ci, data = _content(name, value)
    new_baud = value if name == SET_BAUD and isinstance(value, int) else 0
    if new_baud and baud not in BAUDS:
        raise FrameError(f"{name} needs the present baud rate, and there is no {baud}", 0)
    return Command(address, ci, data, baud, new_baud, tries)


class Command(ReadOut):
    """A command on its way; made by `command`. The exchange kept is the command and its E5.

    line_baud   0, or what the line must be run at for the next request (set_baud)
    confirmed   set_baud: the meter answered at the new rate. If result is OK without it, the meter
                stayed at the old one; if not OK, it goes back there within `FALLBACK_S`
    """

    def __init__(
        self, address: "int | bytes", ci: int, data: bytes, baud: int, new_baud: int, tries: int
    ) -> None:
        self.line_baud = baud
        self.confirmed = False
        self._new_baud = new_baud
        self._old_baud = baud
        self._selection = b"" if isinstance(address, int) else address
        self._address = address if isinstance(address, int) else ADDRESS_SELECTED
        self._command = long_frame(SND_UD, self._address, ci, data)
        self._frames = FrameReader()
        self._step = _SELECT if self._selection else _COMMAND
        first = select_frame(self._selection) if self._selection else self._command
        super().__init__(self._frames, first, tries)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`."""
        return 1

    def _look(self) -> "tuple[int, bytes] | None":
        frame = self._frames.next_frame()
        if frame is None:
            return None
        if frame.raw[0] != ACK:
            return FOREIGN, b""
        return (OK if self._step == _COMMAND else UNKEPT), frame.raw

    def _end(self, verdict: int, answer: bytes) -> None:
        if self._step == _CONFIRM and verdict in (NO_ANSWER, UNREADABLE):
            # Perhaps it stayed at the old rate.
            verdict = UNKEPT
            self.line_baud = self._old_baud
            self._step = _LOOK_BACK
            self.question = b""
        super()._end(verdict, answer)

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":
        if verdict in (NO_ANSWER, UNREADABLE):
            return None
        if self._step == _SELECT:
            self._step = _COMMAND
            return self._command
        if self._step == _COMMAND and self._new_baud:
            self._step = _CONFIRM
            self.line_baud = self._new_baud
            return self._ask_for_ack()
        if self._step == _CONFIRM:
            self.confirmed = True
            return None
        if self._step == _LOOK_BACK and not answer:
            return self._ask_for_ack()
        return None

    def _ask_for_ack(self) -> bytes:
        if self._selection:
            return select_frame(self._selection)
        return short_frame(SND_NKE, self._address)


def wake_up(baud: int, optical: bool = False, bits_per_byte: int = 11) -> bytes:
    """What wakes a sleeping battery meter, to be sent in one go before the first request.

    Wired: 00 for 2.2 s, at least 200 of them. Optical head: 55 for 2.2 s (makers' manuals).
    Raises FrameError for a baud rate that isn't one of BAUDS.
    """
    if baud not in BAUDS:
        raise FrameError(f"no baud rate {baud}: one of {', '.join([str(b) for b in BAUDS])}", 0)
    count = (baud * 22 + bits_per_byte * 10 - 1) // (bits_per_byte * 10)
    return b"\x55" * count if optical else bytes(max(200, count))


def _check_secondary(name: str, address: bytes) -> None:
    wild = ANY in address
    for byte in address[: ADDRESS_BYTES // 2]:
        wild = wild or ANY_NIBBLE in (byte >> 4, byte & 0x0F)
    if len(address) != ADDRESS_BYTES or wild:
        raise FrameError(f"{name} goes to one meter: a whole secondary address, no wildcards", 0)


def _content(name: str, value: "Value") -> "tuple[int, bytes]":
    if name == SET_TIME:
        if isinstance(value, int):
            raise FrameError("set_time needs (year, month, day, hour, minute), or with second", 0)
        return _CI_DATA, _time_record(value)
    if not isinstance(value, int):
        raise FrameError(f"{name} needs one number", 0)
    if name == SET_BAUD:
        if value not in BAUDS:
            known = ", ".join([str(baud) for baud in BAUDS])
            raise FrameError(f"no baud rate {value}: one of {known}", 0)
        return _CI_BAUD_300 + BAUDS.index(value), b""
    most = ADDRESS_LAST if name == SET_PRIMARY_ADDRESS else _SUB_CODE_MAX
    if not 0 <= value <= most:
        raise FrameError(f"{name} takes 0 to {most}, not {value}", 0)
    if name == SET_PRIMARY_ADDRESS:
        return _CI_DATA, _ADDRESS_RECORD + bytes((value,))
    return _CI_APPLICATION_RESET, bytes((value,))


def _time_record(value: "tuple[int, ...]") -> bytes:
    """Type F, or type I with a second; the meter's civil time without the summer-time bit."""
    limits = ((_YEAR_FIRST, _YEAR_LAST), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59))
    if len(value) not in (5, 6):
        raise FrameError("a time has 5 or 6 numbers, from year to minute or second", 0)
    for place, number in enumerate(value):
        low, high = limits[place]
        if not low <= number <= high:
            raise FrameError(f"{number} in the time isn't {low} to {high}", place)
    year, month, day, hour, minute = value[:5]
    leap = year % 4 == 0
    days = 31 - (month in (4, 6, 9, 11))
    if month == 2:
        days = 29 if leap else 28
    if day > days:
        raise FrameError(f"month {month} of {year} has no day {day}", 2)
    century_year = year % 100
    date = bytes((day | (century_year & 7) << 5, month | (century_year >> 3) << 4))
    if len(value) == 5:
        return _TIME_F_RECORD + bytes((minute, hour)) + date
    second = value[5] | (0x80 if leap else 0)
    return _TIME_I_RECORD + bytes((second, minute, hour)) + date + b"\x00"
