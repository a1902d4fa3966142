"""The node's own firmware reads meters of every protocol, and journals what is on the wire."""

from collections.abc import Callable
from pathlib import Path
from struct import unpack_from
from typing import Any, NamedTuple

import pytest

from nuan_emulator import flash
from nuan_emulator.flash_journal import read_journal
from nuan_emulator.line import Line
from nuan_emulator.meters import (
    Cjt188HeatMeter,
    Dlt645Meter,
    Dtsu666,
    ElectricityState,
    HeatState,
    MBusHeatMeter,
    Station,
    Station645,
)
from nuan_emulator.meters.cjt188_layout import Dialect
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.uart import Wires
from nuan_emulator.world import World

NODE_ID = "6e75616e00000001"
START_MS = 1_793_462_400_000
EVERY_S = 900
# Without a gateway the node begins after two minutes: two cycles, and their flush.
SPAN_MS = EVERY_S * 1000 + 90_000
EXCHANGE = 1
OK, NO_ANSWER = 0, 1
WAKE = b"\xfe"


class Spoken(NamedTuple):
    """A question on the wire and what came back."""

    question: bytes
    answer: bytes


class Entry(NamedTuple):
    """A journaled exchange."""

    slot: int
    result: int
    tries: int
    question: bytes
    answer: bytes


class Overheard:
    """A line, and what passed on it."""

    def __init__(self, line: Line, spoken: list[Spoken]) -> None:
        self.baud = line.baud
        self.bits_per_byte = line.bits_per_byte
        self._line = line
        self._spoken = spoken

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        bursts = self._line.transmit(request, start_ms)
        self._spoken.append(Spoken(request, b"".join(data for _, data in bursts)))
        return bursts


class Life(NamedTuple):
    """What was said and what was journaled, in order, and the node that did it."""

    spoken: list[Spoken]
    journal: list[Entry]
    node: Node


def heat(now_ms: int) -> HeatState:
    passed_s = (now_ms - START_MS) // 1000
    return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, 5510, 4030, passed_s)


def electricity(now_ms: int) -> ElectricityState:
    phases = (1000, 1000, 1000)
    joules = 700 * (now_ms - START_MS) // 1000
    return ElectricityState(joules, 0, (2300, 2300, 2300), phases, phases, (0, 0, 0), 5000)


def bus(protocol: str, baud: int = 2400, parity: str = "E", **more: object) -> dict[str, object]:
    pins = {"uart": 1, "tx": 17, "rx": 16, "timeout_ms": 1100}
    return {"name": "line", "protocol": protocol, "baud": baud, "parity": parity, **pins, **more}


def meter(slot: int, address: object, **more: object) -> dict[str, object]:
    return {"slot": slot, "bus": 0, "address": address, "every_s": EVERY_S, **more}


@pytest.fixture
def live(tmp_path: Path, vm: Path, seed: int) -> Callable[..., Life]:
    """live(bus, meters, lines): a node's two cycles on these lines."""

    def run(the_bus: dict[str, object], meters: list[dict[str, object]], *lines: Line) -> Life:
        spoken: list[Spoken] = []
        config: dict[str, Any] = {
            "format": 1,
            "version": 1,
            "node": NODE_ID,
            "wifi": {"ssid": "nuan"},
            "mqtt": {"host": "10.1.0.1", "port": 1883},
            "journal": {},
            "buses": [the_bus],
            "meters": meters,
        }
        with World(seed=seed, start_ms=START_MS, vm=vm) as world:
            node = world.add_node(
                NodeSpec(
                    node_id=NODE_ID, key=bytes(32), config=config, image=tmp_path / "flash.img",
                    broker=("127.0.0.1", 9),
                    lines={1: Wires(*(Overheard(line, spoken) for line in lines))},
                )
            )  # fmt: skip
            world.run_until(START_MS + SPAN_MS)
        files = flash.read_files(vm, node.stage, node.spec.image)
        entries = [entry.canonical for entry in read_journal(files)]
        journal = [exchange(entry) for entry in entries if entry[1] == EXCHANGE]
        assert journal, node.console_tail()
        return Life(spoken, journal, node)

    return run


def exchange(canonical: bytes) -> Entry:
    """The fields of a canonical exchange entry, by docs/wire.md."""
    slot, _, result, tries, size = unpack_from(">HHBBH", canonical, 28)
    question = canonical[36 : 36 + size]
    return Entry(slot, result, tries, question, canonical[36 + size :])


