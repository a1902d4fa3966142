"""Batches into the database: valid, repeated, overlapping, out of order, gapped, tampered."""

import json

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from nuan_gateway.ingest.progress import AHEAD_RUNS_MAX
from nuan_protocols.uplink import body, entry


def test_a_batch_is_committed_decoded_and_answered(bench, journal):
    journal.add_rooms(3)
    (ack,) = bench.send(journal, journal.batch(1, 3))
    assert (ack.cumulative, ack.gaps, ack.answers_hello) == (3, (), False)
    assert ack.nonce == journal.nonce
    assert ack.time == bench.clock.ms // 1000
    rows = bench.rows("SELECT seq, kind, slot, raw, received_at FROM entry ORDER BY seq")
    assert rows == [(seq, 1, 16, journal.entries[seq], bench.clock.ms) for seq in (1, 2, 3)]
    assert bench.rows("SELECT cumulative, highest, chain FROM journal") == [
        (3, 3, journal.chain[3])
    ]
    readings = bench.rows(
        "SELECT point, meter, quantity, value, exponent, unit, status, time, clock, decoder "
        "FROM reading WHERE quantity = 'room_temperature' ORDER BY entry_id"
    )
    times = [int.from_bytes(journal.entries[seq][22:26], "big") for seq in (1, 2, 3)]
    assert readings == [
        ("room", "R1", "room_temperature", 180 + seq, -1, "degC", "ok", times[seq - 1], 2, 1)
        for seq in (1, 2, 3)
    ]


def test_the_feed_is_told_in_the_same_transaction(bench, journal):
    journal.add_rooms(2)
    bench.send(journal, journal.batch(1, 2))
    ((key, kind, payload),) = bench.rows("SELECT key, kind, payload FROM outbox")
    assert key == f"r-{journal.node}-{journal.epoch.hex()}-1-2"
    assert kind == "readings"
    told = json.loads(payload)
    assert payload == json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert {name: told[name] for name in ("type", "site", "node", "first_seq", "last_seq")} == {
        "type": "readings",
        "site": "t1",
        "node": journal.node,
        "first_seq": 1,
        "last_seq": 2,
    }
    assert told["readings"][0] == {
        "point": "room",
        "meter": "R1",
        "quantity": "room_temperature",
        "value": "18.1",
        "unit": "degC",
        "time": "2025-11-01T00:01:00Z",
        "clock": 2,
        "status": "ok",
        "seq": 1,
    }
    assert len(told["readings"]) == 4


def test_a_repeated_batch_adds_nothing(bench, journal):
    journal.add_rooms(5)
    batch = journal.batch(1, 5)
    acks = bench.send(journal, batch, batch)
    acks += bench.send(journal, batch)
    assert [ack.cumulative for ack in acks] == [5, 5, 5]
    assert bench.rows("SELECT count(*) FROM entry") == [(5,)]
    assert bench.rows("SELECT count(*) FROM outbox") == [(1,)]
    assert bench.rows("SELECT count(*) FROM conflict") == [(0,)]
    assert bench.writer.counters.repeated == 10


def test_an_overlapping_batch_adds_what_is_new(bench, journal):
    journal.add_rooms(8)
    bench.send(journal, journal.batch(1, 5))
    (ack,) = bench.send(journal, journal.batch(4, 8))
    assert ack.cumulative == 8
    assert bench.rows("SELECT seq FROM entry ORDER BY seq") == [(seq,) for seq in range(1, 9)]
    assert bench.rows("SELECT key FROM outbox ORDER BY id") == [
        (f"r-{journal.node}-{journal.epoch.hex()}-1-5",),
        (f"r-{journal.node}-{journal.epoch.hex()}-6-8",),
    ]


def test_gaps_are_named_and_filled(bench, journal):
    journal.add_rooms(12)
    first, third, fifth = journal.batch(1, 2), journal.batch(5, 6), journal.batch(11, 12)
    acks = bench.send(journal, first, fifth, third)
    assert [(ack.cumulative, ack.gaps) for ack in acks] == [
        (2, ()),
        (2, ((3, 10),)),
        (2, ((3, 4), (7, 10))),
    ]
    bench.restart()
    acks = bench.send(journal, journal.batch(7, 10), journal.batch(3, 4))
    assert [(ack.cumulative, ack.gaps) for ack in acks] == [(2, ((3, 4),)), (12, ())]
    assert bench.rows("SELECT count(*) FROM ahead_run") == [(0,)]
    assert bench.rows("SELECT chain FROM journal") == [(journal.chain[12],)]


def test_hello_is_answered_with_the_state_and_stores_nothing(bench, journal):
    (ack,) = bench.send(journal, journal.hello())
    assert (ack.cumulative, ack.answers_hello) == (0, True)
    journal.add_rooms(3)
    acks = bench.send(journal, journal.batch(1, 3), journal.hello())
    assert [(ack.cumulative, ack.answers_hello) for ack in acks] == [(3, False), (3, True)]


