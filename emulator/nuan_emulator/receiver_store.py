"""What the receiver keeps: messages by idempotency key, how often each came, and counts."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

KEY_CHARACTERS_MAX = 200

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, key_id TEXT NOT NULL,
    times INTEGER NOT NULL, first_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class FeedError(Exception):
    """A request that is refused: an HTTP status and a reason for the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class Message(NamedTuple):
    """One message of the feed; `payload` as canonical JSON text."""

    key: str
    kind: str
    payload: str


def parse_messages(body: bytes) -> list[Message]:
    """The messages of a request body; FeedError 400 names the one that is wrong."""
    try:
        content = json.loads(body)
    except ValueError:
        raise FeedError(400, "the body is not JSON") from None
    items = cast(dict[str, object], content).get("messages") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise FeedError(400, 'the body must be {"messages": [...]}')
    return [_message(index, item) for index, item in enumerate(cast(list[object], items))]


def _message(index: int, item: object) -> Message:
    if not isinstance(item, dict):
        raise FeedError(400, f"messages[{index}] is not an object")
    fields = cast(dict[str, object], item)
    key, kind = fields.get("key"), fields.get("kind")
    if not isinstance(key, str) or not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise FeedError(400, f"messages[{index}].key must have 1..{KEY_CHARACTERS_MAX} characters")
    if not isinstance(kind, str) or not kind:
        raise FeedError(400, f"messages[{index}].kind must be a text")
    if "payload" not in fields:
        raise FeedError(400, f"messages[{index}].payload is missing")
    text = json.dumps(fields["payload"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Message(key, kind, text)


class MessageStore:
    """SQLite behind one lock: handlers run in several threads."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the database."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def accept(self, messages: Sequence[Message], key_id: str) -> list[str]:
        """Store new messages in one transaction, count known ones; the keys, all of them held.

        FeedError 409 when a known key comes with another content: the sender reused a key.
        """
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for message in messages:
                    self._store(message, key_id)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return [message.key for message in messages]

    def _store(self, message: Message, key_id: str) -> None:
        row = self._db.execute(
            "SELECT kind, payload FROM message WHERE key = ?", (message.key,)
        ).fetchone()
        if row is None:
            self._db.execute(
                "INSERT INTO message VALUES (?, ?, ?, ?, 1, ?)",
                (message.key, message.kind, message.payload, key_id, time.time()),
            )
        elif row != (message.kind, message.payload):
            raise FeedError(409, f"the key {message.key} came before with another content")
        else:
            self._db.execute("UPDATE message SET times = times + 1 WHERE key = ?", (message.key,))

    def count(self, name: str) -> None:
        """Count one event under `name`."""
        with self._lock:
            self._db.execute(
                "INSERT INTO counter VALUES (?, 1) "
                "ON CONFLICT(name) DO UPDATE SET value = value + 1",
                (name,),
            )

    def counts(self) -> dict[str, object]:
        """{"messages", "duplicates", "kinds": {kind: n}, "failed", "answers_lost"}."""
        with self._lock:
            total, times = self._db.execute(
                "SELECT COUNT(*), COALESCE(SUM(times), 0) FROM message"
            ).fetchone()
            kinds = self._db.execute("SELECT kind, COUNT(*) FROM message GROUP BY kind").fetchall()
            counters = dict(self._db.execute("SELECT name, value FROM counter").fetchall())
        return {
            "messages": total,
            "duplicates": times - total,
            "kinds": dict(kinds),
            "failed": counters.get("failed", 0),
            "answers_lost": counters.get("answers_lost", 0),
        }

    def messages(self) -> list[Message]:
        """Everything held, by key."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, kind, payload FROM message ORDER BY key"
            ).fetchall()
        return [Message(*row) for row in rows]

    def close(self) -> None:
        """Close the database; no request may follow."""
        with self._lock:
            self._db.close()