def assert_byte_for_byte(life: Life) -> None:
    """Everything that was asked and answered stands in the journal, wake-up bytes apart."""
    answered = [each for each in life.spoken if each.answer]
    assert [entry.question for entry in life.journal] == [each.question for each in answered]
    for entry, each in zip(life.journal, answered, strict=True):
        assert entry.result == OK
        assert entry.answer
        assert each.answer.lstrip(WAKE) == entry.answer.lstrip(WAKE)


def test_cjt188_meters_with_their_makers_ways(live: Callable[..., Life]) -> None:
    stations = [
        Station("11110012345678"),
        Station("22220012345678", Dialect(mask=0x33)),
        Station("33330012345678", preamble=4),
    ]
    line = Line(2400, 11, [Cjt188HeatMeter(station, heat) for station in stations])
    reads = [[1, 0x90, 0x1F], [1, 0xD1, 0x20]]
    life = live(
        bus("cjt188"),
        [
            meter(1, "11110012345678", reads=reads),
            meter(2, "22220012345678", reads=reads[:1], mask=0x33),
            meter(3, "33330012345678", reads=reads[:1], type=0x20),
        ],
        line,
    )
    assert_byte_for_byte(life)
    assert [entry.slot for entry in life.journal] == [1, 1, 2, 3] * 2
    sers = [entry.question[-3] for entry in life.journal if entry.slot != 2]
    assert len(set(sers)) == len(sers)


def test_dlt645_meters_of_both_years_and_a_block_in_several_frames(
    live: Callable[..., Life],
) -> None:
    line = Line(
        2400,
        11,
        [
            Dlt645Meter(Station645("000000000017", values_bytes_max=8), electricity),
            Dlt645Meter(Station645("000000000097", version=1997), electricity),
        ],
    )
    life = live(
        bus("dlt645"),
        [
            meter(4, "000000000017", reads=[[17, 0x00010000, 0], [17, 0x0001FF00, 0]]),
            meter(5, "000000000097", reads=[[1, 0x9010, 0]]),
        ],
        line,
    )
    assert_byte_for_byte(life)
    slots = [entry.slot for entry in life.journal]
    assert slots.count(5) == 2
    assert slots.count(4) > 2 * 2
    assert {entry.question[12] for entry in life.journal if entry.slot == 4} == {0x11, 0x12}


def test_mbus_meters_by_primary_and_secondary_address(live: Callable[..., Life]) -> None:
    meters = [MBusHeatMeter("10000001", 1, heat), MBusHeatMeter("20000002", 0, heat)]
    # NUA as three times five bits, high byte first; version 1, medium 4.
    code = (ord("N") - 64) << 10 | (ord("U") - 64) << 5 | ord("A") - 64
    life = live(
        bus("mbus"),
        [meter(1, 1), meter(2, f"20000002{code:04X}0104")],
        Line(2400, 11, meters),
    )
    assert [(entry.slot, entry.result) for entry in life.journal] == [(1, OK), (2, OK)] * 2
    telegrams = [each.answer for each in life.spoken if len(each.answer) > 1]
    assert [entry.answer for entry in life.journal] == telegrams
    # The link is reset once for a primary address, each time for a selection.
    assert sum(each.question[1] == 0x40 and each.question[2] == 1 for each in life.spoken) == 1


def test_a_meter_of_another_speed_is_read_at_its_own(live: Callable[..., Life]) -> None:
    slow = Line(2400, 11, [Dtsu666("50000001", 1, electricity)])
    fast = Line(
        9600, 10, [Dtsu666("50000002", 2, electricity), Dtsu666("50000003", 3, electricity)]
    )
    reads = [[3, 8192, 18]]
    life = live(
        bus("modbus", 9600, "N"),
        [
            meter(1, 2, reads=reads),
            meter(2, 1, reads=reads, baud=2400, parity="E"),
            meter(3, 3, reads=reads),
        ],
        slow,
        fast,
    )
    assert_byte_for_byte(life)
    assert [entry.slot for entry in life.journal] == [1, 2, 3] * 2
    port = life.node.ports[1]
    assert port.unheard == 0
    # Once at the start, then there and back in each of two cycles.
    assert port.setups == 1 + 2 * 2


def test_a_dead_meter_costs_its_own_turn_only(live: Callable[..., Life]) -> None:
    line = Line(2400, 11, [MBusHeatMeter("10000001", 1, heat), MBusHeatMeter("10000003", 3, heat)])
    life = live(bus("mbus"), [meter(1, 1), meter(2, 2), meter(3, 3)], line)
    results = [(entry.slot, entry.result, entry.tries) for entry in life.journal]
    assert results == [(1, OK, 1), (2, NO_ANSWER, 3), (3, OK, 1)] * 2
