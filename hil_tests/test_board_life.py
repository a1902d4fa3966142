"""A board boots, reads its meters on schedule, journals what it reads, and stays well."""

from itertools import groupby, pairwise

import pytest
from board_worlds import (
    Board,
    boots,
    events,
    exchanges,
    flush_s,
    journal,
    live_through,
    meters_of,
    opened,
    status,
)
from emulated_board import EmulatedBoard

from nuan_protocols.mbus.telegram import decode
from nuan_protocols.modbus.registers import registers
from nuan_protocols.uplink.body import (
    EVENT_BOOT,
    EVENT_CONFIGURATION,
    EVENT_FAULT,
    EVENT_PANIC,
    RESULT_NO_ANSWER,
    RESULT_OK,
)

# All meters of a turn are read within it.
TURN_S = 60
HEAP_FREE_BYTES = 16_384
HEAP_BLOCK_BYTES = 4096


@pytest.mark.minutes(1)
def test_a_board_boots_and_says_so(board: Board) -> None:
    entries = journal(board)
    assert boots(entries) == 1
    assert " nuan " in events(entries, EVENT_BOOT)[0]
    assert f"version {board.config['version']}" in events(entries, EVENT_CONFIGURATION)
    said = status(board)
    assert said["node"] == board.config["node"]
    assert said["safe_mode"] == ""


@pytest.mark.minutes(20)
def test_a_board_reads_its_meters_on_schedule_and_keeps_every_byte(board: Board) -> None:
    live_through(board, 3)
    read = exchanges(journal(board))
    quality = read[-1][0].clock
    for meter in meters_of(board):
        # Those of one clock: where somebody tells the time, it counts from another zero then.
        own = [(e.time, x) for e, x in read if x.slot == meter["slot"] and e.clock == quality]
        turns = [time // meter["every_s"] for time, _ in own]
        reads = len(meter.get("reads", (1,)))
        assert len(own) >= reads * flush_s(board) // meter["every_s"]
        assert [turn for turn, _ in groupby(turns)] == list(range(turns[0], turns[-1] + 1))
        # A board that nobody tells the time begins with a turn at once.
        assert max(time % meter["every_s"] for time, _ in own[reads:]) < TURN_S
        protocol = board.config["buses"][meter["bus"]]["protocol"]
        for _, exchange in own:
            assert exchange.result == RESULT_OK, f"slot {exchange.slot} was not read"
            if protocol == "mbus":
                assert decode(exchange.answer).records
            elif protocol == "modbus":
                assert registers(exchange.answer)
                assert exchange.answer[0] == exchange.question[0] == meter["address"]


@pytest.mark.minutes(63)
def test_after_an_hour_there_is_memory_to_spare(board: Board) -> None:
    board.live(3600)
    said = status(board)
    print({name: said[name] for name in said if name.startswith(("heap", "system"))})
    # A chip's Python heap grows out of the chip's own.
    assert said["heap_free"] + said.get("system_free", 0) >= HEAP_FREE_BYTES
    assert max(said["heap_block"], said.get("system_block", 0)) >= HEAP_BLOCK_BYTES
    entries = journal(board)
    assert boots(entries) == 1, "it restarted within the hour"
    assert events(entries, EVENT_FAULT) == events(entries, EVENT_PANIC) == []


def test_a_silent_meter_does_not_delay_the_others(emulated: EmulatedBoard) -> None:
    live_through(emulated, 1)
    emulated.switch_off(bus=0, device=0)
    emulated.live(3600)
    read = exchanges(journal(emulated))
    silent = [e.time for e, x in read if x.slot == 1 and x.result == RESULT_NO_ANSWER]
    # Asked ever more rarely.
    assert 3 <= len(silent) < 3600 // 300
    answers = [(e.time, x.result) for e, x in read if x.slot == 2]
    turns = [time // 300 for time, _ in answers]
    assert turns == list(range(turns[0], turns[-1] + 1))
    assert {result for _, result in answers} == {RESULT_OK}
    assert max(time % 300 for time, _ in answers[1:]) < TURN_S
    meters = opened(emulated).request("meters")["meters"]
    assert [each["misses"] >= 3 for each in meters] == [True, False, False]


def test_the_lamp_says_that_no_gateway_answers(emulated: EmulatedBoard) -> None:
    emulated.live(300)
    emulated.lamp.clear()
    emulated.live(30)
    lit = [at_ms for at_ms, level in emulated.lamp if level]
    # Two blinks every three seconds.
    assert 19 <= len(lit) <= 21
    pauses = sorted({round((b - a) / 100) * 100 for a, b in pairwise(lit)})
    assert pauses == [400, 2600]
