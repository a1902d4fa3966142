"""A ready-made basement: one line of each protocol, with meters of many makers and manners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import modbus_models as models
from nuan_emulator.meters.cjt188_layout import DIALECTS
from nuan_emulator.meters.cjt188_meters import Cjt188HeatMeter, Cjt188WaterMeter
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import Device
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645
from nuan_emulator.meters.mbus_meters import MBusGasMeter, MBusHeatMeter
from nuan_emulator.meters.mbus_slave import Traits
from nuan_emulator.meters.modbus_meters import Dtsu666, RoomSensor
from nuan_emulator.meters.modbus_table import TableSlave
from nuan_emulator.meters.sparing import Sparing, mbus_refusal
from nuan_emulator.steady import (
    SteadyElectricity,
    SteadyGas,
    SteadyHeat,
    SteadyRoom,
    SteadyWater,
)

BITS = {"N": 10, "E": 11, "O": 11}
"""Bits of a character by its parity: eight of data, one start, one stop."""


class SampleMeter(NamedTuple):
    """A meter of a sample, and how a site file names it."""

    model: str
    address: str
    device: Device


class SampleLine(NamedTuple):
    """A line of a sample; `protocol` as site files write it."""

    name: str
    protocol: str
    line: Line
    meters: tuple[SampleMeter, ...]


def sample_lines(
    seed: int, faults: FaultRates | None = None, *, sparing: bool = False
) -> tuple[SampleLine, ...]:
    """Ten M-Bus meters, six CJ/T 188, three DL/T 645, five Modbus; every line with `faults`.

    `sparing`: one of the M-Bus meters saves its battery and refuses the third reading of an hour.
    """
    lines = (
        ("mbus", 2400, "E", _mbus(seed, sparing=sparing)),
        ("cjt188", 2400, "E", _cjt188(seed)),
        ("dlt645", 2400, "E", _dlt645(seed)),
        ("modbus", 9600, "N", _modbus(seed)),
    )
    return tuple(
        _line(protocol, baud, parity, meters, seed, faults)
        for protocol, baud, parity, meters in lines
    )


def _line(
    protocol: str,
    baud: int,
    parity: str,
    meters: Sequence[SampleMeter],
    seed: int,
    faults: FaultRates | None,
) -> SampleLine:
    drawn = LineFaults(faults, seed, protocol) if faults else None
    devices = [meter.device for meter in meters]
    line = Line(baud, BITS[parity], devices, drawn, seed, parity=parity)
    return SampleLine(protocol, protocol, line, tuple(meters))


# Serial number, manufacturer, energy unit, coding, version: two meters share their number.
_MBUS_HEAT = (
    ("21000004", "KAM", "1 kWh", "int32", 27),
    ("21000005", "KAM", "0.01 GJ", "int32", 27),
    ("65123478", "DME", "1 kWh", "bcd8", 65),
    ("65123478", "LUG", "1 kWh", "bcd8", 4),
    ("65123479", "LUG", "0.001 GJ", "bcd8", 4),
    ("30741852", "ZRI", "1 MJ", "bcd8", 136),
    ("00090101", "PLO", "1 Wh", "bcd8", 2),
    ("90817263", "ITW", "0.1 kWh", "int32", 1),
)


def _mbus(seed: int, *, sparing: bool) -> list[SampleMeter]:
    meters: list[SampleMeter] = []
    for place, (serial, maker, unit, coding, version) in enumerate(_MBUS_HEAT, 1):
        device: Device = MBusHeatMeter(
            serial,
            place,
            SteadyHeat(f"{seed}/{place}"),
            unit=unit,
            coding=coding,
            manufacturer=maker,
            version=version,
            two_telegrams=maker == "ITW",
            traits=Traits(settable=True),
        )
        if sparing and maker == "PLO":
            device = Sparing(device, refusal=mbus_refusal(place))
        meters.append(SampleMeter("mbus_heat", str(place), device))
    building = MBusHeatMeter(
        "11223344", 20, SteadyHeat(f"{seed}/building", scale=200), large_pipe=True
    )
    gas = MBusGasMeter("30000001", 30, SteadyGas(f"{seed}/gas"), manufacturer="ELS")
    return [
        *meters,
        SampleMeter("mbus_heat", "20", building),
        SampleMeter("mbus_gas", "30", gas),
    ]


def _cjt188(seed: int) -> list[SampleMeter]:
    heat = {
        "standard": Station("11223344556677", DIALECTS["standard"]),
        "tiangang": Station("11110059493675", DIALECTS["tiangang"], answer_type=0x25),
        "danfoss": Station("12345678901234", DIALECTS["danfoss"], preamble=0),
        "lichuang": Station("42590016510824", DIALECTS["lichuang"], other_order="silence"),
        "wanhua": Station("00000110619552", DIALECTS["wanhua"], preamble=4),
    }
    meters = [
        SampleMeter(name, station.address, Cjt188HeatMeter(station, SteadyHeat(f"{seed}/{name}")))
        for name, station in heat.items()
    ]
    station = Station("78330011223344", DIALECTS["haina"], valve=True)
    water = Cjt188WaterMeter(station, SteadyWater(seed))
    return [*meters, SampleMeter("haina", station.address, water)]


def _dlt645(seed: int) -> list[SampleMeter]:
    stations = (
        Station645("181226034194"),
        Station645("260351050020", preamble=0, values_bytes_max=12),
        Station645("010003635927", version=1997, answers_wildcard=True, preamble=1),
    )
    return [
        SampleMeter(
            f"dlt645_{station.version}",
            station.address,
            Dlt645Meter(station, SteadyElectricity(f"{seed}/{station.address}")),
        )
        for station in stations
    ]


def _modbus(seed: int) -> list[SampleMeter]:
    texts = {0: "Eastron", 1: "SDM630-Modbus", 2: "1.24"}
    load = SteadyElectricity(f"{seed}/sdm630")
    devices: tuple[tuple[str, int, Device], ...] = (
        ("tuf2000", 1, TableSlave("1", 1, models.tuf2000(), SteadyHeat(f"{seed}/tuf", scale=50))),
        ("sdm630", 2, TableSlave("2", 2, models.SDM630, load, identification=texts)),
        ("dtsu666", 3, Dtsu666("3", 3, SteadyElectricity(f"{seed}/dtsu666"))),
        ("fuxin_gas", 4, TableSlave("4", 4, models.FUXIN_GAS, SteadyGas(f"{seed}/fuxin"))),
        ("room_rs485", 5, RoomSensor("5", 5, SteadyRoom(seed))),
    )
    return [SampleMeter(model, str(address), device) for model, address, device in devices]
