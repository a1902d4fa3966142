"""A small journal without a link for weeks: what thinning kept arrives, the rest is named."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chain_site import FLATS, small_site
from chain_world import DAY_MS, HOUR_MS, Chain, Entry, MakeChain

from nuan_emulator.console_port import ConsolePort
from nuan_emulator.flash_journal import FlashEntry
from nuan_gateway.pulled import ingest_file
from nuan_gateway.settings import load_settings
from nuan_tools.node_link.client import ConsoleClient
from nuan_tools.node_link.pulling import pull

CUT_OFF_MS = 6 * HOUR_MS
BACK_MS = CUT_OFF_MS + 27 * DAY_MS
AGAIN_MS = BACK_MS + HOUR_MS
BACK_AGAIN_MS = AGAIN_MS + 2 * DAY_MS
DRAINED_MS = BACK_AGAIN_MS + HOUR_MS
# Whole days of the first outage, in Shanghai.
FIRST_DAY, LAST_DAY = 1, 27
LOCAL = timedelta(hours=8)
HELLOS_MAX = 12
# Entries sent for each one stored: tombstones go ahead and again in their turn, and answers on
# their way make the node go back a few batches; none goes round and round.
SENT_MAX = 1.8
# Of what was held when the link came back, what was thinned while it was sent.
MISSING_MAX = 0.5


def thin_site() -> str:
    """Hourly readings, on a journal of eight segments: a few days in full."""
    text = small_site(days=30, heat_s=3600, room_s=3600, segment_bytes=4096)
    return text.replace("segment_bytes = 4096", "segment_bytes = 4096, max_bytes = 32768")


def test_what_is_left_of_weeks_arrives_and_the_rest_is_named(make_chain: MakeChain) -> None:
    chain = make_chain(site=thin_site(), outages=((CUT_OFF_MS, BACK_MS), (AGAIN_MS, BACK_AGAIN_MS)))
    world, stats = chain.world, chain.node.tunnel.stats
    world.run_until(chain.start_ms + BACK_MS - HOUR_MS)
    held = on_flash(chain)
    print(Counter(entry.segment[-4:] for entry in held))
    assert {entry.segment[-4:] for entry in held} == {".seg", ".day", ".mon"}
    pulled_alone(chain, held)

    world.run_until(chain.start_ms + AGAIN_MS)
    assert stats.backlog == 0
    check_arrived(chain, held)
    world.run_until(chain.start_ms + BACK_AGAIN_MS - HOUR_MS)
    held_again = on_flash(chain)
    world.run_until(chain.start_ms + DRAINED_MS)
    assert stats.backlog == 0
    check_arrived(chain, held + held_again)
    print(f"{stats.hellos} greetings, {stats.batches} batches, {stats.entries} entries sent")
    assert stats.hellos <= HELLOS_MAX
    assert stats.entries <= len(chain.entries()) * SENT_MAX
    chain.node.kill()
    left = {(each.epoch, each.seq) for each in chain.flushed()}
    assert left <= {(entry.epoch, entry.seq) for entry in chain.entries()}


def on_flash(chain: Chain) -> list[FlashEntry]:
    """What is flushed; nobody writes between two turns of the meters."""
    return chain.flushed()


def check_arrived(chain: Chain, held: list[FlashEntry]) -> None:
    """All that was held is stored, byte for byte, and each number is accounted for."""
    stored = chain.entries()
    by_number = {(entry.epoch, entry.seq): entry.raw for entry in stored}
    assert all(by_number.get((e.epoch, e.seq), e.canonical) == e.canonical for e in held)
    named = numbers_named(chain)
    missing = {each.seq for each in held if (each.epoch, each.seq) not in by_number}
    # The tombstones themselves take room on flash: thinning may go on while they are sent.
    assert missing <= named, sorted(missing - named)[:20]
    assert len(missing) <= len(held) * MISSING_MAX
    assert len({entry.epoch for entry in stored}) == 1
    numbers = {entry.seq for entry in stored}
    newest = max(numbers)
    assert numbers | named >= set(range(1, newest + 1))
    assert not numbers & named
    assert chain.query("SELECT cumulative, highest FROM journal") == [(newest, newest)]
    assert chain.query("SELECT count(*) FROM conflict") == [(0,)]
    check_months(chain, [entry for entry in stored if entry.kind == 1])


def numbers_named(chain: Chain) -> set[int]:
    named: set[int] = set()
    for first, last in chain.query("SELECT first, last FROM tombstone"):
        named.update(range(int(str(first)), int(str(last)) + 1))
    return named


def check_months(chain: Chain, exchanges: list[Entry]) -> None:
    """Each meter's first reading of the month is there, and its last before the link came back."""
    back_s = (chain.start_ms + BACK_MS) // 1000
    for slot in FLATS:
        times = [entry.time for entry in exchanges if entry.slot == slot and entry.clock]
        assert min(times) < chain.start_ms // 1000 + 2 * 3600
        assert any(back_s - 2 * 3600 < time <= back_s for time in times), slot
        days = {(datetime.fromtimestamp(time, UTC) + LOCAL).day for time in times}
        # Days that became a part of a month are gone; the younger ones are all there.
        kept = [day for day in range(FIRST_DAY, LAST_DAY + 1) if day in days]
        assert kept[-1] == LAST_DAY
        assert len(kept) >= 7


def pulled_alone(chain: Chain, held: list[FlashEntry]) -> None:
    """The same over the console, into a gateway of its own."""
    folder = chain.folder / "pulled"
    folder.mkdir()
    for name in ("site.toml", "tariff.toml", "keys.toml"):
        (folder / name).write_bytes((chain.folder / name).read_bytes())
    (folder / "gateway.toml").write_text(
        'format = 1\ndata_dir = "data"\nsite = "site.toml"\nkeys = "keys.toml"\n'
    )
    client = ConsoleClient(ConsolePort(chain.world, chain.node))
    client.unlock(chain.key)
    file = folder / "node.pull"
    assert pull(client, file).messages > 1
    # A pull that broke off goes on where it ended, tombstones sent ahead or not.
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3])
    assert pull(client, file).was_resumed
    taken = ingest_file(load_settings(folder / "gateway.toml"), file)
    assert taken.problems == []
    check_pulled(folder / "data" / "nuan.db", held)


def check_pulled(database: Path, held: list[FlashEntry]) -> None:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as rows:
        raws = {raw for (raw,) in rows.execute("SELECT raw FROM entry")}
        progress = rows.execute("SELECT cumulative, highest FROM journal").fetchall()
    # What the gateway had before the link was cut is not pulled again.
    unsent = [each for each in held if each.seq > 60]
    assert len(unsent) > 100
    assert all(each.canonical in raws for each in unsent)
    assert progress
