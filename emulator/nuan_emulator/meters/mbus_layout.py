"""M-Bus frames and records, declared from EN 13757-2 (link) and EN 13757-3 (application).

Written from the standard and not from nuan's codec, so that the two cannot share one mistake:

    short    10 C A CS 16
    long     68 L L 68 | C A CI data... | CS 16        L counts C..data, CS their sum modulo 256
    header   identification[4, BCD] manufacturer[2] version medium access status signature[2]
    record   DIF DIFE* VIF VIFE* data
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from nuan_emulator.meters.declare import Layout, c

START_SHORT = 0x10
START_LONG = 0x68
STOP = 0x16
ACK = b"\xe5"
FRAME_BYTES_MAX = 261
CI_VARIABLE_LSB_FIRST = 0x72
MORE_RECORDS_FOLLOW = b"\x1f"


_short_sum = (c.this.control + c.this.address) & 0xFF
_long_sum = c.sum_(c.this.user_data) & 0xFF

short_frame = cast(
    Layout,
    c.Struct(
        "start" / c.Const(bytes([START_SHORT])),
        "control" / c.Int8ub,
        "address" / c.Int8ub,
        "checksum" / c.Rebuild(c.Int8ub, _short_sum),
        c.Check(c.this.checksum == _short_sum),
        "stop" / c.Const(bytes([STOP])),
        c.Terminated,
    ).compile(),
)

long_frame = cast(
    Layout,
    c.Struct(
        "start" / c.Const(bytes([START_LONG])),
        "length" / c.Rebuild(c.Int8ub, c.len_(c.this.user_data)),
        "length_again" / c.Rebuild(c.Int8ub, c.len_(c.this.user_data)),
        c.Check(c.this.length == c.this.length_again),
        "start_again" / c.Const(bytes([START_LONG])),
        "user_data" / c.Bytes(c.this.length),
        "checksum" / c.Rebuild(c.Int8ub, _long_sum),
        c.Check(c.this.checksum == _long_sum),
        "stop" / c.Const(bytes([STOP])),
        c.Terminated,
    ).compile(),
)


def _bcd_bytes(value: int, size: int) -> bytes:
    """Packed BCD, least significant byte first; a negative value has F as its first digit."""
    digits = size * 2
    text = f"f{-value:0{digits - 1}d}" if value < 0 else f"{value:0{digits}d}"
    if len(text) != digits:
        raise ValueError(f"{value} has more than {digits} BCD digits")
    return bytes.fromhex(text)[::-1]


def _bcd_value(data: bytes) -> int:
    text = data[::-1].hex()
    return -int(text[1:]) if text[0] == "f" else int(text)


def _bcd(size: int) -> Any:
    def decode(obj: bytes, _context: Any) -> int:
        return _bcd_value(obj)

    def encode(obj: int, _context: Any) -> bytes:
        return _bcd_bytes(obj, size)

    return c.ExprAdapter(c.Bytes(size), decode, encode)


CODINGS: Mapping[str, tuple[int, Any]] = {
    "int8": (0x1, c.Int8sl),
    "int16": (0x2, c.Int16sl),
    "int24": (0x3, c.BytesInteger(3, signed=True, swapped=True)),
    "int32": (0x4, c.Int32sl),
    "real32": (0x5, c.Float32l),
    "int48": (0x6, c.BytesInteger(6, signed=True, swapped=True)),
    "int64": (0x7, c.Int64sl),
    "bcd2": (0x9, _bcd(1)),
    "bcd4": (0xA, _bcd(2)),
    "bcd6": (0xB, _bcd(3)),
    "bcd8": (0xC, _bcd(4)),
    "bcd12": (0xE, _bcd(6)),
    "type_g": (0x2, c.Int16ul),
    "type_f": (0x4, c.Int32ul),
}
"""Data field of the DIF, and how its bytes are laid out, by EN 13757-3 table 4."""

FUNCTIONS = {"instantaneous": 0, "maximum": 1, "minimum": 2, "error": 3}

dif = c.BitStruct(
    "extension" / c.Flag,
    "storage_bit" / c.BitsInteger(1),
    "function" / c.BitsInteger(2),
    "data_field" / c.BitsInteger(4),
)
dife = c.BitStruct(
    "extension" / c.Flag,
    "subunit_bit" / c.BitsInteger(1),
    "tariff_bits" / c.BitsInteger(2),
    "storage_bits" / c.BitsInteger(4),
)


class RecordKind(NamedTuple):
    """One record of a telegram: its name, the coding of its data and what DIF and VIF say."""

    name: str
    coding: str
    vib: bytes
    function: str = "instantaneous"
    storage: int = 0
    tariff: int = 0
    subunit: int = 0


def record_head(kind: RecordKind) -> bytes:
    """DIF, DIFEs and the value information block of a record."""
    storage, tariff, subunit = kind.storage >> 1, kind.tariff, kind.subunit
    extensions: list[dict[str, int]] = []
    while storage or tariff or subunit:
        extensions.append(
            {"subunit_bit": subunit & 1, "tariff_bits": tariff & 3, "storage_bits": storage & 15}
        )
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    head: bytes = dif.build(
        {
            "extension": bool(extensions),
            "storage_bit": kind.storage & 1,
            "function": FUNCTIONS[kind.function],
            "data_field": CODINGS[kind.coding][0],
        }
    )
    for index, extension in enumerate(extensions):
        head += dife.build({"extension": index < len(extensions) - 1, **extension})
    return head + kind.vib


class Header(NamedTuple):
    """The identity a meter shows in every telegram."""

    serial: str
    """Eight digits; some meters have A to E among them."""
    manufacturer: str | int
    """Three capital letters, or any 16-bit code."""
    version: int
    medium: int


def identity_bytes(header: Header) -> bytes:
    """The 8 bytes of a secondary address as the header and a selection have them.

    Raises ValueError for what fits no header.
    """
    try:
        identification = bytes.fromhex(header.serial)[::-1]
    except ValueError:
        identification = b""
    if len(header.serial) != 8 or len(identification) != 4:
        raise ValueError(f"M-Bus serial number {header.serial!r} is not 8 hexadecimal digits")
    code = manufacturer_code(header.manufacturer)
    return identification + code.to_bytes(2, "little") + bytes((header.version, header.medium))


def manufacturer_code(letters: str | int) -> int:
    """EN 61107 letters as the 15-bit code: five bits each, A = 1; a code as it is."""
    if isinstance(letters, int):
        return letters
    if len(letters) != 3 or not all("A" <= letter <= "Z" for letter in letters):
        raise ValueError(f"manufacturer {letters!r} is not three capital letters")
    first, second, third = (ord(letter) - 64 for letter in letters)
    return first << 10 | second << 5 | third


@cache
def telegram_layout(kinds: tuple[RecordKind, ...], *, more: bool) -> Layout:
    """User data of an RSP_UD: control, address, CI 72, header and the given records by name.

    With `more` the telegram ends in DIF 1F: further records follow in the next telegram.
    """
    fields: list[Any] = [
        "control" / c.Int8ub,
        "address" / c.Int8ub,
        "ci" / c.Const(bytes([CI_VARIABLE_LSB_FIRST])),
        "identification" / c.Bytes(4),
        "manufacturer" / c.Int16ul,
        "version" / c.Int8ub,
        "medium" / c.Int8ub,
        "access_number" / c.Int8ub,
        "status" / c.Int8ub,
        "signature" / c.Const(0, c.Int16ul),
    ]
    for kind in kinds:
        fields.append(c.Const(record_head(kind)))
        fields.append(kind.name / CODINGS[kind.coding][1])
    if more:
        fields.append(c.Const(MORE_RECORDS_FOLLOW))
    fields.append(c.Terminated)
    return cast(Layout, c.Struct(*fields).compile())
