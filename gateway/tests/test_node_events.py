"""What nodes told in events, listed with the time they were told at."""

from nuan_gateway.node_events import latest_events
from nuan_protocols.uplink import body, entry

NODE = "6e75616e00000001"
BASE_S = 1_793_462_400


def event(code: int, text: str) -> bytes:
    """The body of an event."""
    buffer = bytearray(256)
    return bytes(buffer[: body.put_event(buffer, 0, code, text)])


def test_events_are_listed_with_the_time_the_gateway_found(bench, journal) -> None:  # type: ignore[no-untyped-def]
    kind = entry.KIND_EVENT
    journal.add(kind, event(body.EVENT_BOOT, "power nuan 0.2.0"), time=3, clock=0)
    told = f"gateway 65 (0) -> {BASE_S + 65} (2)"
    journal.add(kind, event(body.EVENT_TIME, told), time=BASE_S + 65, clock=2)
    journal.add(kind, event(body.EVENT_UPDATE, "confirmed: 0.2.1"), time=BASE_S + 90, clock=2)
    journal.add(kind, b"\xee future", time=BASE_S + 91, clock=2)
    journal.add_rooms(1)
    bench.send(journal, journal.hello(), journal.batch(1, 5))
    found = latest_events(bench.engine, 10)
    assert [(each.name, each.time_s) for each in found] == [
        ("boot", BASE_S + 3),
        ("time", BASE_S + 65),
        ("update", BASE_S + 90),
        ("?", BASE_S + 91),
    ]
    assert found[2].text == "confirmed: 0.2.1"
    assert "event code 238" in found[3].text
    assert [each.name for each in latest_events(bench.engine, 1, NODE)] == ["?"]
    assert latest_events(bench.engine, 5, "00" * 8) == []


def test_an_event_of_a_boot_without_any_time_has_none(bench, journal) -> None:  # type: ignore[no-untyped-def]
    journal.add(entry.KIND_EVENT, event(body.EVENT_BOOT, "power"), time=3, clock=0)
    bench.send(journal, journal.hello(), journal.batch(1, 1))
    assert latest_events(bench.engine, 10)[0].time_s is None
