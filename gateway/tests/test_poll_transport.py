"""Read-outs over serial ports and serial servers, and what is said when a line fails."""

import asyncio
import os
import socket

import pytest
from line_server import BAUD, pty_line, room, tcp_line

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_gateway.connect import parse_connect
from nuan_gateway.poll.transport import RECEIVED_BYTES_MAX, LineError, open_transport, run_turn
from nuan_protocols.modbus.master import ReadOut
from nuan_protocols.readout import NO_ANSWER, OK, UNREADABLE

READS = ((4, 1, 2),)
TIMEOUT_MS = 120


async def read(connect: str, readout: ReadOut) -> ReadOut:
    transport = await open_transport(parse_connect(connect), BAUD, "N")
    try:
        await run_turn(transport, readout, TIMEOUT_MS)
    finally:
        await transport.close()
    return readout


async def test_a_meter_behind_a_serial_server():
    async with tcp_line(room(2, 215)) as server:
        readout = await read(f"tcp://127.0.0.1:{server.port}", ReadOut(2, READS))
    assert readout.result == OK
    ((part, result, tries, question, answer),) = readout.exchanges
    assert (part, result, tries) == (0, OK, 1)
    assert question == bytes.fromhex("020400010002") + question[-2:]
    assert answer[:7] == bytes.fromhex("02040400d70200")


async def test_a_meter_on_a_serial_port_is_there_for_the_next_one_too():
    async with pty_line(room(2, 215)) as terminal:
        for _ in range(2):
            readout = await read(f"serial:{terminal.port}", ReadOut(2, READS))
            assert readout.result == OK
            assert readout.exchanges[0][4][3:5] == b"\x00\xd7"


async def test_baud_and_parity_change_between_meters_of_a_serial_port():
    async with pty_line(room(2, 215), bauds=(BAUD, 9600)) as terminal:
        transport = await open_transport(parse_connect(f"serial:{terminal.port}"), BAUD, "N")
        for baud, parity, result in (
            (9600, "E", OK),
            (2400, "E", NO_ANSWER),
            (BAUD, "N", OK),
            (BAUD, "E", OK),
        ):
            transport.set_character(baud, parity)
            readout = ReadOut(2, READS, tries=1)
            await run_turn(transport, readout, TIMEOUT_MS)
            assert readout.result == result
        await transport.close()
    async with tcp_line(room(2)) as server:
        transport = await open_transport(parse_connect(f"tcp://127.0.0.1:{server.port}"), BAUD, "N")
        transport.set_character(BAUD, "N")
        with pytest.raises(LineError, match="can't be switched through it; set them at the serial"):
            transport.set_character(2400, "E")
        await transport.close()


async def test_silence_ends_the_turn_and_costs_its_time_only(monkeypatch):
    monkeypatch.setattr("nuan_gateway.poll.transport.NETWORK_EXTRA_S", 0.05)
    async with tcp_line(room(2)) as server:
        started = asyncio.get_running_loop().time()
        connect = f"tcp://127.0.0.1:{server.port}"
        readout = await read(connect, ReadOut(3, (*READS, *READS), tries=2))
        took_s = asyncio.get_running_loop().time() - started
    assert readout.result == NO_ANSWER
    assert [exchange[:3] for exchange in readout.exchanges] == [(0, NO_ANSWER, 2)]
    assert 2 * 0.17 <= took_s < 2 * 0.17 + 0.3


async def test_noise_and_echo_cost_no_answer(seed):
    rates = FaultRates(echo=True, noise_before=1.0, noise_after=1.0, split=1.0)
    async with tcp_line(room(2, 215), faults=LineFaults(rates, seed)) as server:
        readout = await read(f"tcp://127.0.0.1:{server.port}", ReadOut(2, READS))
    assert readout.result == OK
    assert readout.exchanges[0][4][3:5] == b"\x00\xd7"


async def test_what_came_instead_of_an_answer_is_kept(seed):
    faults = LineFaults(FaultRates(flip=1.0), seed)
    async with tcp_line(room(2, 215), faults=faults) as server:
        readout = await read(f"tcp://127.0.0.1:{server.port}", ReadOut(2, READS, tries=1))
    assert readout.result == UNREADABLE
    ((_, result, _, _, answer),) = readout.exchanges
    assert result == UNREADABLE
    assert len(answer) == 9
    assert answer[:2] == b"\x02\x04"


async def test_a_lost_connection_says_so():
    async with tcp_line(room(2)) as server:
        server.hang_up_after = 0
        with pytest.raises(
            LineError, match=r"tcp://127.0.0.1:\d+: connection lost, the other side"
        ):
            await read(f"tcp://127.0.0.1:{server.port}", ReadOut(2, READS))


async def test_what_is_said_of_a_line_that_is_not_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ordinary = tmp_path / "file"
    ordinary.write_text("")
    forbidden = tmp_path / "port"
    forbidden.write_text("")
    for connect, said in (
        (f"tcp://127.0.0.1:{port}", "connection refused; check the port"),
        ("tcp://nowhere.invalid:1", "there is no host of this name; check it"),
        ("serial:/dev/ttyNone", "no such device; plug it in"),
        (f"serial:{ordinary}", "is no serial port; write one as /dev/ttyUSB0"),
        ("modbus-tcp://127.0.0.1", "carries no bytes as they are"),
    ):
        with pytest.raises(LineError) as caught:
            await open_transport(parse_connect(connect), 2400, "E")
        assert "\n" not in str(caught.value)
        assert said in str(caught.value)


async def test_a_serial_port_that_others_use_or_own(monkeypatch):
    async with pty_line(room(2)) as terminal:
        connect = parse_connect(f"serial:{terminal.port}")
        first = await open_transport(connect, BAUD, "N")
        with pytest.raises(LineError, match="another program uses it; stop that first"):
            await open_transport(connect, BAUD, "N")
        await first.close()

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        # Tests may run as root, whom no file's rights stop.
        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(
            LineError, match="permission denied; add your user to the group dialout"
        ):
            await open_transport(connect, BAUD, "N")


async def test_a_line_that_never_falls_silent_fills_no_memory():
    """A serial port stays open between the turns: what nobody asked for must not pile up."""
    async with tcp_line(room(2, 215)) as server:
        transport = await open_transport(parse_connect(f"tcp://127.0.0.1:{server.port}"), BAUD, "N")
        for _ in range(100):
            transport._wire.data_received(bytes(1000))
        assert len(transport._wire.received) == RECEIVED_BYTES_MAX
        readout = ReadOut(2, READS)
        await run_turn(transport, readout, TIMEOUT_MS)
        await transport.close()
    assert readout.result == OK
