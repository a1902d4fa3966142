"""The two commands that move a CJ/T 188 meter's valve; small, for a board may send them by name."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.frame import WRITE_DATA, make

if TYPE_CHECKING:
    from nuan_protocols.cjt188.master import Address

_VALVE = 0xA017
_VALVE_OPEN = 0x55
_VALVE_CLOSED = 0x99


def open_valve(meter: "Address", ser: int, low_first: bool = False) -> bytes:
    """Opens the meter's valve."""
    return write(meter, _VALVE, ser, bytes((_VALVE_OPEN,)), low_first)


def close_valve(meter: "Address", ser: int, low_first: bool = False) -> bytes:
    """Closes the meter's valve."""
    return write(meter, _VALVE, ser, bytes((_VALVE_CLOSED,)), low_first)


def write(meter: "Address", di: int, ser: int, data: bytes, low_first: bool) -> bytes:
    """The question that writes `data` to the identifier `di`."""
    high, low = di >> 8, di & 0xFF
    head = (low, high, ser & 0xFF) if low_first else (high, low, ser & 0xFF)
    plain = bytes(head) + data
    masked = bytes([(byte + meter.mask) & 0xFF for byte in plain])
    return make(meter.type, meter.wire, WRITE_DATA, masked)
