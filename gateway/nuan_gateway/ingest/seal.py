"""Sealing: once a UTC day is over, the signed Merkle root of all that was received in it.

The writer seals before it commits anything later, and gives no entry a time of receipt that lies in
a sealed day, so that every entry is under exactly one root.
"""

import json
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from nuan_gateway.evidence.roots import seal_day
from nuan_gateway.evidence.signing import Signer
from nuan_gateway.store import entries, outbox, statements

DAY_MS = 86_400_000


class Sealer:
    """Seals finished days in order; days on which nothing came have no root."""

    def __init__(self, site: str, signer: Signer) -> None:
        self._site = site
        self._signer = signer
        self._sealed_until_ms: int | None = None
        self._looked_on_day = -1

    def floor_ms(self, connection: Connection) -> int:
        """The earliest time of receipt that a new entry may have."""
        if self._sealed_until_ms is None:
            last = statements.last_root(connection)
            self._sealed_until_ms = _start_ms(last.day) + DAY_MS if last else 0
        return self._sealed_until_ms

    def seal_until(self, connection: Connection, now_ms: int) -> list[str]:
        """Seal every day that is over and has entries; returns the days."""
        sealed: list[str] = []
        today = now_ms // DAY_MS
        if today == self._looked_on_day:
            return sealed
        while True:
            first_ms = entries.first_received(connection, self.floor_ms(connection))
            if first_ms is None or first_ms // DAY_MS >= today:
                self._looked_on_day = today
                return sealed
            start_ms = first_ms // DAY_MS * DAY_MS
            sealed.append(self._seal(connection, start_ms))

    def rolled_back(self) -> None:
        """The transaction failed: look the last root up again."""
        self._sealed_until_ms = None
        self._looked_on_day = -1

    def _seal(self, connection: Connection, start_ms: int) -> str:
        day = datetime.fromtimestamp(start_ms / 1000, UTC).date().isoformat()
        end_ms = start_ms + DAY_MS
        leaves = entries.digests_between(connection, start_ms, end_ms)
        last = statements.last_root(connection)
        sealed = seal_day(self._site, day, leaves, last.statement if last else None)
        signature = self._signer.sign(sealed.statement.encode())
        statements.add_root(
            connection,
            statements.StoredRoot(
                day, sealed.leaf_count, sealed.root, sealed.previous, sealed.statement, signature
            ),
        )
        payload = {
            "type": "root",
            "site": self._site,
            "day": day,
            "statement": sealed.statement,
            "signature": signature.hex(),
        }
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        outbox.put(connection, [(f"root-{self._site}-{day}", "root", text)], end_ms)
        self._sealed_until_ms = end_ms
        return day


def day_end_ms(now_ms: int) -> int:
    """When the UTC day of this instant ends."""
    return (now_ms // DAY_MS + 1) * DAY_MS


def _start_ms(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)) // timedelta(days=1) * DAY_MS
