"""Hands the outbox on to the receiver: at least once, in order, however long it was away.

A row leaves the queue only when the receiver's answer names its key. While the receiver is down
everything waits, with growing pauses on the gateway's own clock; a single message that the
receiver refuses is parked and blocks no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence

import httpx
from sqlalchemy import Engine

from nuan_gateway.clock import Clock
from nuan_gateway.evidence.signing import Signer
from nuan_gateway.forward.http import Courier, Outcome
from nuan_gateway.settings import ForwardSettings
from nuan_gateway.store import outbox
from nuan_gateway.store.engine import begin_write
from nuan_gateway.store.outbox import Message

log = logging.getLogger(__name__)

BATCH_MESSAGES_MAX = 100
BATCH_BYTES_MAX = 1_000_000
LOOK_AGAIN_S = 0.2  # real seconds: neither a new row nor a simulated clock can wake us
BACKOFF_DOUBLINGS_MAX = 20


class Forwarder:
    """The task that drains the outbox to one receiver until it is cancelled."""

    def __init__(
        self, engine: Engine, clock: Clock, settings: ForwardSettings, signer: Signer
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._signer = signer
        self._failures = 0
        self._down_until_ms = 0

    async def run(self) -> None:
        """Deliver for ever; without a url there is nobody to deliver to, and it returns."""
        if not self._settings.url:
            return
        async with httpx.AsyncClient(timeout=self._settings.timeout_s) as client:
            courier = Courier(client, self._settings.url, self._signer)
            while True:
                if not await self.step(courier):
                    await asyncio.sleep(LOOK_AGAIN_S)

    async def step(self, courier: Courier) -> bool:
        """Send at most one batch; True when there may be more to do at once."""
        now_ms = self._clock.now_ms()
        if now_ms < self._down_until_ms:
            return False
        batch, more = await asyncio.to_thread(self._due, now_ms)
        if not batch:
            return False
        # When nothing is left the next look waits, so that what trickles in goes out together.
        return await self._deliver(courier, batch) and more

    async def _deliver(self, courier: Courier, batch: Sequence[Message]) -> bool:
        outcome = await courier.post(batch)
        if outcome.endpoint_down:
            await self._back_off(batch, outcome)
            return False
        self._failures = 0
        if outcome.unacceptable:
            return await self._halve(courier, batch, outcome)
        await asyncio.to_thread(self._settle, batch, outcome)
        return True

    async def _halve(self, courier: Courier, batch: Sequence[Message], outcome: Outcome) -> bool:
        """Find the message that makes the receiver refuse the whole batch, and park that one."""
        if len(batch) == 1:
            refusal = Outcome(rejected={batch[0].key: outcome.unacceptable})
            await asyncio.to_thread(self._settle, batch, refusal)
            return True
        middle = len(batch) // 2
        if not await self._deliver(courier, batch[:middle]):
            return False
        return await self._deliver(courier, batch[middle:])

    def _settle(self, batch: Sequence[Message], outcome: Outcome) -> None:
        now_ms = self._clock.now_ms()
        accepted = [message.id for message in batch if message.key in outcome.accepted]
        refused = [
            message
            for message in batch
            if message.key in outcome.rejected and message.key not in outcome.accepted
        ]
        for message in refused:
            log.error("parked %s: %s", message.key, outcome.rejected[message.key])
        settled = {*accepted, *(message.id for message in refused)}
        later = {
            message.id: now_ms + self._pause_ms(message.attempts, message.key)
            for message in batch
            if message.id not in settled
        }
        with begin_write(self._engine) as connection:
            outbox.mark_delivered(connection, accepted, now_ms)
            outbox.park(connection, [message.id for message in refused])
            outbox.mark_postponed(connection, later)

    async def _back_off(self, batch: Sequence[Message], outcome: Outcome) -> None:
        pause_ms = self._pause_ms(self._failures, batch[0].key)
        pause_ms = max(pause_ms, outcome.retry_after_s * 1000)
        self._failures += 1
        self._down_until_ms = self._clock.now_ms() + pause_ms
        log.warning("receiver: %s; again in %d s", outcome.endpoint_down, pause_ms // 1000)
        await asyncio.to_thread(self._count_attempt, batch)

    def _count_attempt(self, batch: Sequence[Message]) -> None:
        with begin_write(self._engine) as connection:
            outbox.mark_tried(connection, [message.id for message in batch])

    def _due(self, now_ms: int) -> tuple[list[Message], bool]:
        """What one request may carry, bounded in messages and bytes, one message at least; and
        whether there is more."""
        with self._engine.connect() as connection:
            found = outbox.due(connection, now_ms, BATCH_MESSAGES_MAX)
        size = 0
        for position, message in enumerate(found):
            size += len(message.payload.encode())
            if position and size > BATCH_BYTES_MAX:
                return found[:position], True
        return found, len(found) == BATCH_MESSAGES_MAX

    def _pause_ms(self, failures: int, key: str) -> int:
        """Half of a doubling pause, plus up to as much again, drawn from the key: many gateways
        that lost one receiver don't return in step, and a simulation repeats exactly."""
        doubled = self._settings.retry_min_s << min(failures, BACKOFF_DOUBLINGS_MAX)
        longest_ms = min(doubled, self._settings.retry_max_s) * 1000
        drawn = hashlib.sha256(f"{key} {failures} {self._signer.key_id}".encode()).digest()
        return longest_ms // 2 + int.from_bytes(drawn[:4], "big") * (longest_ms // 2) // (1 << 32)