def test_a_second_epoch_is_another_journal(bench, journal, make_journal):
    other = make_journal(epoch=b"epoch--2")
    journal.add_rooms(2)
    other.add_rooms(4)
    bench.send(journal, journal.batch(1, 2))
    (ack,) = bench.send(other, other.batch(1, 4))
    assert ack.cumulative == 4
    assert bench.rows("SELECT count(*) FROM entry") == [(6,)]


def test_an_entry_changed_after_the_fact_is_refused_and_kept_as_conflict(
    bench, journal, make_journal, bodies
):
    journal.add_rooms(4)
    bench.send(journal, journal.batch(1, 4))
    forged = make_journal()
    forged.add_rooms(2)
    forged.add(entry.KIND_EXCHANGE, bodies.room(999))
    forged.add_rooms(3)
    (ack,) = bench.send(forged, forged.batch(2, 6))
    assert (ack.cumulative, ack.gaps) == (4, ())
    assert bench.rows("SELECT seq, raw FROM conflict") == [(3, forged.entries[3])]
    assert bench.rows("SELECT count(*) FROM entry") == [(4,)]
    bench.send(forged, forged.batch(2, 6))
    assert bench.rows("SELECT count(*) FROM conflict") == [(1,)]
    assert bench.writer.counters.refused_batches == 2


@pytest.mark.parametrize(("first", "last"), [(5, 6), (4, 6)])
def test_a_batch_that_does_not_continue_the_chain_is_refused(
    bench, journal, make_journal, bodies, first, last
):
    """A fork: same numbers, another past."""
    journal.add_rooms(4)
    bench.send(journal, journal.batch(1, 4))
    fork = make_journal()
    fork.add(entry.KIND_EXCHANGE, bodies.room(999))
    fork.add_rooms(5)
    (ack,) = bench.send(fork, fork.batch(first, last))
    assert ack.cumulative == 4
    assert bench.rows("SELECT count(*) FROM entry") == [(4,)]
    assert bench.rows("SELECT reason FROM conflict") == [
        ("the chain value after 4 is not the known one",)
    ]


def test_the_first_batch_must_start_from_the_genesis_value(bench, journal):
    journal.add_rooms(2)
    journal.chain[0] = bytes(32)
    (ack,) = bench.send(journal, journal.batch(1, 2))
    assert ack.cumulative == 0
    assert bench.rows("SELECT count(*) FROM entry") == [(0,)]


def test_a_filler_must_join_what_is_ahead(bench, journal, make_journal, bodies):
    journal.add_rooms(9)
    fork = make_journal()
    fork.add_rooms(3)
    fork.add(entry.KIND_EXCHANGE, bodies.room(999))
    fork.add_rooms(2)
    bench.send(journal, journal.batch(1, 3), journal.batch(7, 9))
    (ack,) = bench.send(fork, fork.batch(4, 6))
    assert (ack.cumulative, ack.gaps) == (3, ((4, 6),))
    (ack,) = bench.send(journal, journal.batch(4, 6))
    assert ack.cumulative == 9


def test_reserved_numbers_are_bridged_by_their_tombstone(bench, journal):
    journal.add_rooms(3)
    tombstone = journal.reserve(50)
    journal.add_rooms(2)
    (ack,) = bench.send(journal, journal.batch(tombstone, tombstone + 2))
    assert (ack.cumulative, ack.gaps) == (0, ((1, 3),))
    (ack,) = bench.send(journal, journal.batch(1, 3))
    assert (ack.cumulative, ack.gaps) == (56, ())
    assert bench.rows("SELECT first, last, reason FROM tombstone") == [(4, 53, 2)]


def test_dropped_numbers_count_once_their_tombstone_has_come(bench, journal):
    journal.add_rooms(20)
    bench.send(journal, journal.batch(1, 5))
    tombstone = journal.drop(6, 12)
    (ack,) = bench.send(journal, journal.batch(13, 20))
    assert (ack.cumulative, ack.gaps) == (5, ((6, 12),))
    (ack,) = bench.send(journal, journal.batch(tombstone, tombstone))
    assert (ack.cumulative, ack.gaps) == (21, ())


def test_an_entry_that_was_dropped_and_still_comes_is_welcome(bench, journal):
    journal.add_rooms(10)
    late = journal.batch(4, 6)
    tombstone = journal.drop(3, 8)
    bench.send(journal, journal.batch(1, 2), journal.batch(9, tombstone))
    (ack,) = bench.send(journal, late)
    assert ack.cumulative == 11
    assert bench.rows("SELECT seq FROM entry ORDER BY seq") == [
        (seq,) for seq in (1, 2, 4, 5, 6, 9, 10, 11)
    ]


