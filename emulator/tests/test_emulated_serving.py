"""Lines served to programs outside: a real serial port's other end, TCP, Modbus TCP."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import serial
from pymodbus.client import AsyncModbusTcpClient

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter, RoomSensor, RoomState
from nuan_emulator.meters.mbus_layout import short_frame
from nuan_emulator.meters.modbus_models import SDM630
from nuan_emulator.meters.modbus_table import TableSlave
from nuan_emulator.serve import Pace, PtyLine, ServedLine, TcpLine
from nuan_emulator.serve_modbus import ModbusTcpServer

STATE = HeatState(3_600_000_000, 0, 0, 0, 5000, 4000, 0)
START_MS = 1_793_491_200_000
SPEED = 40


def meter(address: int) -> MBusHeatMeter:
    return MBusHeatMeter(f"{address:08d}", address, lambda _: STATE)


def line(*addresses: int, baud: int = 2400, parity: str | None = "E", **how) -> Line:
    return Line(baud, 11, [meter(each) for each in addresses], parity=parity, **how)


def ask(address: int, control: int = 0x5B) -> bytes:
    return short_frame.build({"control": control, "address": address})


def expected(address: int) -> bytes:
    answer = meter(address).answer(ask(address), START_MS)
    assert answer is not None
    return answer


def running(speed: float) -> Callable[[], int]:
    """A clock that begins at START_MS, on a full minute."""
    begin = time.monotonic()
    return lambda: START_MS + int((time.monotonic() - begin) * 1000 * speed)


async def exchange(
    port: str, request: bytes, *, baud: int = 2400, parity: str = "E", wait_s: float = 0.5
) -> bytes:
    """What a program with pyserial gets: all that comes until the line is silent."""

    def talk() -> bytes:
        with serial.Serial(port, baud, parity=parity, timeout=wait_s) as opened:
            opened.write(request)
            got = opened.read(1)
            # Only what is opened at once is read so: a changed time-out sets the port up anew.
            while more := opened.in_waiting:
                got += opened.read(more)
                time.sleep(0.03)
            return got

    return await asyncio.to_thread(talk)


async def test_a_program_reads_a_meter_through_its_serial_port(tmp_path: Path):
    path = tmp_path / "line"
    async with PtyLine(line(1, 2), path, speed=SPEED, clock=running(SPEED)) as served:
        assert served.port == str(path)
        assert await exchange(str(path), ask(2)) == expected(2)
        assert (served.requests, served.bursts) == (1, 1)
    assert not path.is_symlink()
    await served.close()


async def test_a_wrong_baud_rate_gets_silence_and_the_next_right_one_an_answer():
    async with PtyLine(line(1), speed=SPEED, clock=running(SPEED)) as served:
        assert await exchange(served.port, ask(1), baud=9600, wait_s=0.1) == b""
        assert await exchange(served.port, ask(1), baud=2400) == expected(1)


async def test_meters_of_several_baud_rates_share_one_pair_of_wires():
    lines = [line(1, baud=2400), line(2, baud=300), line(3, baud=38400)]
    async with PtyLine(lines, speed=400, clock=running(400)) as served:
        for address, baud in ((1, 2400), (2, 300), (3, 38400)):
            answer = await exchange(served.port, ask(address), baud=baud)
            assert answer[:15] == expected(address)[:15]
            assert await exchange(served.port, ask(9), baud=baud, wait_s=0.05) == b""


async def test_odd_parity_is_told_from_the_others():
    async with PtyLine(line(1, parity="O"), speed=SPEED, clock=running(SPEED)) as served:
        assert await exchange(served.port, ask(1), parity="E", wait_s=0.1) == b""
        assert await exchange(served.port, ask(1), parity="O") == expected(1)


async def test_an_answer_takes_its_time_on_the_wire():
    served_line = line(1)
    async with TcpLine(served_line, speed=10) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        begin = time.monotonic()
        writer.write(ask(1))
        await reader.readexactly(len(expected(1)))
        took_s = time.monotonic() - begin
        writer.close()
        await writer.wait_closed()
    characters = 5 + len(expected(1))
    least_s = served_line.duration_us(characters) / 1e6 / 10
    assert least_s < took_s < least_s + (330 / 2400 + 0.05) / 10 + 0.5


async def test_every_client_of_a_serial_server_hears_the_answer():
    noisy = line(1, faults=LineFaults(FaultRates(echo=True), 1))
    async with TcpLine(noisy, speed=SPEED, clock=running(SPEED)) as served:
        first = await asyncio.open_connection(served.host, served.port)
        second = await asyncio.open_connection(served.host, served.port)
        await asyncio.sleep(0.02)
        # In two pieces: a server forwards what it has.
        first[1].write(ask(1)[:2])
        first[1].write(ask(1)[2:])
        whole = ask(1) + expected(1)
        for reader, _ in (first, second):
            assert await asyncio.wait_for(reader.readexactly(len(whole)), 2) == whole
        second[1].close()
        first[1].write(ask(1, 0x7B))
        assert len(await asyncio.wait_for(first[0].readexactly(len(whole)), 2)) == len(whole)
    assert await first[0].read() == b""
    first[1].close()


async def test_a_line_closes_with_an_answer_on_its_way():
    async with TcpLine(line(1)) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(ask(1))
        await asyncio.sleep(0.05)
        assert served.requests == 1
    assert await reader.read() == b""
    assert served.bursts == 0
    writer.close()


async def test_a_program_that_never_reads_loses_bytes_and_nothing_else():
    async with PtyLine(line(1), speed=2000) as served:
        assert isinstance(served, ServedLine)

        def shout() -> None:
            with serial.Serial(served.port, 2400, parity="E") as port:
                for k in range(100):
                    port.write(ask(1, 0x7B if k % 2 else 0x5B))
                    time.sleep(0.006)

        await asyncio.to_thread(shout)
        assert served.requests > 20


def test_time_runs_at_its_speed_and_never_backwards():
    pace = Pace(1000)
    begin_ms = pace.now_ms()
    time.sleep(0.005)
    assert 5_000 <= pace.now_ms() - begin_ms < 500_000
    assert pace.real_s(2_000) == 0.002
    assert Pace(2, lambda: 7).now_ms() == 7
    with pytest.raises(ValueError, match="0 times as fast"):
        Pace(0)


def gateway(**how) -> ModbusTcpServer:
    devices = [
        RoomSensor("1", 5, lambda _: RoomState(-205, 546)),
        TableSlave("2", 6, SDM630, lambda _: None),
    ]
    return ModbusTcpServer(devices, speed=SPEED, **how)


async def test_pymodbus_reads_a_device_behind_a_modbus_tcp_gateway():
    async with gateway() as served:
        client = AsyncModbusTcpClient(served.host, port=served.port, timeout=2, retries=0)
        assert await client.connect()
        answer = await client.read_input_registers(1, count=2, device_id=5)
        assert answer.registers == [0xFF33, 546]
        answer = await client.read_input_registers(100, count=2, device_id=5)
        assert answer.exception_code == 2
        # A silent device, and one that isn't there.
        for unit in (6, 7):
            answer = await client.read_input_registers(1, count=2, device_id=unit)
            assert answer.exception_code == 0x0B
        client.close()


async def test_some_gateways_say_nothing_for_an_absent_unit():
    async with gateway(tells_absent=False) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(bytes.fromhex("000100000006070400010002" + "000200000006050400010001"))
        answer = await asyncio.wait_for(reader.readexactly(11), 2)
        assert answer.hex() == "0002000000050504" + "02ff33"
        writer.close()


@pytest.mark.parametrize(
    "garbage", ["00010001000601040001000100", "0001000000ff0104", "00010000000101"]
)
async def test_what_is_no_modbus_tcp_ends_the_connection(garbage):
    async with gateway() as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(bytes.fromhex(garbage))
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
