"""Kamstrup MULTICAL 403, 603 and 803 with the Modbus RTU module HC-003-67, default datagram.

Source      data sheet 58101758_B1 "Modbus RTU, Modbus/KMP TCP/IP", default datagram xx-yy-300,
            pages 3 to 8
Certainty   addresses 0 to 0Ch: the data sheet; 6 and 8 also one user's report. Function 3, and the
            units kW and l/h, which follow the meter's configuration: user reports only. Where
            energy and volume stand was not seen
Bills from  nothing, therefore: bill such a meter through its M-Bus module (mbus_heat)
Absent      a register the meter doesn't have reads FFFFFFFFh
"""

from typing import TYPE_CHECKING

from nuan_protocols.meters.profile import Profile, place

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import ModbusRegister

_READ = 3
_ABSENT = 0xFFFF_FFFF


def _float(address: int, quantum: int, quantity: str, exponent: int, unit: str) -> "ModbusRegister":
    return place(
        _READ, address, "float32", quantity, exponent, unit, quantum=quantum, absent=_ABSENT
    )


PROFILE = Profile(
    name="kamstrup_403",
    title="Kamstrup MULTICAL 403, 603, 803 (HC-003-67)",
    protocol="modbus",
    version=1,
    places=(
        _float(0x00, -1, "volume_flow", -3, "m3/h"),
        _float(0x02, -1, "volume_flow:v2", -3, "m3/h"),
        _float(0x04, -2, "power", 3, "W"),
        _float(0x06, -2, "flow_temperature", 0, "degC"),
        _float(0x08, -2, "return_temperature", 0, "degC"),
        _float(0x0A, -2, "external_temperature:t3", 0, "degC"),
        _float(0x0C, -2, "external_temperature:t4", 0, "degC"),
    ),
    billing=None,
)
