"""The console at the board's own port: its lock, and what it does for who has the key."""

import pytest
from board_worlds import Board, events, exchanges, journal, meters_of, opened

from nuan_protocols.uplink.body import EVENT_TIME, RESULT_OK
from nuan_tools.node_link.client import RefusedError

SHUT_S = 60
CLOCK_SLACK_S = 2
TURN_S = 30
M_BUS_ADDRESS_LAST = 250


@pytest.mark.minutes(2)
def test_the_console_is_locked_until_the_key_opens_it(board: Board) -> None:
    console = board.console
    assert console.request("status")["locked"] is True
    for command in ("meters", "config", "key", "reboot", "pull"):
        with pytest.raises(RefusedError) as refused:
            console.request(command)
        assert refused.value.is_locked
    for _ in range(5):
        console.request("unlock")
        with pytest.raises(RefusedError, match="wrong answer"):
            console.request("unlock", answer="0" * 16)
    with pytest.raises(RefusedError, match="wait"):
        console.unlock(board.key)
    board.live(SHUT_S)
    console.unlock(board.key)
    assert console.request("status")["locked"] is False
    assert console.request("lock")["locked"] is True


@pytest.mark.minutes(1)
def test_a_meter_is_read_now_and_journaled_like_any(board: Board) -> None:
    for meter in meters_of(board):
        answer = opened(board).request("read", slot=meter["slot"], answer_s=60)
        assert answer["result"] == "ok"
        found = [x for e, x in exchanges(journal(board)) if e.seq == answer["seq"]]
        assert [x.result for x in found] == [RESULT_OK]
        shown = answer["exchanges"][-1]
        assert (found[0].question.hex(), found[0].answer.hex()) == (
            shown["question"],
            shown["answer"],
        )


@pytest.mark.minutes(1)
def test_a_time_from_the_console_is_an_event(board: Board) -> None:
    now_s = board.utc_s()
    told = opened(board).request("time", utc_s=now_s)
    assert abs(told["time_s"] - now_s) <= CLOCK_SLACK_S
    assert told["quality"] > 0
    entries = journal(board)
    said = events(entries, EVENT_TIME)
    assert any(str(now_s + step) in said[-1] for step in range(CLOCK_SLACK_S + 1))
    opened(board).request("read", slot=meters_of(board)[0]["slot"])
    entry = exchanges(journal(board))[-1][0]
    assert entry.clock > 0
    assert abs(entry.time - board.utc_s()) <= TURN_S


@pytest.mark.minutes(3)
def test_a_search_finds_the_meters_of_an_m_bus_line(board: Board) -> None:
    buses = board.config["buses"]
    lines = [at for at, bus in enumerate(buses) if bus["protocol"] == "mbus"]
    assert lines, "the suite needs a board with an M-Bus line"
    for at in lines:
        meters = [meter for meter in meters_of(board) if meter["bus"] == at]
        wanted = sorted(m["address"] for m in meters if isinstance(m["address"], int))
        if not wanted:
            continue
        found = opened(board).request(
            "scan",
            answer_s=300,
            bus=buses[at]["name"],
            first=wanted[0],
            last=min(wanted[-1] + 1, M_BUS_ADDRESS_LAST),
        )
        assert found["done"] is True
        assert {each["address"] for each in found["meters"]} >= set(wanted)
        # And the links are as the bus's own reader needs them.
        assert opened(board).request("read", slot=meters[0]["slot"])["result"] == "ok"
