"""DL/T 645-2007 and -1997 frames and values, declared from the standards' tables.

Written from those and not from nuan's codec, so that the two cannot share one mistake:

    FE FE .. 68 A0..A5 68 C L data... CS 16     every data byte + 33H; CS: sum from the first 68
    values      packed BCD, low byte first; a sign, where there is one, is the topmost bit

| value | form | bytes |
|---|---|---|
| energy | XXXXXX.XX kWh | 4 |
| demand | XX.XXXX kW, then YYMMDDhhmm | 3 + 5 |
| voltage | XXX.X V; 1997: XXX V | 2 |
| current | XXX.XXX A, signed; 1997: XX.XX A | 3; 2 |
| power | XX.XXXX kW, kvar or kVA, signed | 3 |
| power factor, angle | X.XXX, signed; XXX.X degrees | 2 |
| frequency | XX.XX Hz | 2 |
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from nuan_emulator.meters.declare import Layout, bcd, c

PREAMBLE = 0xFE
START = 0x68
STOP = 0x16
OFFSET = 0x33
FRAME_BYTES_MIN = 12

ANSWER = 0x80
ERROR = 0xC0
FOLLOWED = 0xA0
"""An answer with more behind it: B1, B2; A1, A2 in 1997."""

_sum = (
    2 * START + c.sum_(c.this.address) + c.this.control + c.this.length + c.sum_(c.this.data)
) & 0xFF

frame = cast(
    Layout,
    c.Struct(
        "start" / c.Const(bytes([START])),
        "address" / c.Bytes(6),
        "start_again" / c.Const(bytes([START])),
        "control" / c.Int8ub,
        "length" / c.Rebuild(c.Int8ub, c.len_(c.this.data)),
        "data" / c.Bytes(c.this.length),
        "checksum" / c.Rebuild(c.Int8ub, _sum),
        c.Check(c.this.checksum == _sum),
        "stop" / c.Const(bytes([STOP])),
        c.Terminated,
    ).compile(),
)


class Form(NamedTuple):
    """How a number is written: bytes of BCD, and whether the topmost bit is its sign."""

    size: int
    signed: bool = False

    def clamped(self, value: int) -> int:
        """The number, or the largest that can be written."""
        most: int = (8 * 10 ** (2 * self.size - 1) if self.signed else 10 ** (2 * self.size)) - 1
        return max(-most if self.signed else 0, min(value, most))

    def layout(self) -> Any:
        """The declaration of one such number."""
        return signed_bcd(self.size) if self.signed else bcd(self.size)


def signed_bcd(size: int) -> Any:
    """A whole number in BCD, low byte first, whose topmost bit says that it is negative."""
    digits = bcd(size)
    sign = 0x80

    def decode(obj: bytes, _context: Any) -> int:
        value: int = digits.parse(obj[:-1] + bytes([obj[-1] & ~sign]))
        return -value if obj[-1] & sign else value

    def encode(obj: int, _context: Any) -> bytes:
        raw: bytes = digits.build(abs(obj))
        if raw[-1] & sign:
            raise ValueError(f"{obj} leaves no room for its sign in {size} BCD bytes")
        return raw[:-1] + bytes([raw[-1] | sign]) if obj < 0 else raw

    return c.ExprAdapter(c.Bytes(size), decode, encode)


ENERGY = Form(4)
POWER = Form(3, signed=True)
POWER_UNSIGNED = Form(3)
VOLTAGE = Form(2)
CURRENT = Form(3, signed=True)
CURRENT_1997 = Form(2)
REACTIVE_1997 = Form(2)
FACTOR = Form(2, signed=True)
FREQUENCY = Form(2)
DEMAND_TIME = Form(5)
DATE_AND_WEEKDAY = Form(4)
TIME = Form(3)
ADDRESS = Form(6)
STATUS_WORD = Form(2)


def shifted(data: bytes, by: int = OFFSET) -> bytes:
    """Every byte plus `by`, modulo 256."""
    return bytes((byte + by) & 0xFF for byte in data)
