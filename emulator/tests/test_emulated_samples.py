"""The ready-made lines: everybody answers under the address that the sample names."""

import asyncio
from datetime import UTC, datetime

import pytest
import serial

from nuan_emulator.faults import FaultRates
from nuan_emulator.meters.device import GasState, HeatState, WaterState
from nuan_emulator.meters.sparing import Sparing
from nuan_emulator.samples import SampleLine, SampleMeter, sample_lines
from nuan_emulator.serve import PtyLine
from nuan_emulator.steady import (
    SEASON_MS,
    SteadyElectricity,
    SteadyGas,
    SteadyHeat,
    SteadyRoom,
    SteadyWater,
)
from nuan_protocols.cjt188 import probe
from nuan_protocols.cjt188.master import Address
from nuan_protocols.cjt188.master import ReadOut as CjReadOut
from nuan_protocols.dlt645.master import ReadOut as DlReadOut
from nuan_protocols.mbus.master import ReadOut as MBusReadOut
from nuan_protocols.meters.registry import profile
from nuan_protocols.modbus.master import ReadOut as ModbusReadOut
from nuan_protocols.readout import OK

NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)


def by_name(seed: int = 1, faults: FaultRates | None = None) -> dict[str, SampleLine]:
    return {sample.name: sample for sample in sample_lines(seed, faults)}


def answers(readout, line) -> list[bytes]:
    while (request := readout.request()) is not None:
        # Every request at its own time: a line is busy until its last answer has ended.
        for _, burst in line.transmit(bytes(request), NOON_MS + line.exchanges * 5_000):
            readout.feed(burst)
        if readout.waiting:
            readout.timeout()
    return [bytes(answer) for _, result, *_, answer in readout.exchanges if result == OK]


def test_how_many_hang_on_each_line():
    counts = {name: len(sample.line.devices) for name, sample in by_name().items()}
    assert counts == {"mbus": 10, "cjt188": 6, "dlt645": 3, "modbus": 5}
    assert all(
        [meter.device for meter in sample.meters] == sample.line.devices
        for sample in by_name().values()
    )


def test_every_m_bus_meter_answers_and_two_share_their_number():
    sample = by_name()["mbus"]
    numbers = []
    for meter in sample.meters:
        telegrams = answers(MBusReadOut(int(meter.address)), sample.line)
        assert telegrams
        numbers.append(telegrams[0][7:13])
    assert len(set(numbers)) == 10
    assert len({number[:4] for number in numbers}) == 9


def test_a_sparing_meter_says_so_at_the_third_reading():
    sample = next(each for each in sample_lines(1, sparing=True) if each.name == "mbus")
    (meter,) = (each for each in sample.meters if isinstance(each.device, Sparing))
    lengths = [
        len(answers(MBusReadOut(int(meter.address), tries=1), sample.line)[-1:][0])
        for _ in range(2)
    ]
    assert min(lengths) > 50
    refused = answers(MBusReadOut(int(meter.address), tries=1), sample.line)
    assert meter.device.refused > 0
    assert all(len(telegram) == 10 for telegram in refused)


def test_every_cjt188_meter_answers_one_of_the_makers_ways():
    sample = by_name()["cjt188"]
    for meter in sample.meters:
        kind = 0x10 if meter.model == "haina" else 0x20
        got = [
            answer
            for address, read in probe.ways(meter.address, kind)
            for answer in answers(CjReadOut(address, (read,), 0, tries=1), sample.line)
        ]
        assert len(got) == 1, meter


def test_a_wildcard_on_a_line_of_six_is_a_collision():
    sample = by_name()["cjt188"]
    everybody = Address(0x20, b"\xaa" * 7, 0)
    answers(CjReadOut(everybody, ((0x03, 0x81, 0x0A),), 0, tries=1), sample.line)
    assert sample.line.collisions == 1


def test_every_dlt645_meter_answers():
    sample = by_name()["dlt645"]
    for meter in sample.meters:
        control, di = (0x01, 0x9010) if meter.model == "dlt645_1997" else (0x11, 0x0001_FF00)
        assert answers(DlReadOut(meter.address, ((control, di, 0),)), sample.line), meter


