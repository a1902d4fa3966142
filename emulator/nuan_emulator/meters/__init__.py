"""Meters and sensors that answer on the wire, built apart from nuan's own codec."""

from nuan_emulator.meters.cjt188_meters import Cjt188GasMeter, Cjt188HeatMeter, Cjt188WaterMeter
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import (
    Device,
    ElectricityState,
    GasState,
    HeatState,
    Reaction,
    RoomState,
    Settlement,
    WaterState,
)
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645
from nuan_emulator.meters.mbus_meters import MBusGasMeter, MBusHeatMeter
from nuan_emulator.meters.modbus_meters import Dtsu666, RoomSensor
from nuan_emulator.meters.modbus_table import TableSlave

__all__ = [
    "Cjt188GasMeter",
    "Cjt188HeatMeter",
    "Cjt188WaterMeter",
    "Device",
    "Dlt645Meter",
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
    "Station",
    "Station645",
    "TableSlave",
    "WaterState",
]
