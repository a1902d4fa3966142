"""Exchanges into readings: each meter's, at its point, exact; what can't be read is said."""

import json
from decimal import Decimal

import pytest

from nuan_gateway.errors import SiteError
from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.ingest.decode import Decoded, Decoder, _add_items
from nuan_gateway.site import load_site
from nuan_gateway.store.engine import begin_write
from nuan_gateway.store.master import Service, SlotMeter, load_slots, sync_site
from nuan_protocols.meters import registry
from nuan_protocols.reading import Reading
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink.batch_reader import BatchEntry

NODE = "6e75616e00000001"


def decoded(bench, columns: str = "point, meter, quantity, value, exponent, unit, status"):
    return bench.rows(f"SELECT {columns} FROM reading ORDER BY entry_id, idx")


def put(bench, journal, content: bytes, **more) -> None:
    seq = journal.add(entry.KIND_EXCHANGE, content, **more)
    (ack,) = bench.send(journal, journal.batch(seq, seq))
    assert ack.cumulative == seq


def feed(bench) -> list[dict[str, object]]:
    rows = bench.rows("SELECT payload FROM outbox ORDER BY id")
    return [item for (payload,) in rows for item in json.loads(payload)["readings"]]


def test_a_heat_meter_is_read_exactly(bench, journal, bodies):
    put(bench, journal, bodies.heat(12_345_678))
    assert decoded(bench) == [("heat-101", "H1", "energy", 12_345_678, 3, "Wh", "ok")]
    (item,) = feed(bench)
    assert (item["value"], item["unit"]) == ("12345678000", "Wh")


def test_a_negative_temperature(bench, journal, bodies):
    put(bench, journal, bodies.room(-205))
    assert decoded(bench)[0] == ("room", "R1", "room_temperature", -205, -1, "degC", "ok")
    assert Decimal(feed(bench)[0]["value"]) == Decimal("-20.5")


