"""Modbus TCP: the bytes as they were on the wire, silence, exceptions and lost connections."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from nuan_gateway.connect import parse_connect
from nuan_gateway.poll.modbus_tcp import open_modbus_tcp
from nuan_gateway.poll.transport import LineError
from nuan_protocols.meters import registry
from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK

TIMEOUT_MS = 100


@pytest.fixture(autouse=True)
def near(monkeypatch):
    """The network is this machine."""
    monkeypatch.setattr("nuan_gateway.poll.modbus_tcp.NETWORK_EXTRA_S", 0.05)


@asynccontextmanager
async def served():
    """pymodbus's own server with a room sensor's registers under unit 2; (server, connect)."""
    registers = SimData(1, values=[215, 512], datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(2, simdata=[registers]), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    try:
        yield server, parse_connect(f"modbus-tcp://127.0.0.1:{port}")
    finally:
        await server.shutdown()


async def test_the_journal_gets_what_was_on_the_wire():
    kept = []
    async with served() as (_, connect):
        line = await open_modbus_tcp(connect)
        result, exchanges = await line.read(
            2, ((4, 1, 2),), TIMEOUT_MS, keep=lambda *each: kept.append(each), now=lambda: 17
        )
        await line.close()
    assert result == OK
    ((part, verdict, tries, question, answer),) = exchanges
    assert kept == [(17, exchanges[0])]
    assert (part, verdict, tries) == (0, OK, 1)
    assert question[2:] == bytes.fromhex("00000006020400010002")
    assert answer == question[:2] + bytes.fromhex("00000007 02040400d70200")
    found = registry.readings(registry.profile("room_rs485"), question, answer)
    assert [(each.quantity, each.integer) for each in found] == [
        ("room_temperature", 215),
        ("relative_humidity", 512),
    ]


async def test_a_refused_part_does_not_end_the_turn():
    async with served() as (_, connect):
        line = await open_modbus_tcp(connect)
        result, exchanges = await line.read(2, ((4, 500, 2), (4, 1, 2)), TIMEOUT_MS)
        await line.close()
    assert result == OK
    assert [each[1] for each in exchanges] == [EXCEPTION, OK]
    assert exchanges[0][4][7:] == bytes.fromhex("8402")


async def test_a_gateway_that_cannot_reach_a_unit_ends_its_turn():
    """Exception 0B says that the meter behind the gateway is silent: nothing more is asked."""
    async with served() as (server, connect):

        def unreachable(sending: bool, data: bytes) -> bytes:
            return data[:5] + b"\x03" + data[6:7] + b"\x84\x0b" if sending else data

        server.trace_packet = unreachable
        line = await open_modbus_tcp(connect)
        result, exchanges = await line.read(2, ((4, 1, 2), (4, 1, 2)), TIMEOUT_MS)
        await line.close()
    assert result == NO_ANSWER
    assert [each[1] for each in exchanges] == [EXCEPTION]
    assert exchanges[0][4][-2:] == b"\x84\x0b"


@asynccontextmanager
async def listening(bytes_read: int):
    """Accepts connections and hangs up after so many bytes (-1: never); the connect."""
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        await reader.read(bytes_read)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield parse_connect(f"modbus-tcp://127.0.0.1:{port}")
    finally:
        server.close()
        await asyncio.gather(*served)
        await server.wait_closed()


async def test_silence():
    async with listening(-1) as connect:
        line = await open_modbus_tcp(connect)
        for _ in range(4):
            result, exchanges = await line.read(2, ((4, 1, 2), (4, 1, 2)), 20, 2)
            assert result == NO_ANSWER
            ((part, verdict, tries, question, answer),) = exchanges
            assert (part, verdict, tries, answer) == (0, NO_ANSWER, 2, b"")
            assert question[4:] == bytes.fromhex("0006020400010002")
        await line.close()


async def test_a_lost_connection_is_an_error_of_the_line():
    async with listening(1) as connect:
        line = await open_modbus_tcp(connect)
        with pytest.raises(LineError, match="connection lost"):
            await line.read(2, ((4, 1, 2),), TIMEOUT_MS)
        await line.close()
    with pytest.raises(LineError, match="no connection; check address, port and cable"):
        await open_modbus_tcp(connect)
