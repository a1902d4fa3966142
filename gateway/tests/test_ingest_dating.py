"""Entries that count from a boot get their date afterwards: exact, by witnesses, or bounded."""

import json

import pytest
from gateway_kit import KEY, START_S, NodeJournal, exchange_body, heat_exchange, room_exchange

from nuan_gateway.bundle_export import ExportError
from nuan_gateway.explain import explain_entry
from nuan_gateway.ingest.boots import Boot, Line, boots, bound, step_of
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.uplink import body
from nuan_protocols.uplink.entry import KIND_EVENT, KIND_EXCHANGE, KIND_TOMBSTONE

DAY_S = 86400


def event(code: int, text: str) -> bytes:
    buffer = bytearray(300)
    return bytes(buffer[: body.put_event(buffer, 0, code, text)])


class Life(NodeJournal):
    """A journal that a node's boots are written into."""

    def boot(self, uptimes: list[int], *, reserve: bool = True, clock: int = 0) -> tuple[int, int]:
        """A boot whose room sensor is read at these seconds; its first and last numbers."""
        first = self.next_seq
        if reserve and first > 1:
            first = self.reserve(3)
        self.add(KIND_EVENT, event(body.EVENT_BOOT, "power"), 2, clock)
        self.add(KIND_EVENT, event(body.EVENT_CONFIGURATION, "version 7"), 2, clock)
        for uptime in uptimes:
            self.add(KIND_EXCHANGE, room_exchange(200), uptime, clock)
        return first, self.next_seq - 1

    def set_clock(self, uptime: int, utc: int, source: str = "gateway", quality: int = 2) -> int:
        text = f"{source} {uptime} (0) -> {utc} ({quality})"
        return self.add(KIND_EVENT, event(body.EVENT_TIME, text), utc, quality)

    def sent(self) -> list[bytes]:
        """All of it in batches; a new one begins behind each hole in the numbers."""
        found: list[bytes] = []
        numbers = sorted(self.entries)
        first = 0
        for at, seq in enumerate(numbers):
            if at + 1 == len(numbers) or numbers[at + 1] != seq + 1:
                found.append(self.batch(numbers[first], seq))
                first = at + 1
        return found


@pytest.fixture
def life():
    return Life()


def times(bench, quantity="room_temperature"):
    return bench.rows(
        "SELECT entry.seq, reading.time, reading.clock, reading.dated FROM reading "
        f"JOIN entry ON entry.id = entry_id WHERE quantity = '{quantity}' ORDER BY entry.seq"
    )


def datings(bench):
    return bench.rows(
        "SELECT first_seq, last_seq, rule, boot_s, earliest_s, latest_s, event_seq FROM dating "
        "ORDER BY first_seq"
    )


def test_a_boot_that_learned_the_time_is_dated_by_its_event(bench, life):
    life.boot([120, 3600, 7200])
    told = life.set_clock(7300, START_S + 7300)
    bench.send(life, *life.sent())
    assert times(bench) == [
        (seq, START_S + uptime, 0, "event:gateway")
        for seq, uptime in ((3, 120), (4, 3600), (5, 7200))
    ]
    assert datings(bench) == [(1, told, "event:gateway", START_S, START_S, START_S, told)]
    # What was sent stays as it was.
    assert bench.rows("SELECT time, clock FROM entry WHERE seq = 4") == [(3600, 0)]


def test_the_feed_is_told_the_times_it_did_not_get(bench, life):
    life.boot([120, 3600])
    told = life.set_clock(3700, START_S + 3700)
    for message in life.sent():
        bench.send(life, message)
    (early,) = bench.rows("SELECT payload FROM outbox WHERE kind = 'readings'")
    assert {item["time"] for item in json.loads(early[0])["readings"]} == {None}
    ((key, payload),) = bench.rows("SELECT key, payload FROM outbox WHERE kind = 'dated'")
    assert key == f"dated-{life.node}-{life.epoch.hex()}-3-event:gateway-{START_S}"
    assert json.loads(payload) == {
        "type": "dated", "site": "t1", "node": life.node, "epoch": life.epoch.hex(),
        "rule": "event:gateway", "boot": START_S, "earliest": START_S, "latest": START_S,
        "entries": [{"seq": 3, "time": START_S + 120}, {"seq": 4, "time": START_S + 3600}],
    }  # fmt: skip
    assert told == 5


def test_entries_in_many_batches_wait_for_the_event_over_a_restart(bench, life):
    first, last = life.boot(list(range(300, 9000, 300)))
    for at in range(first, last, 5):
        bench.send(life, life.batch(at, min(last, at + 4)))
    assert {row[3] for row in times(bench)} == {None}
    assert [(row[0], row[2]) for row in datings(bench)] == [(1, "open")]
    bench.restart()
    seq = life.set_clock(9000, START_S + 9000)
    bench.send(life, life.batch(seq, seq))
    assert {row[1] - life_time(life, row[0]) for row in times(bench)} == {START_S}


def life_time(life, seq):
    return int.from_bytes(life.entries[seq][22:26], "big")