def test_every_modbus_meter_answers_its_profiles_reads():
    sample = by_name()["modbus"]
    for meter in sample.meters:
        reads = profile(meter.model).reads
        assert len(answers(ModbusReadOut(int(meter.address), reads), sample.line)) == len(reads)


def asked(sample: SampleLine, meter: SampleMeter) -> list:
    """Every way in which the meter may have to be asked."""
    if sample.protocol == "mbus":
        return [MBusReadOut(int(meter.address), tries=1)]
    if sample.protocol == "modbus":
        return [ModbusReadOut(int(meter.address), profile(meter.model).reads, tries=1)]
    if sample.protocol == "dlt645":
        read = (0x01, 0x9010, 0) if meter.model == "dlt645_1997" else (0x11, 0x0001_FF00, 0)
        return [DlReadOut(meter.address, (read,), tries=1)]
    kind = 0x10 if meter.model == "haina" else 0x20
    return [
        CjReadOut(address, (read,), 0, tries=1) for address, read in probe.ways(meter.address, kind)
    ]


@pytest.mark.parametrize("name", ["mbus", "cjt188", "dlt645", "modbus"])
async def test_a_whole_sample_is_read_through_a_serial_port(name):
    sample = by_name()[name]
    line = sample.line

    def read_all(path: str) -> int:
        good = 0
        with serial.Serial(path, line.baud, parity=line.parity or "N", timeout=0.25) as port:
            for meter in sample.meters:
                for readout in asked(sample, meter):
                    while (request := readout.request()) is not None:
                        port.write(bytes(request))
                        while readout.waiting:
                            data = port.read(1) + port.read(port.in_waiting)
                            if data:
                                readout.feed(data)
                            else:
                                readout.timeout()
                    if any(result == OK for _, result, *_ in readout.exchanges):
                        good += 1
                        break
        return good

    async with PtyLine(line, speed=50) as served:
        assert await asyncio.to_thread(read_all, served.port) == len(sample.meters)


def test_equal_seeds_give_equal_lines_and_faults_are_drawn_from_them_too():
    def bursts(seed: int) -> list:
        sample = by_name(seed, FaultRates(flip=0.5, split=0.5))["modbus"]
        readout = ModbusReadOut(5, profile("room_rs485").reads)
        question = bytes(readout.request() or b"")
        return [sample.line.transmit(question, NOON_MS + k * 1000) for k in range(10)]

    assert bursts(3) == bursts(3)
    assert bursts(3) != bursts(4)


@pytest.mark.parametrize("seed", range(5))
def test_heat_is_physically_sound(seed):
    source = SteadyHeat(seed)
    before, after = source(NOON_MS), source(NOON_MS + 3_600_000)
    assert after.energy_j - before.energy_j == before.power_w * 3_600
    assert abs(after.volume_ml - before.volume_ml - before.flow_l_per_h * 1000) <= 1
    kelvin_cc = before.flow_temperature_cc - before.return_temperature_cc
    assert before.power_w == pytest.approx(before.flow_l_per_h * kelvin_cc / 100 * 1.163, rel=0.01)
    assert source(SEASON_MS - 1) == HeatState(
        source.start_j, source.start_ml, 0, 0, source.flow_cc, source.return_cc, 0
    )


def test_the_other_sources_count_what_flows():
    water, gas, load = SteadyWater(1), SteadyGas(1), SteadyElectricity(1)
    first, second = water(NOON_MS), water(NOON_MS + 3_600_000)
    assert isinstance(first, WaterState)
    assert abs(second.volume_ml - first.volume_ml - first.flow_l_per_h * 1000) <= 1
    corrected = gas(NOON_MS)
    assert isinstance(corrected, GasState)
    factor = corrected.pressure_pa / 101_325 * 293.15 / (corrected.temperature_cc / 100 + 273.15)
    assert corrected.standard_volume_ml == pytest.approx(corrected.volume_ml * factor, rel=1e-6)
    used_j = load(NOON_MS + 3_600_000).import_j - load(NOON_MS).import_j
    assert used_j == pytest.approx(sum(load(NOON_MS).power_dw) * 360, abs=1)
    assert SteadyRoom(1)(0) == SteadyRoom(1)(NOON_MS)
