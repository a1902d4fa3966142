"""Timing of a line against the standard's formulas, collisions, and what faults make of it."""

import pytest
from pymodbus.framer import FramerRTU

from nuan_emulator.faults import DeadSpan, FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter, RoomSensor, RoomState
from nuan_emulator.meters.mbus_layout import long_frame, short_frame
from nuan_emulator.meters.mbus_slave import Traits

STATE = HeatState(3_600_000_000, 0, 0, 0, 5000, 4000, 0)
START_MS = 1_793_491_200_000


def meter(address: int) -> MBusHeatMeter:
    return MBusHeatMeter(f"{address:08d}", address, lambda _: STATE)


def ask(address: int, fcb: int = 0x20) -> bytes:
    return short_frame.build({"control": 0x5B | fcb, "address": address})


@pytest.mark.parametrize("baud", [300, 2400, 9600])
def test_exchange_takes_between_the_standards_limits(baud):
    line = Line(baud, 11, [meter(1)], seed=4)
    times = []
    for k in range(200):
        start_ms = START_MS + k * 60_000
        ((arrival_ms, answer),) = line.transmit(ask(1, 0x20 * (k % 2)), start_ms)
        n = len(answer)
        least_s = (5 * 11 + 11 + 11 * n) / baud
        most_s = (5 * 11 + 330 + 11 * n) / baud + 0.050
        assert least_s * 1000 <= arrival_ms - start_ms <= most_s * 1000 + 1
        times.append(arrival_ms - start_ms)
    assert max(times) - min(times) > 0.8 * (319 / baud + 0.05) * 1000


def test_modbus_answer_waits_three_and_a_half_characters():
    sensor = RoomSensor("1", 1, lambda _: RoomState(200, 500))
    line = Line(9600, 10, [sensor], seed=1)
    question = bytes.fromhex("010400010002")
    question += FramerRTU.compute_CRC(question).to_bytes(2, "big")
    for k in range(100):
        ((arrival_ms, answer),) = line.transmit(question, START_MS + k * 1000)
        took_us = (arrival_ms - START_MS - k * 1000) * 1000
        assert took_us >= (len(question) + len(answer)) * 10 * 1e6 / 9600 + 38.5 * 1e6 / 9600


def test_duration_is_rounded_up():
    line = Line(2400, 11, [])
    assert line.duration_us(1) == 4584
    assert line.duration_us(5) == 22917


def test_the_meter_is_read_when_the_request_has_ended():
    seen = []

    def source(now_ms):
        seen.append(now_ms)
        return STATE

    line = Line(2400, 11, [MBusHeatMeter("00000001", 1, source)])
    line.transmit(ask(1), START_MS)
    assert seen == [START_MS + 23]


def test_same_seed_same_times_and_another_seed_others():
    def run(seed):
        line = Line(2400, 11, [meter(1), meter(2)], seed=seed)
        return [line.transmit(ask(1 + k % 2), START_MS + k * 2000) for k in range(40)]

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_one_devices_reaction_does_not_depend_on_the_others_traffic():
    alone, busy = (Line(2400, 11, [meter(1), meter(2)], seed=5) for _ in range(2))
    busy.transmit(ask(2), START_MS)
    assert alone.transmit(ask(1), START_MS + 9000) == busy.transmit(ask(1), START_MS + 9000)


def test_nobody_answers_for_an_absent_address():
    assert Line(2400, 11, [meter(1)]).transmit(ask(9), START_MS) == []


def test_two_answers_collide_into_one_garbled_burst():
    line = Line(2400, 11, [meter(1), meter(2)], seed=3)
    ((_, mixed),) = line.transmit(ask(0xFE), START_MS)
    assert line.collisions == 1
    good = {m.answer(ask(m.address), 0) for m in (meter(1), meter(2))}
    assert mixed not in good


def test_equal_single_characters_at_once_stay_readable():
    nke = short_frame.build({"control": 0x40, "address": 0xFE})
    line = Line(2400, 11, [meter(1), meter(2)], seed=3)
    ((_, mixed),) = line.transmit(nke, START_MS)
    assert set(mixed) <= {0xE5, 0xFF}


def test_a_request_into_a_running_answer_reaches_nobody():
    line = Line(300, 11, [meter(1)], seed=3)
    line.transmit(ask(1), START_MS)
    assert line.transmit(ask(1, 0), START_MS + 500) == []
    assert line.collisions == 1
    assert line.transmit(ask(1, 0), START_MS + 60_000) != []


def test_a_meter_set_to_another_baud_rate_is_heard_only_there():
    movable = MBusHeatMeter("00000001", 1, lambda _: STATE, traits=Traits(settable=True))
    slow, fast = Line(2400, 11, [movable]), Line(9600, 11, [movable])
    set_baud = long_frame.build({"user_data": bytes([0x53, 1, 0xBD])})
    assert fast.transmit(ask(1), START_MS) == []
    assert [data for _, data in slow.transmit(set_baud, START_MS)] == [b"\xe5"]
    assert slow.transmit(ask(1), START_MS + 5_000) == []
    assert len(fast.transmit(ask(1), START_MS + 10_000)) == 1
    # Heard once, it stays there.
    assert slow.transmit(ask(1), START_MS + 3_600_000) == []


def test_echo_comes_first_and_when_the_request_has_ended():
    line = Line(2400, 11, [meter(1)], LineFaults(FaultRates(echo=True), seed=1))
    echo, answer = line.transmit(ask(1), START_MS)
    assert echo == (START_MS + 23, ask(1))
    assert answer[0] > echo[0]
    assert line.transmit(ask(7), START_MS + 9_000) == [(START_MS + 9_023, ask(7))]


def test_a_dead_meter_is_silent_for_its_span_only():
    faults = LineFaults(FaultRates(dead=(DeadSpan(0, START_MS, START_MS + 60_000),)), seed=1)
    line = Line(2400, 11, [meter(1), meter(2)], faults)
    assert line.transmit(ask(1), START_MS) == []
    assert len(line.transmit(ask(2), START_MS + 2_000)) == 1
    assert len(line.transmit(ask(1), START_MS + 60_000)) == 1


def test_stale_frames_are_another_devices():
    line = Line(2400, 11, [meter(1), meter(2)], LineFaults(FaultRates(stale=1.0), seed=1))
    ((_, first),) = line.transmit(ask(1), START_MS)
    ((_, both),) = line.transmit(ask(2), START_MS + 5_000)
    assert both.startswith(first)
    assert both[len(first) + 5] == 2


def test_impossible_lines_are_refused():
    with pytest.raises(ValueError, match="no such line"):
        Line(0, 11, [])
    with pytest.raises(ValueError, match="no such line"):
        Line(2400, 8, [])
