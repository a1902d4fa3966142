"""Makes the read-outs of one bus; with masters_chinese.py all that tells the protocols apart.

A protocol's code is imported when the first bus that uses it is made.
"""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from typing import Any, Protocol

    from nuan_firmware.config import Meter
    from nuan_firmware.hal.serial import Port
    from nuan_protocols.readout import ReadOut

    class Master(Protocol):
        """One bus's read-outs, all over one reader with one buffer."""

        def begin(self, index: int, meter: Meter, tries: int) -> ReadOut:
            """The turn of the meter at that place in the bus's list."""
            ...

        def end(self, index: int, readout: Any) -> None:
            """The turn is over."""
            ...

        def quiet_ms(self, port: Port, failed: bool) -> int:
            """How long the line must have been quiet before a question."""
            ...


MBUS = "mbus"
MODBUS = "modbus"
CJT188 = "cjt188"
DLT645 = "dlt645"
PROTOCOLS = (MBUS, MODBUS, CJT188, DLT645)

FCB_UNKNOWN = const(2)
# EN 13757-2: idle for 11 bit times before a request, 33 after an error.
_MBUS_IDLE_BITS = const(11)
_MBUS_ERROR_BITS = const(33)
# Modbus RTU asks for 3.5 characters.
_MODBUS_IDLE_CHARACTERS = const(4)


def master(protocol: str, count: int) -> "Master":
    """What reads a bus of `count` meters."""
    if protocol == MBUS:
        return Mbus(count)
    if protocol == MODBUS:
        return Modbus()
    from nuan_firmware import masters_chinese

    return masters_chinese.Cjt188() if protocol == CJT188 else masters_chinese.Dlt645()


class Mbus:
    """Keeps every meter's frame count bit, so that only the first read-out resets the link."""

    def __init__(self, count: int) -> None:
        from nuan_protocols.mbus.master import ReadOut
        from nuan_protocols.mbus.reader import FrameReader

        self._make = ReadOut
        self._reader = FrameReader()
        self.fcb = bytearray([FCB_UNKNOWN] * count)

    def begin(self, index: int, meter: "Meter", tries: int) -> "ReadOut":
        """Go on with the meter's bit; start anew where it isn't known."""
        fcb = self.fcb[index]
        self.fcb[index] = FCB_UNKNOWN
        return self._make(
            meter.address,
            self._reader,
            fcb == FCB_UNKNOWN,
            fcb != 0,
            tries,
            application_reset=meter.way.extra,
        )

    def end(self, index: int, readout: "Any") -> None:
        """Keep the bit where both sides agree about it."""
        if readout.fcb_kept:
            self.fcb[index] = 1 if readout.fcb else 0

    def quiet_ms(self, port: "Port", failed: bool) -> int:
        """By the standard, in bit times."""
        return port.bits_ms(_MBUS_ERROR_BITS if failed else _MBUS_IDLE_BITS)


class Modbus:
    """Reads blocks of registers."""

    def __init__(self) -> None:
        from nuan_protocols.modbus.master import ReadOut
        from nuan_protocols.modbus.reader import ResponseReader

        self._make = ReadOut
        self._reader = ResponseReader()

    def begin(self, index: int, meter: "Meter", tries: int) -> "ReadOut":  # noqa: ARG002
        """The meter's blocks."""
        return self._make(meter.address, meter.way.reads, self._reader, tries)

    def end(self, index: int, readout: "Any") -> None:
        """Nothing is kept."""

    def quiet_ms(self, port: "Port", failed: bool) -> int:  # noqa: ARG002
        """By the specification, in characters."""
        return port.frame_ms(_MODBUS_IDLE_CHARACTERS)