def test_a_tombstone_that_contradicts_the_chain_is_refused(bench, journal, bodies):
    journal.add_rooms(6)
    bench.send(journal, journal.batch(1, 6))
    lie = bodies.tombstone(3, 6, body.TOMBSTONE_DROPPED, bytes(32))
    seq = journal.add(entry.KIND_TOMBSTONE, lie)
    (ack,) = bench.send(journal, journal.batch(seq, seq))
    assert ack.cumulative == 6
    assert bench.rows("SELECT count(*) FROM tombstone") == [(0,)]


def test_a_tombstone_nobody_can_read_is_kept_as_an_entry(bench, journal):
    journal.add(entry.KIND_TOMBSTONE, b"short")
    (ack,) = bench.send(journal, journal.batch(1, 1))
    assert ack.cumulative == 1
    assert bench.rows("SELECT count(*) FROM tombstone") == [(0,)]


def test_too_many_runs_ahead_are_refused(bench, journal):
    count = 20 * (AHEAD_RUNS_MAX // 10 + 1)
    journal.add_rooms(count)
    acks = bench.send(journal, *(journal.batch(seq, seq) for seq in range(2, count, 2)))
    assert len(acks[-1].gaps) == 8
    assert bench.rows("SELECT count(*) FROM ahead_run") == [(AHEAD_RUNS_MAX,)]
    (ack,) = bench.send(journal, *(journal.batch(at, at + 19) for at in range(1, count, 20)))[-1:]
    assert (ack.cumulative, ack.gaps) == (count, ())
    assert bench.rows("SELECT count(*) FROM ahead_run") == [(0,)]


@pytest.mark.parametrize("at", [0, 1, 2, 10, 18, 26, 40, 70, -1])
def test_a_tampered_message_gets_no_answer(bench, journal, at):
    journal.add_rooms(2)
    broken = bytearray(journal.batch(1, 2))
    broken[at] ^= 1
    assert bench.send(journal, bytes(broken)) == []
    assert bench.rows("SELECT count(*) FROM entry") == [(0,)]
    assert bench.gatekeeper.refused == 1


@pytest.mark.parametrize("payload", [b"", b"\x01", b"hello" * 100, bytes(20_000)])
def test_noise_gets_no_answer(bench, journal, payload):
    assert bench.send(journal, payload) == []


def test_a_flood_of_forgeries_does_not_fill_the_log(bench, journal, caplog):
    journal.add_rooms(1)
    forged = journal.batch(1, 1)[:-1] + b"x"
    assert bench.send(journal, *[forged] * 500) == []
    assert bench.gatekeeper.refused == 500
    assert len(caplog.records) <= 1


def test_a_stranger_and_another_ones_topic_get_no_answer(bench, journal, make_journal):
    stranger = make_journal(node="6e75616e000000ff")
    stranger.add_rooms(1)
    assert bench.send(stranger, stranger.batch(1, 1)) == []
    journal.add_rooms(1)
    batch = journal.batch(1, 1)
    assert bench.writer.process([("nuan/v1/6e75616e00000002/up", batch)]) == []
    assert bench.rows("SELECT count(*) FROM entry") == [(0,)]


def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(bench, journal, monkeypatch):
    journal.add_rooms(6)
    bench.send(journal, journal.batch(1, 2))
    broken = OperationalError("INSERT", None, Exception("disk full"))

    def fail(*_: object) -> None:
        raise broken

    with monkeypatch.context() as patch:
        patch.setattr(bench.writer, "_flush", fail)
        with pytest.raises(SQLAlchemyError):
            bench.send(journal, journal.batch(3, 4))
    assert bench.rows("SELECT count(*) FROM entry") == [(2,)]
    (ack,) = bench.send(journal, journal.batch(5, 6))
    assert (ack.cumulative, ack.gaps) == (2, ((3, 4),))
    (ack,) = bench.send(journal, journal.batch(3, 4))
    assert ack.cumulative == 6
    assert bench.rows("SELECT id, seq FROM entry ORDER BY id") == [
        (1, 1),
        (2, 2),
        (3, 5),
        (4, 6),
        (5, 3),
        (6, 4),
    ]


def test_a_restart_in_the_middle_loses_and_repeats_nothing(bench, journal):
    journal.add_rooms(30)
    for first in range(1, 30, 3):
        batch = journal.batch(first, first + 2)
        bench.send(journal, batch)
        bench.restart()
        (ack,) = bench.send(journal, batch)
        assert ack.cumulative == first + 2
    assert bench.rows("SELECT count(*), count(DISTINCT seq) FROM entry") == [(30, 30)]
    assert bench.rows("SELECT count(*) FROM outbox") == [(10,)]


def test_a_clock_set_back_never_makes_receipt_times_fall(bench, journal):
    journal.add_rooms(2)
    bench.send(journal, journal.batch(1, 1))
    before = bench.clock.ms
    bench.clock.ms -= 3_600_000
    (ack,) = bench.send(journal, journal.batch(2, 2))
    assert bench.rows("SELECT max(received_at) FROM entry") == [(before,)]
    # The node is told what the clock says now.
    assert ack.time == bench.clock.ms // 1000