def test_a_damaged_answer_becomes_a_row_without_a_value(bench, journal, bodies):
    whole = bodies.heat(5)
    put(bench, journal, whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    ((point, meter, quantity, value, _, _, status),) = decoded(bench)
    assert (point, meter, quantity, value) == ("heat-101", "H1", "telegram", None)
    assert status.startswith("unreadable:")
    assert feed(bench)[0]["value"] is None
    assert bench.writer.counters.unreadable == 1


def test_an_exception_answer_says_so_for_each_register(bench, journal, bodies):
    refused = bytes.fromhex("0284023301")[:3]
    from nuan_protocols.checksum import crc16_modbus

    answer = refused + crc16_modbus(refused).to_bytes(2, "little")
    question = bytes((2, 4, 0, 1, 0, 2))
    question += crc16_modbus(question).to_bytes(2, "little")
    put(bench, journal, bodies.exchange(1, 16, 7, body.RESULT_EXCEPTION, question, answer))
    rows = decoded(bench, "quantity, value, status")
    assert [row[0] for row in rows] == ["room_temperature", "relative_humidity"]
    assert all(value is None and status.startswith("unreadable:") for _, value, status in rows)


@pytest.mark.parametrize("result", [body.RESULT_NO_ANSWER, body.RESULT_UNREADABLE])
def test_no_answer_or_noise_makes_no_reading(bench, journal, bodies, result):
    put(bench, journal, bodies.exchange(1, 16, 7, result, b"question", b"noise"))
    assert decoded(bench) == []
    assert bench.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_an_unknown_slot_or_configuration_keeps_the_entry(bench, journal, bodies):
    put(bench, journal, bodies.room(200, slot=99))
    put(bench, journal, bodies.room(200, config_version=6))
    assert decoded(bench) == []
    assert bench.rows("SELECT slot FROM entry ORDER BY seq") == [(99,), (16,)]
    assert bench.writer.counters.unknown_slots == 2


def test_an_exchange_that_makes_no_sense_keeps_the_entry(bench, journal):
    put(bench, journal, b"\x01\x00")
    assert decoded(bench) == []
    assert bench.rows("SELECT slot FROM entry") == [(None,)]


def test_events_and_controls_make_no_readings(bench, journal):
    journal.add(entry.KIND_EVENT, b"\x01boot")
    journal.add(entry.KIND_CONTROL, bytes(10))
    (ack,) = bench.send(journal, journal.batch(1, 2))
    assert ack.cumulative == 2
    assert bench.rows("SELECT kind, slot FROM entry ORDER BY seq") == [(2, None), (3, None)]


def test_a_clock_that_was_never_set_gives_the_feed_no_time(bench, journal, bodies):
    put(bench, journal, bodies.room(200), time=77, clock=0)
    assert decoded(bench, "point, time, clock")[0] == ("room", 77, 0)
    item = feed(bench)[0]
    assert (item["time"], item["clock"]) == (None, 0)


def test_a_number_beyond_64_bits_is_kept_as_text(monkeypatch, bench, journal, bodies):
    huge = Reading("volume", 10**20 + 1, -3, "m3", 0, 0, 0, "instantaneous", "ok", "")
    monkeypatch.setattr("nuan_protocols.meters.registry.readings", lambda *_: [huge])
    put(bench, journal, bodies.room(200))
    assert decoded(bench, "value, status, text") == [
        (None, "unreadable:beyond 64 bits", "100000000000000000.001")
    ]


def test_a_decoder_that_fails_does_not_hold_up_the_entry(monkeypatch, bench, journal, bodies):
    def fail(*_: object) -> None:
        raise IndexError("a bug")

    monkeypatch.setattr("nuan_protocols.meters.registry.readings", fail)
    put(bench, journal, bodies.room(200))
    assert decoded(bench, "quantity, value, status") == [
        ("telegram", None, "unreadable:decoder failed, IndexError")
    ]


def test_only_current_values_go_to_the_feed(monkeypatch, bench, journal, bodies):
    values = [
        Reading("energy", n, 3, "Wh", storage, tariff, 0, function, "ok", "")
        for n, (storage, tariff, function) in enumerate(
            [(0, 0, "instantaneous"), (1, 0, "instantaneous"), (0, 1, "instantaneous"),
             (0, 0, "maximum")]
        )
    ]  # fmt: skip
    monkeypatch.setattr("nuan_protocols.meters.registry.readings", lambda *_: values)
    put(bench, journal, bodies.room(200))
    assert len(decoded(bench)) == 4
    assert [item["value"] for item in feed(bench)] == ["0"]


def flags(number: int, quantity: str = "error_flags:header") -> Reading:
    return Reading(quantity, number, 0, "1", 0, 0, 0, "instantaneous", "ok", "")


def test_status_bits_stand_in_the_feed_with_what_they_mean(monkeypatch, bench, journal, bodies):
    monkeypatch.setattr("nuan_protocols.meters.registry.readings", lambda *_: [flags(0b1000_0100)])
    put(bench, journal, bodies.heat(5))
    (payload,) = bench.rows("SELECT payload FROM outbox")[0]
    (item,) = json.loads(payload)["readings"]
    assert item["value"] == "132"
    assert item["conditions"] == [
        {"name": "battery low", "severity": "notice"},
        {"name": "bit 7 of error_flags:header", "severity": "info"},
    ]
    assert payload == canonical_text(json.loads(payload))


def test_what_reports_nothing_has_no_conditions_in_the_feed(monkeypatch, bench, journal, bodies):
    quiet = [flags(0), flags(5, "energy"), flags(0, "error_flags")]
    monkeypatch.setattr("nuan_protocols.meters.registry.readings", lambda *_: quiet)
    put(bench, journal, bodies.heat(5))
    assert [item.get("conditions") for item in feed(bench)] == [None] * 3


@pytest.mark.parametrize(
    ("multiplier", "told"), [(4, None), (0, "heat is counted in another step")]
)
def test_a_setting_the_model_takes_for_granted_is_told_when_it_is_another(multiplier, told):
    """A TUF-2000 whose keypad was used: the register's step isn't what the model says."""
    found = Decoded()
    reading = flags(multiplier, "parameter_set:heat_multiplier")
    at = BatchEntry(1, entry.KIND_EXCHANGE, 0, 2, b"", b"", b"")
    _add_items(found, [reading], "p", ("T", registry.profile("tuf2000")), at)
    (item,) = map(json.loads, found.items)
    assert [each["name"] for each in item.get("conditions", [])] == ([told] if told else [])


def test_texts_are_quoted_in_the_feed(monkeypatch, bench, journal, bodies):
    odd = Reading("error_flags", None, 0, "1", 0, 0, 0, "instantaneous", "ok", 'a"b\\ 暖\n')
    monkeypatch.setattr("nuan_protocols.meters.registry.readings", lambda *_: [odd])
    put(bench, journal, bodies.room(200))
    assert feed(bench)[0]["value"] == 'a"b\\ 暖\n'


def test_a_new_meter_at_a_point_starts_a_new_service(bench, journal, bodies, site_folder):
    put(bench, journal, bodies.heat(100))
    text = (site_folder / "site.toml").read_text()
    text = text.replace('"H1"', '"H2"').replace("config_version = 7", "config_version = 8")
    (site_folder / "site.toml").write_text(text)
    bench.site = load_site(site_folder / "site.toml")
    swapped_s = bench.clock.ms // 1000 + 86400
    bench.clock.ms = swapped_s * 1000
    bench.restart()
    assert bench.rows("SELECT meter, valid_from, valid_to FROM point_meter "
                      "WHERE point = 'heat-101' ORDER BY valid_from") == [
        ("H1", 0, swapped_s), ("H2", swapped_s, None),
    ]  # fmt: skip
    # A late entry of the old configuration is still the old meter's.
    put(bench, journal, bodies.heat(101))
    assert decoded(bench, "point, meter") == [("heat-101", "H1")] * 2


def test_a_used_configuration_version_keeps_its_meaning(bench, site_folder):
    text = (site_folder / "site.toml").read_text().replace('"H1"', '"H2"')
    (site_folder / "site.toml").write_text(text)
    changed = load_site(site_folder / "site.toml")
    said = r"version 7 had H1 .* in slot 1.*raise .*config_version"
    with begin_write(bench.engine) as connection, pytest.raises(SiteError, match=said):
        sync_site(connection, changed, 0)
    with bench.engine.connect() as connection:
        assert load_slots(connection)[NODE, 7, 1].serial == "H1"


def test_a_model_this_nuan_does_not_know_any_more_blocks_nothing():
    slots = {(NODE, 7, 1): SlotMeter("X", "gone", (Service("p", 0, None),))}
    assert Decoder(slots).decode(NODE, []).rows == []
