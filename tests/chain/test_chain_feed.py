"""A heating company that is down for a month, then moody: it ends with everything, once."""

import json
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chain_site import small_site
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS, Chain, MakeChain

from nuan_tools.season.processes import Receiver

DOWN_MS = DAY_MS
UP_MS = 31 * DAY_MS
PATIENCE_S = 60
LOOK_AGAIN_S = 0.1
MOODS = {"fail_rate": 0.4, "lose_answer_rate": 0.4}


@pytest.fixture
def receiver(tmp_path: Path, seed: int) -> Iterator[Receiver]:
    trust = tmp_path / "chain0" / "data" / "signing.pub"
    with Receiver(tmp_path, "--seed", str(seed), "--trust", str(trust)) as receiver:
        yield receiver


def control(receiver: Receiver, **wish: object) -> None:
    body = json.dumps(wish).encode()
    with urllib.request.urlopen(f"{receiver.url}/control", body, timeout=10) as answer:
        assert answer.status == 200


def status(receiver: Receiver) -> dict[str, object]:
    with urllib.request.urlopen(f"{receiver.url}/status", timeout=10) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


def waiting(chain: Chain) -> int:
    rows = chain.query("SELECT count(*) FROM outbox WHERE delivered_at IS NULL")
    return int(str(rows[0][0]))


@pytest.mark.timeout(300)
def test_a_month_of_silence_and_a_bad_mood_lose_and_double_nothing(
    make_chain: MakeChain, receiver: Receiver
) -> None:
    site = small_site(days=40, heat_s=3600, room_s=3600, flush_s=3600, keepalive_s=3600)
    chain = make_chain(site=site, feed_url=receiver.url)
    world, start_ms = chain.world, chain.start_ms
    world.at(start_ms + DOWN_MS, lambda: control(receiver, down=True))
    world.run_until(start_ms + UP_MS - HOUR_MS)
    held_back, before = waiting(chain), status(receiver)
    assert held_back > 30 * 20
    control(receiver, down=False, **MOODS)
    deadline = time.monotonic() + PATIENCE_S
    while waiting(chain):
        assert time.monotonic() < deadline, f"{waiting(chain)} of {held_back} still wait"
        # Retries wait on the virtual clock; the forwarder looks at it in real time.
        world.run_until(world.now_ms + 5 * MINUTE_MS)
        time.sleep(LOOK_AGAIN_S)
    after = status(receiver)
    print(f"{held_back} messages held back for a month; receiver before {before}, after {after}")
    assert int(str(after["failed"])) > 0
    assert int(str(after["answers_lost"])) > 0
    assert int(str(after["duplicates"])) > 0
    with closing(sqlite3.connect(receiver.database)) as database:
        received = database.execute("SELECT key, kind, payload FROM message").fetchall()
    sent = chain.query("SELECT key, kind, payload FROM outbox")
    assert len({row[0] for row in received}) == len(received)
    assert sorted(map(canonical, received)) == sorted(map(canonical, sent))
    assert sum(row[1] == "root" for row in received) >= 30


def canonical(row: tuple[object, ...]) -> tuple[str, str, str]:
    key, kind, payload = map(str, row)
    return key, kind, json.dumps(json.loads(payload), sort_keys=True)
