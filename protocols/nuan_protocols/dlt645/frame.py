"""Frames of DL/T 645-2007 and DL/T 645-1997, made and checked.

    FE FE FE FE | 68 | A0..A5 | 68 | C | L | data + 33h | CS | 16

A is 12 decimal digits, the low pair first; AA stands for any pair, 99 six times for all meters.
C: D7 from the meter, D6 an error, D5 more follows, D4..D0 the function. Every data byte travels
with 33h added. CS is the sum of everything from the first 68 up to it, modulo 256. Any number of
FE may wake the line. reader.py finds frames in a stream and says how it resynchronises; `parse`
here takes exactly one frame.

Of the master's frames only those that read, and the clock's broadcast, can be made here. Those
that write, clear, freeze, trip or close have no builder anywhere in nuan.
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.checksum import sum8
from nuan_protocols.errors import ChecksumError, FrameError

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Frame(NamedTuple):
        """One checked frame.

        raw      from the first 68 on, without the FE before it
        start    how many FE stood before it
        address  12 digits as printed on the meter, A for a wildcard
        data     with the 33h taken off
        """

        raw: bytes
        start: int
        address: str
        control: int
        data: bytes

else:
    from collections import namedtuple

    Frame = namedtuple("Frame", ("raw", "start", "address", "control", "data"))

VERSION_2007 = 2007
VERSION_1997 = 1997

START = 0x68
STOP = 0x16
WAKE = 0xFE
WAKE_BYTES = 4
MASK = 0x33

READ_1997 = 0x01
READ_NEXT_1997 = 0x02
BROADCAST_TIME = 0x08
READ = 0x11
READ_NEXT = 0x12
READ_ADDRESS = 0x13
# Everything the package can send.
CONTROLS = (READ_1997, READ_NEXT_1997, BROADCAST_TIME, READ, READ_NEXT, READ_ADDRESS)

FROM_METER = 0x80
ERROR_BIT = 0x40
MORE_BIT = 0x20
FUNCTION_MASK = 0x1F

ADDRESS_BYTES = 6
ADDRESS_DIGITS = 12
WILDCARD = 0xAA
ANY_ADDRESS = "AAAAAAAAAAAA"
ALL_METERS = "999999999999"

SECOND_START_AT = 7
CONTROL_AT = 8
LENGTH_AT = 9
DATA_AT = 10
TAIL_BYTES = 2
FRAME_BYTES_MIN = DATA_AT + TAIL_BYTES
FRAME_BYTES_MAX = FRAME_BYTES_MIN + 255
# DL/T 645-2007, 5.2.5: what a meter may answer to a read.
READ_DATA_BYTES_MAX = 200


def request(address: str, control: int, data: bytes = b"") -> bytes:
    """Four FE and a master's frame with `data`, given without the 33h.

    Raises FrameError for any control code but those of CONTROLS, and for a bad address.
    """
    if control not in CONTROLS:
        reason = f"C {control:02X} neither reads nor broadcasts the time; it can't be sent"
        raise FrameError(reason, WAKE_BYTES + CONTROL_AT)
    if control == BROADCAST_TIME and address != ALL_METERS:
        raise FrameError("the time is broadcast to all meters, not sent to one", WAKE_BYTES + 1)
    body = bytearray((START,))
    body.extend(address_bytes(address))
    body.extend(bytes((START, control, len(data))))
    body.extend(bytes([(byte + MASK) & 0xFF for byte in data]))
    body.extend(bytes((sum8(body), STOP)))
    return bytes((WAKE,) * WAKE_BYTES) + bytes(body)


def read_request(address: str, control: int, di: int, seq: int = 0) -> bytes:
    """The frame that asks for data identifier `di` (0x00010000; 1997: 0x9010).

    A READ_NEXT of 2007 asks for its part `seq`, from 1 on. READ_ADDRESS has neither. Raises
    FrameError.
    """
    if control == READ_ADDRESS:
        return request(address, control)
    size = di_bytes(control)
    if not 0 <= di < 1 << 8 * size:
        raise FrameError(f"data identifier {di:X} doesn't fit {2 * size} hex digits", DATA_AT)
    data = di.to_bytes(size, "little")
    if control == READ_NEXT:
        if not 1 <= seq <= 255:
            raise FrameError(f"part {seq} is not within 1..255", DATA_AT + size)
        data += bytes((seq,))
    return request(address, control, data)


def di_bytes(control: int) -> int:
    """How many bytes a data identifier has beside this control code: 4 (2007) or 2 (1997)."""
    return 4 if version_of(control) == VERSION_2007 else 2


def version_of(control: int) -> int:
    """Which edition a control code is from; those that both have count as 2007."""
    return VERSION_1997 if control & FUNCTION_MASK in (1, 2, 3) else VERSION_2007


def address_bytes(digits: str) -> bytes:
    """Twelve digits as printed -> six bytes, low pair first; AA is a wildcard pair.

    Fewer, an even number, are an abbreviated address: what isn't given may be anything. Raises
    FrameError.
    """
    if not 2 <= len(digits) <= ADDRESS_DIGITS or len(digits) & 1:
        reason = f"meter address {digits!r} has {len(digits)} digits instead of 12 (or 2, 4, .. 10)"
        raise FrameError(reason, 1)
    whole = ANY_ADDRESS[: ADDRESS_DIGITS - len(digits)] + digits
    found = bytearray(ADDRESS_BYTES)
    for index in range(ADDRESS_BYTES):
        pair = whole[ADDRESS_DIGITS - 2 - 2 * index : ADDRESS_DIGITS - 2 * index].upper()
        if pair != "AA" and not pair.isdigit():
            reason = f"meter address {digits!r}: {pair!r} is neither two digits nor AA"
            raise FrameError(reason, 1 + index)
        found[index] = int(pair, 16)
    return bytes(found)


def same_meter(asked: "Buffer", answered: "Buffer") -> bool:
    """Six address bytes each: they agree, AA in either standing for anything.

    Meters of 1997 exist that answer with the wildcards they were asked with.
    """
    for index in range(ADDRESS_BYTES):
        one, other = asked[index], answered[index]
        if one != other and one != WILDCARD and other != WILDCARD:
            return False
    return True


def wake_bytes(raw: "Buffer") -> int:
    """How many FE stand before the frame."""
    count = 0
    while count < len(raw) and raw[count] == WAKE:
        count += 1
    return count


def parse(raw: "Buffer") -> Frame:
    """Check that `raw` is one frame, with any number of FE before it.

    Raises FrameError naming the wrong byte, counted with the FE.
    """
    start = wake_bytes(raw)
    size = len(raw) - start
    if size == 0:
        raise FrameError("no bytes at all" if start == 0 else "nothing but FE", start)
    if raw[start] != START:
        raise FrameError(f"a frame starts with 68, not with {raw[start]:02X}", start)
    if size < FRAME_BYTES_MIN:
        raise FrameError(f"a frame has at least 12 bytes, this one ends after {size}", len(raw))
    if raw[start + SECOND_START_AT] != START:
        at = start + SECOND_START_AT
        raise FrameError(f"the second start byte is {raw[at]:02X} instead of 68", at)
    whole = raw[start + LENGTH_AT] + FRAME_BYTES_MIN
    if size != whole:
        reason = f"the length byte says {whole} bytes, there are {size}"
        raise FrameError(reason, start + min(size, whole))
    if raw[len(raw) - 1] != STOP:
        raise FrameError(f"the last byte is {raw[len(raw) - 1]:02X} instead of 16", len(raw) - 1)
    at = len(raw) - TAIL_BYTES
    expected = sum8(raw, start, at)
    if raw[at] != expected:
        reason = f"the checksum is {raw[at]:02X}, the bytes add up to {expected:02X}"
        raise ChecksumError(reason, at)
    frame = bytes(raw[start:])
    data = bytes([(byte - MASK) & 0xFF for byte in frame[DATA_AT : whole - TAIL_BYTES]])
    address = bcd.digits(frame[1:SECOND_START_AT])
    return Frame(frame, start, address, frame[CONTROL_AT], data)
