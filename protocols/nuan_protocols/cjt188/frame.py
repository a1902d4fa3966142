"""Frames of CJ/T 188, made and checked.

    FE .. | 68 | T | A0 .. A6 | C | L | DATA | CS | 16

T is the kind of meter, A its address, low byte first, L the length of DATA, and CS the sum modulo
256 of everything from 68 to the byte before CS. Any number of FE wakes the receiver up; other
trains (FF, AA, 00) exist. reader.py finds frames in a stream of bytes and resynchronises after
noise; `parse` here takes exactly one frame and says what is wrong with it.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import sum8
from nuan_protocols.errors import ChecksumError, FrameError

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Frame(NamedTuple):
        """One checked frame: `start` is the offset of its 68 in `raw`, `address` as on the wire."""

        raw: bytes
        start: int
        type: int
        address: bytes
        control: int
        data: bytes

else:
    from collections import namedtuple

    Frame = namedtuple("Frame", ("raw", "start", "type", "address", "control", "data"))

START = 0x68
STOP = 0x16
PREAMBLE = 0xFE
# What wakes a receiver up: FE by the standard, the others as makers have them.
WAKE_UP = b"\xfe\xff\xaa\x00"

ANSWER = 0x80
ABNORMAL = 0x40
READ_DATA = 0x01
READ_ADDRESS = 0x03
WRITE_DATA = 0x04
READ_KEY_VERSION = 0x09
READ_ADDRESS_VENDOR = 0x1A

ADDRESS_BYTES = 7
# Point-to-point only: on a line with several meters all of them would answer.
ADDRESS_ANY = b"\xaa" * ADDRESS_BYTES
TYPE_ANY = 0xAA

TYPE_AT = 1
ADDRESS_AT = 2
CONTROL_AT = 9
LENGTH_AT = 10
DATA_AT = 11
TAIL_BYTES = 2
OVERHEAD_BYTES = DATA_AT + TAIL_BYTES
DATA_BYTES_MAX = 255
PREAMBLE_BYTES = 4


def make(
    kind: int, address: bytes, control: int, data: bytes = b"", preamble: int = PREAMBLE_BYTES
) -> bytes:
    """A frame behind `preamble` FE bytes. Raises FrameError for a wrong address or data length."""
    if len(address) != ADDRESS_BYTES:
        raise FrameError(f"an address has 7 bytes, this one has {len(address)}", ADDRESS_AT)
    if len(data) > DATA_BYTES_MAX:
        raise FrameError(f"data has {len(data)} bytes, at most 255 fit", LENGTH_AT)
    body = bytes((START, kind)) + address + bytes((control, len(data))) + data
    return bytes((PREAMBLE,)) * preamble + body + bytes((sum8(body), STOP))


def parse(raw: "Buffer", extra_bytes: int = 0) -> Frame:
    """Check that `raw` is exactly one frame, wake-up bytes before it aside.

    `extra_bytes` of the vendor stand between DATA and CS, counted by CS and not by L. Raises
    FrameError naming the wrong byte.
    """
    raw = bytes(raw)
    size = len(raw)
    start = 0
    while start < size and raw[start] in WAKE_UP:
        start += 1
    if start == size:
        raise FrameError("there is no 68 that starts a frame", start)
    if raw[start] != START:
        raise FrameError(f"a frame starts with 68, not with {raw[start]:02X}", start)
    if size - start < OVERHEAD_BYTES:
        said = f"a frame has at least 13 bytes, this one ends after {size - start}"
        raise FrameError(said, size)
    length = raw[start + LENGTH_AT]
    end = start + OVERHEAD_BYTES + length + extra_bytes
    if size != end:
        said = f"L {length:02X} makes a frame of {end - start} bytes, there are {size - start}"
        raise FrameError(said, min(size, end))
    if raw[size - 1] != STOP:
        raise FrameError(f"the last byte is {raw[size - 1]:02X} instead of 16", size - 1)
    expected = sum8(raw, start, size - TAIL_BYTES)
    if raw[size - TAIL_BYTES] != expected:
        said = f"the checksum is {raw[size - 2]:02X}, the bytes add up to {expected:02X}"
        raise ChecksumError(said, size - TAIL_BYTES)
    data = start + DATA_AT
    address = raw[start + ADDRESS_AT : start + CONTROL_AT]
    found = raw[data : data + length]
    return Frame(raw, start, raw[start + TYPE_AT], address, raw[start + CONTROL_AT], found)


def wire_address(printed: str, high_first: bool = False) -> bytes:
    """The 14 hexadecimal digits printed on a meter (A6 first) as 7 bytes in wire order.

    `high_first` for the makers that send A6 first. Raises FrameError.
    """
    try:
        address = bytes.fromhex(printed)
    except ValueError:
        raise FrameError(f"an address is 14 hexadecimal digits, not {printed!r}") from None
    if len(address) != ADDRESS_BYTES or len(printed) != 2 * ADDRESS_BYTES:
        raise FrameError(f"an address is 14 hexadecimal digits, not {printed!r}")
    return address if high_first else _turned(address)


def printed_address(address: bytes, high_first: bool = False) -> str:
    """An address from the wire as it is printed on the meter: 14 digits, A6 first."""
    return (address if high_first else _turned(address)).hex().upper()


def _turned(data: bytes) -> bytes:
    return bytes(reversed(data))
