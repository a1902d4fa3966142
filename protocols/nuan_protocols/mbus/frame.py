"""Frames of the M-Bus link layer (EN 13757-2), made and checked.

    acknowledge   E5
    short         10 | C | A | sum | 16
    control       68 | 03 | 03 | 68 | C | A | CI        | sum | 16
    long          68 | L  | L  | 68 | C | A | CI | data | sum | 16     L = 3 + len(data)

`sum` is the sum of everything from C up to it, modulo 256. reader.py finds frames in a stream of
bytes; `parse` here takes exactly one frame and says what is wrong with it.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import sum8
from nuan_protocols.errors import ChecksumError, FrameError

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Frame(NamedTuple):
        """One checked frame; control, address and ci are -1 where the frame has none."""

        raw: bytes
        control: int
        address: int
        ci: int

else:
    from collections import namedtuple

    Frame = namedtuple("Frame", ("raw", "control", "address", "ci"))

ACK = 0xE5
SHORT_START = 0x10
LONG_START = 0x68
STOP = 0x16

SND_NKE = 0x40
SND_UD = 0x53
REQ_UD2 = 0x5B
FRAME_COUNT_BIT = 0x20
FROM_MASTER = 0x40

ADDRESS_SELECTED = 0xFD
ADDRESS_TEST = 0xFE
ADDRESS_BROADCAST = 0xFF

FRAME_BYTES_MAX = 261
SHORT_BYTES = 5
LONG_BYTES_MIN = 9
LONG_OVERHEAD_BYTES = 6
HEADER_BYTES = 4
USER_DATA_AT = 7
LENGTH_MIN = 3
USER_DATA_BYTES_MAX = 252


def short_frame(control: int, address: int) -> bytes:
    """10 C A sum 16."""
    return bytes((SHORT_START, control, address, (control + address) & 0xFF, STOP))


def long_frame(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """68 L L 68 C A CI data sum 16; without data that is a control frame.

    Raises FrameError when the data is longer than 252 bytes.
    """
    if len(data) > USER_DATA_BYTES_MAX:
        raise FrameError(f"user data has {len(data)} bytes, at most 252 fit", 7)
    length = LENGTH_MIN + len(data)
    body = bytes((control, address, ci)) + data
    head = bytes((LONG_START, length, length, LONG_START))
    return head + body + bytes((sum8(body), STOP))


def parse(raw: "Buffer") -> Frame:
    """Check that `raw` is exactly one frame. Raises FrameError naming the wrong byte."""
    size = len(raw)
    if size == 0:
        raise FrameError("no bytes at all", 0)
    if raw[0] == ACK and size == 1:
        return Frame(bytes(raw), -1, -1, -1)
    if raw[0] == SHORT_START:
        return _parse_short(raw)
    if raw[0] != LONG_START:
        raise FrameError(f"a frame starts with 10, 68 or E5, not with {raw[0]:02X}", 0)
    if size < LONG_BYTES_MIN:
        raise FrameError(f"a long frame has at least 9 bytes, this one ends after {size}", size)
    length = raw[1]
    if raw[2] != length:
        raise FrameError(f"the two length bytes differ: {length:02X} and {raw[2]:02X}", 2)
    if raw[3] != LONG_START:
        raise FrameError(f"the second start byte is {raw[3]:02X} instead of 68", 3)
    if length < LENGTH_MIN:
        raise FrameError(f"length {length} is too short for C, A and CI", 1)
    if size != length + LONG_OVERHEAD_BYTES:
        whole = length + LONG_OVERHEAD_BYTES
        raise FrameError(f"the length byte says {whole} bytes, there are {size}", min(size, whole))
    _check_tail(raw, HEADER_BYTES)
    return Frame(bytes(raw), raw[4], raw[5], raw[6])


def _parse_short(raw: "Buffer") -> Frame:
    if len(raw) != SHORT_BYTES:
        raise FrameError(f"a short frame has 5 bytes, this one has {len(raw)}", len(raw))
    _check_tail(raw, 1)
    return Frame(bytes(raw), raw[1], raw[2], -1)


def _check_tail(raw: "Buffer", start: int) -> None:
    size = len(raw)
    if raw[size - 1] != STOP:
        raise FrameError(f"the last byte is {raw[size - 1]:02X} instead of 16", size - 1)
    expected = sum8(raw, start, size - 2)
    if raw[size - 2] != expected:
        raise ChecksumError(
            f"the checksum is {raw[size - 2]:02X}, the bytes add up to {expected:02X}", size - 2
        )
