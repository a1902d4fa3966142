"""Authentic messages of a node gone mad: each is answered, and stops nobody else's."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from nuan_gateway.ingest.courier import Courier
from nuan_gateway.site import load_site
from nuan_protocols.uplink import body, entry

SEED = 20261121
KINDS = (entry.KIND_EXCHANGE, entry.KIND_EVENT, entry.KIND_CONTROL, entry.KIND_TOMBSTONE, 9)
EVENTS = (body.EVENT_BOOT, body.EVENT_CONFIGURATION, body.EVENT_TIME, body.EVENT_CONSOLE)
TEXTS = (
    b"exchange {",
    b'exchange {"slot":1e999}',
    b'exchange {"slot":3,"old":["' + b"[" * 100,
    b"exchange " + b"[" * 230,
    b"exchange NaN",
    rb'exchange {"slot":3,"old":"\ud800","who":"a"}',
    rb'exchange {"slot":3,"old":"\u0000","who":"\u001b[2J"}',
    b"trial rolled back\x00\x1b[2J",
    b"ntp 99999999999999999999 (0) -> 99999999999999999999999 (1)",
    b"gateway -1 (0) -> -1 (2)",
    b"power-on nuan \xff\xfe",
)


@pytest.fixture
def commanded(bench: Any, site_folder: Path) -> Any:
    """A bench whose writer also looks at commands."""
    site = load_site(site_folder / "site.toml")
    bench.writer._courier = Courier(bench.gatekeeper.keys_of, site)
    return bench


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_without_a_body_is_kept_and_acknowledged(
    commanded: Any, journal: Any, kind: int
) -> None:
    journal.add(kind, b"")
    assert commanded.send(journal, journal.hello(), journal.batch(1, 1))[-1].cumulative == 1


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_of_an_event_keeps_its_batch_out(commanded: Any, journal: Any, text: bytes) -> None:
    for code in EVENTS:
        journal.add(entry.KIND_EVENT, bytes([code]) + text)
    answered = commanded.send(journal, journal.hello(), journal.batch(1, len(EVENTS)))
    assert answered[-1].cumulative == len(EVENTS)
    for row in commanded.rows("SELECT old_serial, who FROM meter_exchange"):
        assert all(str(cell).isprintable() for cell in row)


def test_entries_with_any_body_are_kept_and_acknowledged(commanded: Any, journal: Any) -> None:
    random = Random(SEED)
    commanded.send(journal, journal.hello())
    count = 600
    for number in range(1, count + 1):
        content = random.randbytes(random.choice((0, 1, 2, 8, 10, 13, 41, 300)))
        if random.random() < 0.5:
            content = bytes([random.choice(EVENTS)]) + random.choice(TEXTS)
        journal.add(random.choice(KINDS[:3]), content, clock=random.choice((0, 1, 2, 11)))
        if number % 20 == 0:
            answered = commanded.send(journal, journal.batch(number - 19, number))
            assert answered[-1].cumulative == number, f"seed {SEED}, batch to {number}"
