"""Takes a pulled journal into a gateway, whether it runs or is at rest; twice is as good as once.

Every message is checked before anything is handed on: CRC, MAC, form. Batches go through the same
writer as those that come over MQTT, and what the database then holds is counted, not assumed.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine

from nuan_gateway.app import writer_at_rest
from nuan_gateway.errors import GatewayError
from nuan_gateway.inbox import GROUP, INBOX_NAME
from nuan_gateway.ingest.pull_file import Damage, header, load, node_of, record, records
from nuan_gateway.settings import Settings, load_keys
from nuan_gateway.store import entries
from nuan_gateway.store.engine import DATABASE_NAME, open_database
from nuan_gateway.workspace import LOCK_NAME
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink.batch_reader import Batch, parse_batch
from nuan_protocols.uplink.hello import parse_hello
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import TYPE_BATCH, parse_head

WAIT_S = 600
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the `number`-th message of a file, at byte `offset`, was not taken."""

    number: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class SoundBatch:
    """An authentic batch of a file."""

    number: int
    offset: int
    message: bytes
    batch: Batch


@dataclass(slots=True)
class Checked:
    """A file's authentic batches, and what is wrong with the rest."""

    node: str
    batches: list[SoundBatch] = field(default_factory=list[SoundBatch])
    problems: list[Problem] = field(default_factory=list[Problem])


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file. `known` entries were there before."""

    node: str
    batches: int
    new: int
    known: int
    problems: list[Problem]


def check_file(path: Path, keys: dict[str, bytes]) -> Checked:
    """Read a file and check every message; raises GatewayError for a file that is none of ours."""
    data = load(path)
    checked = Checked(node_of(data, path).hex())
    key = keys.get(checked.node)
    if key is None:
        raise GatewayError(f"{path}: node {checked.node} has no key in the keys file")
    node_keys = NodeKeys(key)
    for each in records(data):
        if isinstance(each, Damage):
            reason = f"{each.size} bytes: {each.reason}"
            checked.problems.append(Problem(each.number, each.offset, reason))
            continue
        try:
            batch = _batch(each.message, node_keys, checked.node)
        except ProtocolError as error:
            checked.problems.append(Problem(each.number, each.offset, str(error)))
        else:
            if batch is not None:
                checked.batches.append(SoundBatch(each.number, each.offset, each.message, batch))
    return checked


def ingest_file(
    settings: Settings, path: Path, progress: Callable[[int, int], None] | None = None
) -> Taken:
    """Take a file in; `progress` is told how many of how many batches are handed over.

    Raises GatewayError; what was committed by then stays, and does no harm when it comes again.
    """
    checked = check_file(path, load_keys(settings.keys))
    tell = progress or _tell_nobody
    if is_running(settings.data_dir):
        engine = open_database(settings.data_dir / DATABASE_NAME)
        try:
            before = _held(engine, checked)
            _hand_over(settings.data_dir, checked)
            tell(len(checked.batches), len(checked.batches))
            return _taken(engine, checked, before)
        finally:
            engine.dispose()
    with writer_at_rest(settings) as (engine, writer):
        before = _held(engine, checked)
        topic = f"nuan/v1/{checked.node}/up"
        messages = [(topic, each.message) for each in checked.batches]
        for at in range(0, len(messages), GROUP):
            tell(at, len(messages))
            writer.keep(messages[at : at + GROUP])
        tell(len(messages), len(messages))
        return _taken(engine, checked, before)


def _tell_nobody(done: int, total: int) -> None:
    """Nobody is interested."""


def is_running(data_dir: Path) -> bool:
    """Whether a gateway holds the data folder."""
    try:
        with (data_dir / LOCK_NAME).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _batch(message: bytes, keys: NodeKeys, node: str) -> Batch | None:
    """The batch of an authentic message, None for a HELLO. Raises ProtocolError."""
    head = parse_head(message)
    if head.node.hex() != node:
        raise ProtocolError(f"a message of node {head.node.hex()}", 2)
    if head.type == TYPE_BATCH:
        return parse_batch(message, keys)
    parse_hello(message, keys)
    return None


def _hand_over(data_dir: Path, checked: Checked) -> None:
    """Put the batches into the running gateway's inbox, and wait until it has taken them."""
    inbox = data_dir / INBOX_NAME
    inbox.mkdir(exist_ok=True)
    content = header(bytes.fromhex(checked.node))
    content += b"".join(record(each.message) for each in checked.batches)
    passing = inbox / f"{checked.node}-{uuid4().hex}.new"
    passing.write_bytes(content)
    waiting = passing.rename(passing.with_suffix(".pull"))
    end = time.monotonic() + WAIT_S
    while waiting.exists():
        if not is_running(data_dir) or time.monotonic() > end:
            raise GatewayError(
                f"{waiting}: the gateway hasn't taken it yet; it does when it runs again"
            )
        time.sleep(_LOOK_S)


def _held(engine: Engine, checked: Checked) -> dict[tuple[str, int], bytes]:
    """(epoch, number) -> digest of those of the file's entries that the database holds."""
    held: dict[tuple[str, int], bytes] = {}
    with engine.connect() as connection:
        for each in checked.batches:
            epoch, batch = each.batch.epoch.hex(), each.batch.entries
            if batch:
                first, last = batch[0].seq, batch[-1].seq
                found = entries.digests_of(connection, checked.node, epoch, first, last)
                held.update({(epoch, seq): digest for seq, digest in found.items()})
    return held


def _taken(engine: Engine, checked: Checked, before: dict[tuple[str, int], bytes]) -> Taken:
    after = _held(engine, checked)
    refused = [each for each in checked.batches if not _is_held(each, after)]
    problems = checked.problems + [
        Problem(each.number, each.offset, "contradicts what the gateway has; see its log")
        for each in refused
    ]
    problems.sort(key=lambda problem: problem.offset)
    new = len(after) - len(before)
    return Taken(checked.node, len(checked.batches), new, len(before), problems)


def _is_held(each: SoundBatch, held: dict[tuple[str, int], bytes]) -> bool:
    epoch = each.batch.epoch.hex()
    return all(held.get((epoch, entry.seq)) == entry.digest for entry in each.batch.entries)
