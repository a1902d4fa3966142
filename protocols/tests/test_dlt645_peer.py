"""PyPI's dlt645, an independent reader of DL/T 645-2007, agrees with ours.

Its known faults, checked here so that a repaired version is noticed:
a demand's time is read high byte first, though everything travels low byte first (its own clock
frames included); an unset one raises; block identifiers give nothing; an address comes with its
pairs in wire order; an error answer gives nothing. It knows no 1997, no freezes, no load records.
"""

import random
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from dlt645 import DLT645Protocol, MeterClientService

from nuan_protocols.dlt645.frame import parse
from nuan_protocols.dlt645.items import layout
from nuan_protocols.dlt645.reader import FrameReader
from nuan_protocols.dlt645.telegram import decode

ADDRESS = b"\x12\x90\x78\x56\x34\x12"
THOUSANDS = ("Wh", "varh", "VAh", "W", "var", "VA")
SAMPLE = 2000


@pytest.fixture(scope="module")
def peer() -> MeterClientService:
    service = MeterClientService.new_tcp_client("127.0.0.1", 1)
    service.address = bytearray(ADDRESS)
    return service


def answer(di: int, data: bytes, control: int = 0x91) -> bytes:
    return bytes(DLT645Protocol.build_frame(ADDRESS, control, di.to_bytes(4, "little") + data, 0))


def theirs(peer: MeterClientService, raw: bytes) -> Any:
    frame = DLT645Protocol.deserialize(raw)
    assert frame is not None
    item = peer.handle_response(frame)
    return None if item is None else item.value


def bcd(value: int, size: int) -> bytes:
    return bytes.fromhex(f"{value:0{2 * size}d}")[::-1]


def ours(raw: bytes) -> Decimal:
    reading = decode(raw).records[0].reading
    assert reading.integer is not None, reading
    exponent = reading.exponent - (3 if reading.unit in THOUSANDS else 0)
    return Decimal(reading.integer).scaleb(exponent)


def test_it_knows_no_energy_demand_or_variable_that_we_do_not(peer: MeterClientService) -> None:
    unknown = [
        f"{di:08X}" for di in peer.data_map if di >> 24 <= 2 and isinstance(layout(2007, di), str)
    ]
    assert not unknown
    assert sum(di >> 24 <= 2 for di in peer.data_map) > 18_000


def test_values_agree(peer: MeterClientService, seed: int) -> None:
    rng = random.Random(seed)
    known = [di for di in peer.data_map if di >> 24 in (0, 2) and di != 0x0280000A]
    for di in rng.sample(known, SAMPLE):
        found = layout(2007, di)
        assert not isinstance(found, str)
        (item,) = found.groups[0][2]
        # Up to 7999...: both agree where the top bit could be taken for a sign.
        value = rng.randrange(8 * 10 ** (2 * item.size - 1))
        data = bytearray(bcd(value, item.size))
        if item.kind == "s" and rng.random() < 0.5:
            data[-1] |= 0x80
        raw = answer(di, bytes(data))
        assert float(ours(raw)) == pytest.approx(theirs(peer, raw), abs=1e-9), f"{di:08X}"


def test_demands_agree(peer: MeterClientService, seed: int) -> None:
    rng = random.Random(seed)
    for di in rng.sample([di for di in peer.data_map if di >> 24 == 1], 500):
        when = datetime.fromisoformat(
            f"2025-{1 + rng.randrange(12):02d}-{1 + rng.randrange(28):02d}T23:59"
        )
        time = bytes.fromhex(when.strftime("%y%m%d%H%M"))
        value = bcd(rng.randrange(800_000), 3)
        right, high_first = answer(di, value + time[::-1]), answer(di, value + time)
        demand = theirs(peer, high_first)
        assert float(ours(right)) == pytest.approx(demand.value, abs=1e-9)
        assert datetime.fromisoformat(decode(right).records[1].reading.text) == demand.time == when


def test_frames_agree(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(500):
        data = rng.randbytes(rng.randrange(0, 60))
        raw = bytes(DLT645Protocol.build_frame(rng.randbytes(6), 0x91, data, rng.randrange(5)))
        noise = rng.randbytes(rng.randrange(6))
        reader = FrameReader()
        reader.feed(noise + raw)
        reader.idle()
        mine = reader.next_frame()
        assert mine is not None
        frame = DLT645Protocol.deserialize(mine)
        assert frame is not None
        assert parse(mine).data == bytes(frame.data) == data
        assert bytes(frame.addr) == parse(mine).raw[1:7]


def test_its_known_faults(peer: MeterClientService) -> None:
    block = answer(0x0201FF00, bcd(2303, 2) * 3)
    assert theirs(peer, block) is None
    assert len(decode(block).records) == 3
    address = bytes(DLT645Protocol.build_frame(ADDRESS, 0x93, ADDRESS, 0))
    assert theirs(peer, address) == "129078563412"
    assert decode(address).records[0].reading.text == "123456789012"
    unset = answer(0x01010000, bytes(8))
    with pytest.raises(ValueError, match="month"):
        theirs(peer, unset)
    assert decode(unset).records[1].reading.status == "unreadable:no time is set"
    error = bytes(DLT645Protocol.build_frame(ADDRESS, 0xD1, b"\x02", 0))
    assert theirs(peer, error) is None
    assert decode(error).error == 2