def test_an_exchange_that_was_asked_before_the_clock_was_set_is_dated_too(bench, life):
    life.boot([120])
    life.set_clock(130, START_S + 130)
    late = life.add(KIND_EXCHANGE, room_exchange(200), 129, 0)
    bench.send(life, *life.sent())
    assert times(bench)[-1] == (late, START_S + 129, 0, "event:gateway")


def test_a_boot_without_a_time_lies_between_its_neighbours(bench, life):
    life.boot([], clock=2)
    life.add(KIND_EXCHANGE, room_exchange(200), START_S, 2)
    life.boot([120, 3600])
    life.boot([120, 1800])
    life.boot([120])
    life.set_clock(200, START_S + 10200)
    bench.send(life, *life.sent())
    # 10000 s for boots of 3600 and 1800 s: each begins within 4600 s.
    rows = [row[2:6] for row in datings(bench)]
    assert rows == [
        ("bounds", START_S + 2300, START_S, START_S + 4600),
        ("bounds", START_S + 5900, START_S + 3600, START_S + 8200),
        ("event:gateway", START_S + 10000, START_S + 10000, START_S + 10000),
    ]
    assert [row[3] for row in times(bench)][1:3] == ["bounds", "bounds"]


def test_a_boot_after_which_nothing_is_known_stays_open(bench, life):
    life.boot([], clock=2)
    life.add(KIND_EXCHANGE, room_exchange(200), START_S, 2)
    life.boot([120, 3600])
    life.boot([120])
    bench.send(life, *life.sent())
    assert {row[2] for row in datings(bench)} == {"open"}
    assert [row[3] for row in times(bench)] == [None] * 4


def test_a_first_boot_ever_without_a_time_has_no_bounds(bench, life):
    life.boot([120, 3600])
    life.boot([60])
    life.set_clock(100, START_S)
    bench.send(life, *life.sent())
    assert [row[2] for row in datings(bench)] == ["open", "event:gateway"]


