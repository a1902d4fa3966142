"""Makes the read-outs of a CJ/T 188 or DL/T 645 bus; imported by masters.py when there is one."""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Meter
    from nuan_firmware.hal.serial import Port
    from nuan_protocols.readout import ReadOut

# CJ/T 188: 30 ms; DL/T 645: 20 ms.
_CHINESE_IDLE_MS = const(30)


class Cjt188:
    """Counts SER on from meter to meter, so that a late answer is never taken for another's."""

    def __init__(self) -> None:
        from nuan_protocols.cjt188.master import Address, ReadOut
        from nuan_protocols.cjt188.reader import FrameReader

        self._make = ReadOut
        self._address = Address
        self._reader = FrameReader()
        self._ser = 0

    def begin(self, index: int, meter: "Meter", tries: int) -> "ReadOut":  # noqa: ARG002
        """The meter's data identifiers."""
        kind, mask = meter.way.extra[:2]
        address = self._address(kind, meter.address, mask)
        return self._make(address, meter.way.reads, self._ser, self._reader, tries)

    def end(self, index: int, readout: "Any") -> None:  # noqa: ARG002
        """Go on behind the numbers used."""
        self._ser = readout.ser

    def quiet_ms(self, port: "Port", failed: bool) -> int:  # noqa: ARG002
        """By the standard, in milliseconds."""
        return _CHINESE_IDLE_MS


class Dlt645:
    """Reads data identifiers."""

    def __init__(self) -> None:
        from nuan_protocols.dlt645.master import ReadOut
        from nuan_protocols.dlt645.reader import FrameReader

        self._make = ReadOut
        self._reader = FrameReader()

    def begin(self, index: int, meter: "Meter", tries: int) -> "ReadOut":  # noqa: ARG002
        """The meter's data identifiers."""
        return self._make(meter.address, meter.way.reads, self._reader, tries)

    def end(self, index: int, readout: "Any") -> None:
        """Nothing is kept."""

    def quiet_ms(self, port: "Port", failed: bool) -> int:  # noqa: ARG002
        """By the standard, in milliseconds."""
        return _CHINESE_IDLE_MS
