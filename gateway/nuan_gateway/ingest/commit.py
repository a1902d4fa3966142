"""The writer: everything that waits goes into one transaction, then each message gets its answer.

Raw entries, the readings decoded from them, the feed's message about them and the journal's
progress are committed together. An answer tells the state after its own message, whatever else
the same transaction held, so that the grouping can't be seen from outside.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from nuan_gateway.clock import Clock
from nuan_gateway.drafts import Draft
from nuan_gateway.ingest.courier import Courier
from nuan_gateway.ingest.credit import Credits
from nuan_gateway.ingest.dating import Dater
from nuan_gateway.ingest.decode import Decoded, Decoder, ReadingRow
from nuan_gateway.ingest.exchanges import told_by
from nuan_gateway.ingest.fit import Refusal, claims_of, fit, tombstones_of
from nuan_gateway.ingest.messages import Authentic, Gatekeeper, down_topic
from nuan_gateway.ingest.own_journal import continue_journal, epoch_of
from nuan_gateway.ingest.progress import Progress
from nuan_gateway.ingest.seal import Sealer
from nuan_gateway.plain_text import plain
from nuan_gateway.store import entries, exchanges, journals, outbox, schema
from nuan_gateway.store.dialect import insert_tuples
from nuan_gateway.store.engine import begin_write
from nuan_protocols.uplink.ack import Ack, build_ack
from nuan_protocols.uplink.batch_reader import Batch, BatchEntry
from nuan_protocols.uplink.entry import KIND_EXCHANGE, KIND_TOMBSTONE, genesis
from nuan_protocols.uplink.hello import Hello

log = logging.getLogger(__name__)

T = TypeVar("T")
JournalKey = tuple[str, str]
Answer = tuple[str, bytes]
"""Topic and payload."""

_SLOT_AT = 28
"""Where an exchange's slot stands in its canonical bytes."""


@dataclass(slots=True)
class Counters:
    """What the writer has done since the gateway started."""

    messages: int = 0
    commits: int = 0
    entries: int = 0
    repeated: int = 0
    refused_batches: int = 0
    unknown_slots: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class _Transaction:
    """What one transaction changes: rows that wait to be inserted together, and what the writer
    remembers after the commit."""

    connection: Connection
    clock_ms: int
    now_ms: int
    next_id: int
    journals: dict[JournalKey, Progress] = field(default_factory=dict[JournalKey, Progress])
    touched: set[JournalKey] = field(default_factory=set[JournalKey])
    counters: Counters = field(default_factory=Counters)
    entries: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    tombstones: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    exchanges: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    readings: list[ReadingRow] = field(default_factory=list[ReadingRow])
    messages: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


