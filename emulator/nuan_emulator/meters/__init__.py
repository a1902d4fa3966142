"""Meters and sensors that answer on the wire, built apart from nuan's own codec."""

from nuan_emulator.meters.device import (
    Device,
    ElectricityState,
    GasState,
    HeatState,
    Reaction,
    RoomState,
    Settlement,
)
from nuan_emulator.meters.mbus_meters import MBusGasMeter, MBusHeatMeter
from nuan_emulator.meters.modbus_meters import Dtsu666, RoomSensor

__all__ = [
    "Device",
    "Dtsu666",
    "ElectricityState",
    "GasState",
    "HeatState",
    "MBusGasMeter",
    "MBusHeatMeter",
    "Reaction",
    "RoomSensor",
    "RoomState",
    "Settlement",
]
