"""Days are sealed once, in order, and every entry lies under exactly one root."""

import json

import pytest
from sqlalchemy.exc import OperationalError

from nuan_gateway.evidence.merkle import merkle_root
from nuan_gateway.evidence.roots import statement_digest
from nuan_gateway.evidence.signing import open_signer, signature_holds
from nuan_gateway.ingest.seal import DAY_MS, day_end_ms


def digests(bench) -> list[bytes]:
    return [row[0] for row in bench.rows("SELECT digest FROM entry ORDER BY node, epoch, seq")]


def send_rooms(bench, journal, count: int) -> None:
    first = journal.next_seq
    journal.add_rooms(count)
    bench.send(journal, journal.batch(first, first + count - 1))


def test_a_day_is_sealed_before_the_first_commit_after_it(bench, journal):
    send_rooms(bench, journal, 5)
    leaves = digests(bench)
    bench.clock.ms += DAY_MS
    send_rooms(bench, journal, 3)
    ((day, count, root, previous, statement, signature),) = bench.rows("SELECT * FROM root")
    assert (day, count, root, previous) == ("2025-11-01", 5, merkle_root(leaves), bytes(32))
    assert signature_holds(open_signer(bench.folder).public, signature, statement.encode())
    keys = [row[0] for row in bench.rows("SELECT key FROM outbox ORDER BY id")]
    assert [key.split("-")[0] for key in keys] == ["r", "root", "r"]


def test_the_feed_gets_the_signed_statement(bench, journal):
    send_rooms(bench, journal, 1)
    bench.clock.ms += DAY_MS
    assert bench.writer.seal() == ["2025-11-01"]
    ((key, created_at, payload),) = bench.rows(
        "SELECT key, created_at, payload FROM outbox WHERE kind = 'root'"
    )
    assert key == "root-t1-2025-11-01"
    # The end of the day, however late the sealing: a simulation repeats to the byte.
    assert created_at % DAY_MS == 0
    told = json.loads(payload)
    ((statement, signature),) = bench.rows("SELECT statement, signature FROM root")
    assert told == {
        "type": "root",
        "site": "t1",
        "day": "2025-11-01",
        "statement": statement,
        "signature": signature.hex(),
    }


def test_roots_form_a_chain_over_days_with_entries(bench, journal):
    for pause_days in (1, 3, 1):
        send_rooms(bench, journal, 4)
        bench.clock.ms += pause_days * DAY_MS
        bench.restart()
    assert bench.writer.seal() == ["2025-11-05"]
    rows = bench.rows("SELECT day, previous, statement FROM root ORDER BY day")
    assert [row[0] for row in rows] == ["2025-11-01", "2025-11-02", "2025-11-05"]
    assert rows[1][1] == statement_digest(rows[0][2])
    assert rows[2][1] == statement_digest(rows[1][2])
    assert bench.writer.seal() == []


def test_today_is_not_sealed(bench, journal):
    send_rooms(bench, journal, 1)
    bench.clock.ms = day_end_ms(bench.clock.ms) - 1
    assert bench.writer.seal() == []
    bench.clock.ms += 1
    assert bench.writer.seal() == ["2025-11-01"]


def test_a_clock_set_back_puts_nothing_into_a_sealed_day(bench, journal):
    send_rooms(bench, journal, 2)
    bench.clock.ms += DAY_MS
    bench.writer.seal()
    bench.clock.ms -= DAY_MS
    bench.restart()
    send_rooms(bench, journal, 2)
    received = [row[0] for row in bench.rows("SELECT received_at FROM entry ORDER BY seq")]
    sealed_until = day_end_ms(received[0])
    assert received == [received[0]] * 2 + [sealed_until] * 2
    bench.clock.ms = sealed_until + DAY_MS
    assert bench.writer.seal() == ["2025-11-02"]
    assert bench.rows("SELECT sum(leaf_count) FROM root") == [(4,)]


def test_a_seal_that_fails_is_made_again(bench, journal, monkeypatch):
    send_rooms(bench, journal, 2)
    bench.clock.ms += DAY_MS
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise OperationalError("INSERT", None, Exception("disk full"))

        patch.setattr("nuan_gateway.ingest.seal.outbox.put", fail)
        with pytest.raises(OperationalError):
            bench.writer.seal()
    assert bench.rows("SELECT count(*) FROM root") == [(0,)]
    assert bench.writer.seal() == ["2025-11-01"]


def test_no_entries_no_root(bench):
    bench.clock.ms += 10 * DAY_MS
    assert bench.writer.seal() == []