class Writer:
    """The only one who writes entries; used by one thread."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        gatekeeper: Gatekeeper,
        decoder: Decoder,
        sealer: Sealer,
        credit: Credits,
        site: str,
        courier: Courier | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        """`zone` is the civil time that the meters' clocks follow."""
        self._engine = engine
        self._clock = clock
        self._gatekeeper = gatekeeper
        self._decoder = decoder
        self._sealer = sealer
        self._credits = credit
        self._site = site
        self._dater = Dater(zone)
        self._courier = courier or Courier(gatekeeper.keys_of)
        self._journals: dict[JournalKey, Progress] = {}
        self._last_id: int | None = None
        self._last_received_ms = 0
        self.counters = Counters()

    def process(self, messages: Sequence[tuple[str, bytes]]) -> list[Answer]:
        """Commit what (topic, payload) messages bring; the answers in the same order."""
        admitted = [self._gatekeeper.admit(topic, payload) for topic, payload in messages]
        authentic = [message for message in admitted if message is not None]
        if not authentic:
            return []
        return self._commit(
            lambda work: [each for message in authentic for each in self._answers(work, message)]
        )

    def keep(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Commit messages that no node waits beside: from a file, so nobody is to be answered."""
        admitted = [self._gatekeeper.admit(topic, payload) for topic, payload in messages]
        authentic = [message for message in admitted if message is not None]
        if authentic:
            self._commit(lambda work: [self._answer(work, message) for message in authentic])

    def push(self) -> list[Answer]:
        """The commands for nodes that should get one though they say nothing."""
        now_ms = self._clock.now_ms()
        with self._engine.connect() as connection:
            if not self._courier.is_due(connection, now_ms):
                return []
        pushed = self._commit(lambda work: self._courier.push(work.connection, work.clock_ms))
        return [(down_topic(node), command) for node, command in pushed]

    def journal(self, node: str, drafts: Sequence[Draft]) -> None:
        """Commit the next entries of a journal that the gateway keeps itself."""
        if drafts:
            self._commit(lambda work: self._continue(work, node, drafts))

    def seal(self) -> list[str]:
        """Seal the days that are over; returns them."""
        try:
            with begin_write(self._engine) as connection:
                return self._sealer.seal_until(connection, self._clock.now_ms())
        except BaseException:
            self._sealer.rolled_back()
            raise

    def _commit(self, change: Callable[[_Transaction], T]) -> T:
        """Make a change in a transaction of its own, or nothing of it."""
        try:
            with begin_write(self._engine) as connection:
                work = self._begin(connection)
                done = change(work)
                self._save(work)
        except BaseException:
            self._sealer.rolled_back()
            self._decoder.trials.rolled_back()
            self._dater.rolled_back()
            self._courier.forget()
            self._last_id = None
            # Whether a commit that failed has taken place is the database's to say.
            self._journals.clear()
            raise
        self._remember(work)
        return done

    def _begin(self, connection: Connection) -> _Transaction:
        clock_ms = self._clock.now_ms()
        self._sealer.seal_until(connection, clock_ms)
        # A clock set back must not put entries into a day that is sealed, or before earlier ones.
        now_ms = max(clock_ms, self._sealer.floor_ms(connection), self._last_received_ms)
        if self._last_id is None:
            self._last_id = entries.last_id(connection)
        self._decoder.trials.begin(connection)
        self._dater.begin(connection)
        self._courier.begin()
        return _Transaction(connection, clock_ms, now_ms, self._last_id + 1)

    def _answers(self, work: _Transaction, message: Authentic) -> list[Answer]:
        """The acknowledgement, and before it a command that goes along with it."""
        ack = self._answer(work, message)
        command = self._courier.answer(work.connection, message, work.clock_ms)
        return [ack] if command is None else [(ack[0], command), ack]

    def _answer(self, work: _Transaction, message: Authentic) -> Answer:
        work.counters.messages += 1
        key = (message.node, message.epoch)
        content = message.content
        if isinstance(content, Batch):
            self._take(work, key, content)
        progress = self._progress(work, key)
        if isinstance(content, Hello):
            _note_hello(message.node, content, progress)
        ack = Ack(
            content.node,
            content.epoch,
            content.nonce,
            progress.cumulative,
            isinstance(content, Hello),
            self._credits.grant(message.node, work.now_ms),
            work.clock_ms // 1000,
            progress.gaps(),
        )
        return down_topic(message.node), build_ack(ack, message.keys)

    def _take(self, work: _Transaction, key: JournalKey, batch: Batch) -> None:
        """Insert what is new in the batch, or keep a refused batch's evidence."""
        if not batch.entries:
            return
        progress = self._progress(work, key)
        first, last = batch.entries[0].seq, batch.entries[-1].seq
        committed: dict[int, bytes] = {}
        if progress.touches(first, last):
            self._flush(work)
            committed = entries.digests_of(work.connection, *key, first, last)
        fitted = fit(progress, claims_of(batch), batch, committed)
        if isinstance(fitted, Refusal):
            work.counters.refused_batches += 1
            log.error("node %s, epoch %s: batch %d..%d refused: %s", *key, first, last, fitted)
            self._keep_conflicts(work, key, fitted)
            return
        fresh = [entry for entry in batch.entries if entry.seq not in committed]
        work.counters.repeated += len(batch.entries) - len(fresh)
        work.journals[key] = fitted
        work.touched.add(key)
        if fresh:
            self._insert(work, key, fresh)

    def _continue(self, work: _Transaction, node: str, drafts: Sequence[Draft]) -> None:
        epoch = epoch_of(work.connection, node)
        key = (node, epoch)
        keys = self._gatekeeper.keys_of(node)
        progress = self._progress(work, key)
        work.journals[key], made = continue_journal(progress, node, epoch, keys, drafts)
        work.touched.add(key)
        self._insert(work, key, made)

    def _insert(self, work: _Transaction, key: JournalKey, fresh: list[BatchEntry]) -> None:
        node, epoch = key
        numbered = list(enumerate(fresh, work.next_id))
        work.next_id += len(fresh)
        work.counters.entries += len(fresh)
        for row_id, entry in numbered:
            seq, kind, time, clock, raw, digest, _ = entry
            work.entries.append(
                (row_id, node, epoch, seq, kind, time, clock, _slot(kind, raw), raw, digest,
                 work.now_ms)
            )  # fmt: skip
            if kind == KIND_TOMBSTONE:
                ids = {"node": node, "epoch": epoch, "entry_id": row_id}
                work.tombstones += [
                    {**ids, "first": found.first, "last": found.last, "reason": found.reason}
                    for found in tombstones_of(entry)
                ]
        told = told_by(self._site, key, numbered)
        work.exchanges += told.rows
        work.messages += told.messages
        self._dater.note(key, fresh)
        decoded = self._decoder.decode(node, numbered)
        work.counters.unknown_slots += decoded.unknown_slots
        work.counters.unreadable += decoded.unreadable
        work.readings += decoded.rows
        if decoded.items:
            work.messages.append(self._feed_message(key, fresh, decoded))

    def _feed_message(
        self, key: JournalKey, fresh: list[BatchEntry], decoded: Decoded
    ) -> tuple[str, str, str]:
        first, last = fresh[0].seq, fresh[-1].seq
        node, epoch = key
        # Canonical JSON, its keys in their sorted order.
        payload = (
            f'{{"epoch":"{epoch}","first_seq":{first},"last_seq":{last},"node":"{node}",'
            f'"readings":[{",".join(decoded.items)}],"site":{json.dumps(self._site)},'
            '"type":"readings"}'
        )
        return f"r-{node}-{epoch}-{first}-{last}", "readings", payload

    def _flush(self, work: _Transaction) -> None:
        """Insert the rows that wait."""
        insert_tuples(work.connection, schema.entry, work.entries)
        entries.add_tombstones(work.connection, work.tombstones)
        exchanges.add(work.connection, work.exchanges)
        insert_tuples(work.connection, schema.reading, work.readings)
        outbox.put(work.connection, work.messages, work.now_ms)
        waits = (work.entries, work.tombstones, work.exchanges, work.readings, work.messages)
        for waiting in waits:
            waiting.clear()

    def _keep_conflicts(self, work: _Transaction, key: JournalKey, refusal: Refusal) -> None:
        rows = [
            {
                "node": key[0],
                "epoch": key[1],
                "seq": entry.seq,
                "reason": refusal.reason,
                "digest": entry.digest,
                "raw": entry.canonical,
                "received_at": work.now_ms,
            }
            for entry in refusal.entries
        ]
        entries.add_conflicts(work.connection, rows)

    def _progress(self, work: _Transaction, key: JournalKey) -> Progress:
        found = work.journals.get(key) or self._journals.get(key)
        if found is None:
            stored = journals.load(work.connection, *key)
            if stored is None:
                node, epoch = (bytes.fromhex(part) for part in key)
                found = Progress(genesis(node, epoch))
            else:
                found = Progress(stored.chain, stored.cumulative, stored.ahead)
        work.journals[key] = found
        return found

    def _save(self, work: _Transaction) -> None:
        self._flush(work)
        self._decoder.trials.save(work.connection, self._site, work.now_ms)
        self._dater.save(work.connection, self._site, work.now_ms)
        for key in sorted(work.touched):
            before = self._journals.get(key)
            state = work.journals[key].stored()
            journals.save(work.connection, *key, state, work.now_ms)
            if before is None or before.ahead or state.ahead:
                journals.save_ahead(work.connection, *key, state.ahead)

    def _remember(self, work: _Transaction) -> None:
        self._journals.update(work.journals)
        while len(self._journals) > JOURNALS_KEPT_MAX:
            del self._journals[next(iter(self._journals))]
        self._last_id = work.next_id - 1
        self._last_received_ms = work.now_ms
        total, new = self.counters, work.counters
        new.commits = 1
        for name in Counters.__slots__:
            setattr(total, name, getattr(total, name) + getattr(new, name))


JOURNALS_KEPT_MAX = 10_000
"""How many journals' progress stays in memory; the others are read again when they speak."""


def _slot(kind: int, raw: bytes) -> int | None:
    if kind != KIND_EXCHANGE or len(raw) < _SLOT_AT + 2:
        return None
    return raw[_SLOT_AT] << 8 | raw[_SLOT_AT + 1]


def _note_hello(node: str, hello: Hello, progress: Progress) -> None:
    log.info(
        "node %s: %s, configuration %d, holds %d..%d, committed up to %d",
        node,
        plain(hello.firmware),
        hello.config_version,
        hello.oldest,
        hello.newest,
        progress.cumulative,
    )
    if hello.newest < progress.cumulative:
        log.warning("node %s knows fewer numbers than are committed: was it set back?", node)