def clock_exchange(slot_address: int, minute_of_day: int) -> bytes:
    """An answer of the heat meter with energy and its clock, type F, 2025-11-01 + minutes."""
    day, minute = divmod(minute_of_day, 1440)
    header = bytes.fromhex("78563412") + bytes.fromhex("2d2c") + bytes((1, 4, 0, 0, 0, 0))
    year, month = 25, 11
    packed = bytes(
        (minute % 60, minute // 60, (1 + day) | (year & 7) << 5, month | (year >> 3) << 4)
    )
    answer = long_frame(0x08, slot_address, 0x72, header + b"\x04\x6d" + packed)
    question = bytes((0x10, 0x7B, slot_address, 0x7B + slot_address, 0x16))
    return exchange_body(0, slot_address, 7, body.RESULT_OK, question, bytes(answer))


WITNESSES = "".join(
    f"""
[[meter]]
serial = "W{slot}"
model = "mbus_heat"
node = "6e75616e00000001"
bus = "mbus"
slot = {slot}
address = {slot}
every_s = 3600
"""
    for slot in (2, 3, 4)
)


@pytest.fixture
def witness_bench(site_folder, tmp_path):
    from gateway_kit import Bench

    from nuan_gateway.site import load_site

    path = site_folder / "site.toml"
    path.write_text(path.read_text() + WITNESSES)
    folder = tmp_path / "witnesses"
    folder.mkdir()
    bench = Bench(folder, load_site(path))
    yield bench
    bench.stop()


@pytest.mark.parametrize(
    ("minutes", "rule"),
    [
        ((300, 302, 295), "witness"),
        ((300, 302, 1300), "bounds"),
        ((300, 302, 304, 20000), "witness"),
        ((9000, 9000, 9000), "bounds"),
    ],
)
def test_meters_that_agree_and_fit_narrow_the_bounds(witness_bench, life, minutes, rule):
    """The boot was 5 h after the start of 2025-11-01 UTC, within bounds of 20 h."""
    bench = witness_bench
    life.boot([], clock=2)
    life.add(KIND_EXCHANGE, room_exchange(200), START_S, 2)
    life.boot([])
    for slot, minute in enumerate(minutes, 1):
        life.add(KIND_EXCHANGE, clock_exchange(slot, minute + 2), 120, 0)
    life.boot([])
    life.set_clock(100, START_S + 20 * 3600)
    bench.send(life, *life.sent())
    row = datings(bench)[0]
    assert row[2] == rule
    if rule == "witness":
        assert abs(row[3] - START_S - 5 * 3600) <= 300
        assert START_S <= row[4] <= row[3] <= row[5]


def test_no_bill_is_made_from_a_reading_whose_time_is_derived(bench, life):
    from nuan_gateway.store import readings

    life.boot([])
    life.add(KIND_EXCHANGE, heat_exchange(10), 120, 0)
    life.set_clock(300, START_S + 300)
    bench.send(life, *life.sent())
    with bench.engine.connect() as connection:
        assert readings.last_before(connection, "heat-101", "energy", START_S + 1000) is None
        row = bench.rows("SELECT entry_id FROM reading WHERE quantity = 'energy'")[0]
        (found,) = [r for r in readings.of_entry(connection, row[0]) if r.quantity == "energy"]
    assert (found.time, found.clock, found.dated) == (START_S + 120, 0, "event:gateway")


def test_a_gap_that_fills_late_is_dated_too_and_one_before_the_event_shows_in_the_rule(bench, life):
    life.boot([120, 240, 360])
    seq = life.set_clock(400, START_S + 400)
    bench.send(life, life.batch(1, 3), life.batch(5, seq))
    assert [row[3] for row in times(bench)] == ["event:gateway+gap"] * 2
    bench.send(life, life.batch(4, 4))
    assert [row[1:] for row in times(bench)] == [
        (START_S + uptime, 0, "event:gateway") for uptime in (120, 240, 360)
    ]


def test_who_knows_better_puts_right_what_meters_said(bench, life):
    life.boot([120])
    life.set_clock(1800, START_S + 5000, "meters", 1)
    text = f"gateway {START_S + 6000} (1) -> {START_S + 2800} (2)"
    life.add(KIND_EVENT, event(body.EVENT_TIME, text), START_S + 2800)
    bench.send(life, *life.sent())
    assert times(bench) == [(3, START_S + 120, 0, "event:gateway")]


def test_events_of_older_firmware_date_as_well():
    assert step_of(b"\x02100 (0) -> 1762000000") == ("gateway", 100, 0, 1762000000)
    assert step_of(b"\x06ntp 5 (1) -> 1762000000 (1)") == ("ntp", 5, 1, 1762000000)
    for other in (b"", b"\x01power", b"\x06ntp a: 5 refused at 9 (1)", b"\x03100 (0) -> 1"):
        assert step_of(other) is None


def test_a_boot_without_a_mark_shows_by_its_seconds():
    lines = [Line(seq, KIND_EXCHANGE, time, 0, b"") for seq, time in ((1, 9000), (2, 8990), (3, 5))]
    assert [(boot.first_seq, boot.last_seq) for boot in boots(lines)] == [(1, 2), (3, 3)]


def test_reserved_numbers_and_the_boot_event_begin_one_boot():
    reserved = b"\x00\x00\x00\x01\x00\x00\x00\x02\x02" + bytes(32)
    start = b"\x01power"
    lines = [
        Line(1, KIND_EVENT, 2, 0, start),
        Line(2, KIND_EXCHANGE, 9, 0, b""),
        Line(5, KIND_TOMBSTONE, 0, 0, reserved),
        Line(6, KIND_EVENT, 2, 0, start),
        Line(7, KIND_EVENT, 1, 0, start),
    ]
    assert [(boot.first_seq, boot.last_seq) for boot in boots(lines)] == [(1, 2), (5, 6), (7, 7)]


def test_bounds_that_contradict_each_other_date_nothing():
    first = Boot(1, 1, first_s=START_S, last_s=START_S)
    unknown = Boot(2, 3, uptime_s=2 * DAY_S)
    last = Boot(4, 5, uptime_s=100, boot_s=START_S + DAY_S)
    bound([first, unknown, last], None)
    assert (unknown.boot_s, unknown.rule) == (None, "open")


def test_a_restarted_gateway_dates_the_same(bench, life):
    assert KEY
    life.boot([120])
    (message,) = life.sent()
    bench.send(life, message)
    bench.restart()
    seq = life.set_clock(300, START_S + 300)
    bench.send(life, life.batch(seq, seq))
    bench.send(life, life.batch(seq, seq))
    assert times(bench) == [(3, START_S + 120, 0, "event:gateway")]
    assert bench.rows("SELECT count(*) FROM outbox WHERE kind = 'dated'") == [(1,)]


def test_explain_shows_an_entrys_date_and_how_it_was_had(bench, life):
    life.boot([120])
    told = life.set_clock(300, START_S + 300)
    old = life.add(KIND_EXCHANGE, room_exchange(200), START_S + 400, 5)
    bench.send(life, *life.sent())

    def shown(seq):
        named = explain_entry(bench.engine, life.node, life.epoch.hex(), seq)
        return {name: meaning for _, _, name, meaning in named.groups}

    assert shown(3)["time"] == (
        f"120 s after the boot: 2025-11-01 00:02:00 UTC by the node's event {told}"
    )
    assert shown(3)["clock"] == "never set"
    assert shown(old)["clock"] == "coasting for 4 to 8 days"
    for seq, reason in ((99, "there is no entry 99"), (told, "is no exchange")):
        with pytest.raises(ExportError, match=reason):
            shown(seq)


def test_explain_shows_bounds(bench, life):
    life.boot([], clock=2)
    life.add(KIND_EXCHANGE, room_exchange(200), START_S, 2)
    first, _ = life.boot([120])
    life.boot([60])
    life.set_clock(100, START_S + 1000)
    bench.send(life, *life.sent())
    named = explain_entry(bench.engine, life.node, life.epoch.hex(), first + 3)
    (when,) = [meaning for _, _, name, meaning in named.groups if name == "time"]
    assert when == (
        "120 s after the boot: 2025-11-01 00:08:30 UTC by what came before and after, "
        "between 2025-11-01 00:02:00 and 2025-11-01 00:15:00"
    )
