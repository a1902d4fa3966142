"""From a meter's configuration (node_config.py) to the read-out that asks it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nuan_protocols.cjt188 import master as cjt188
from nuan_protocols.cjt188.frame import wire_address
from nuan_protocols.cjt188.reader import FrameReader as CjtReader
from nuan_protocols.dlt645 import master as dlt645
from nuan_protocols.mbus import master as mbus
from nuan_protocols.mbus import secondary
from nuan_protocols.meters.profile import T_HEAT
from nuan_protocols.modbus import master as modbus
from nuan_protocols.readout import TRIES, ReadOut

NO_RESET = -1
"""No application reset goes before an M-Bus meter's telegrams."""


def make_readout(
    protocol: str, meter: Mapping[str, Any], ser: int = 0, tries: int = TRIES, extra_bytes: int = 0
) -> ReadOut:
    """A read-out of one meter's turn; `ser` is CJ/T 188's running number, `extra_bytes` what its
    dialect puts before the checksum. Raises ProtocolError where the values can't be sent."""
    address, reads = meter["address"], reads_of(meter)
    if protocol == "mbus":
        whom = secondary.wire(address) if isinstance(address, str) else address
        return mbus.ReadOut(whom, tries=tries, application_reset=meter.get("reset", NO_RESET))
    if protocol == "modbus":
        return modbus.ReadOut(address, reads, tries=tries)
    if protocol == "dlt645":
        return dlt645.ReadOut(address, reads, tries=tries)
    wire = wire_address(address, meter.get("high_first", False))
    named = cjt188.Address(meter.get("type", T_HEAT), wire, meter.get("mask", 0))
    return cjt188.ReadOut(named, reads, ser, CjtReader(extra_bytes), tries)


def reads_of(meter: Mapping[str, Any]) -> tuple[tuple[int, int, int], ...]:
    """The reads of a meter's configuration, as a read-out takes them."""
    listed: Sequence[Sequence[int]] = meter.get("reads", ())
    return tuple((first, second, third) for first, second, third in listed)
