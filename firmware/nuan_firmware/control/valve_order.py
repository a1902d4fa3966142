"""Opens or shuts the valve of one CJ/T 188 meter. Loaded for the moment."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.frame import WRITE_DATA
from nuan_protocols.cjt188.master import Address, ReadOut
from nuan_protocols.cjt188.reader import FrameReader
from nuan_protocols.cjt188.valve import close_valve, open_valve
from nuan_protocols.uplink.body import RESULT_OK

if TYPE_CHECKING:
    from nuan_firmware.poller import Poller
    from nuan_protocols.cjt188.master import Read

_DI_HIGH = 0xA0
_DI_LOW = 0x17
_TRIES = 3


class Order(ReadOut):
    """One order, and the meter's answer to it."""

    def __init__(self, address: Address, is_open: bool, low_first: bool, ser: int) -> None:
        self._is_open = is_open
        self._low_first = low_first
        di = (_DI_LOW, _DI_HIGH) if low_first else (_DI_HIGH, _DI_LOW)
        super().__init__(address, ((WRITE_DATA, di[0], di[1]),), ser, FrameReader(), _TRIES)

    def _ask(self, read: "Read") -> bytes:  # noqa: ARG002 - there is but one
        order = open_valve if self._is_open else close_valve
        question = order(self._meter, self.ser, self._low_first)
        self.ser = (self.ser + 1) & 0xFF
        return question


async def send(pollers: "list[Poller]", slot: int, is_open: bool) -> bool:
    """Whether the meter in the slot has agreed. Raises ValueError where it isn't allowed."""
    for poller in pollers:
        for index, meter in enumerate(poller.meters):
            if meter.slot == slot:
                kind, mask = meter.way.extra[:2]
                if not meter.way.extra[2:]:
                    raise ValueError("its valve may not be moved")
                # The other byte of a data identifier first, as the meter is asked.
                low_first = meter.way.reads[0][1] & 0x0F == 0x0F
                address = Address(kind, meter.address, mask)
                order = Order(address, is_open, low_first, poller.wrote & 0xFF)
                exchanges = await poller.read_one(index, order)
                return bool(exchanges) and exchanges[-1][1] == RESULT_OK
    raise ValueError("no such slot")
