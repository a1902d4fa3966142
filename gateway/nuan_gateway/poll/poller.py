"""Reads the meters of one line when they are due, as a node's poller does, into the same entries.

A meter is due when UTC is a multiple of its period; those due at one instant are read in the order
of their slots. A meter that stays silent is asked once instead of three times, and then skips more
and more of its turns, so that it doesn't cost the living theirs. Every meter's exchanges are
committed before the next meter is asked: what was read is kept, and nothing else has a number.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nuan_gateway.clock import Clock
from nuan_gateway.drafts import Draft, Note, event_draft, exchange_draft
from nuan_gateway.poll.line import PolledLine
from nuan_gateway.poll.plan import PollPlan
from nuan_gateway.poll.transport import LineError
from nuan_gateway.site import Node
from nuan_protocols.readout import TRIES
from nuan_protocols.uplink.body import EVENT_FAULT

if TYPE_CHECKING:
    from nuan_protocols.readout import Exchange

MISSES_DEAD = 3
SKIPS_MAX = 8
LATE_S_MAX = 300
RETRY_MIN_S = 1.0
RETRY_MAX_S = 60.0

log = logging.getLogger(__name__)


class Poller:
    """One line of a gateway node; `note` commits what it reads."""

    def __init__(
        self, node: Node, bus: int, plans: Sequence[PollPlan], clock: Clock, note: Note
    ) -> None:
        self.name = node.buses[bus].name
        self._node = node
        self._bus = bus
        self._plans = plans
        self._periods = sorted({plan.every_s for plan in plans})
        self._clock = clock
        self._note = note
        self._line = PolledLine(node.buses[bus], self._now)
        self._misses = [0] * len(plans)
        self._skips = [0] * len(plans)
        self._down = False

    async def run(self) -> None:
        """Read the meters until cancelled."""
        last = self._now()
        try:
            while self._periods:
                # A clock set back would otherwise have the line wait for what it has already read.
                last = min(last, self._now())
                due = self._next_due(last)
                await self._clock.sleep_until_ms(1000 * due)
                last = due
                if self._now() > due + LATE_S_MAX:
                    await self.fault("late, turns left out")
                    last = self._now()
                else:
                    await self._turn(due)
        finally:
            await self._line.close()

    async def fault(self, text: str) -> None:
        """Journal and log that something is wrong with this line."""
        log.warning("node %s, bus %s: %s", self._node.id, self.name, text)
        draft = event_draft(self._now(), EVENT_FAULT, f"{self.name}: {text}")
        await self._note(self._node.id, [draft])

    def _now(self) -> int:
        return self._clock.now_ms() // 1000

    def _next_due(self, after: int) -> int:
        return min((after // period + 1) * period for period in self._periods)

    async def _turn(self, due: int) -> None:
        for index, plan in enumerate(self._plans):
            if due % plan.every_s:
                continue
            if self._skips[index]:
                self._skips[index] -= 1
                continue
            tries = TRIES if self._misses[index] < MISSES_DEAD else 1
            if not await self._stand(due):
                break
            answered = await self._read(plan, tries)
            if answered is None and await self._stand(due):
                # The line was lost under the question: that is not the meter's fault.
                answered = await self._read(plan, tries)
            if answered is not None:
                self._count_miss(index, answered=answered)
        await self._line.rest()

    async def _stand(self, due: int) -> bool:
        """Whether the line is open, or gets so before the next meters are due."""
        pause_s = RETRY_MIN_S
        while True:
            try:
                await self._line.open()
            except LineError as error:
                if not self._down:
                    self._down = True
                    await self.fault(str(error))
            else:
                if self._down:
                    self._down = False
                    log.info("node %s, bus %s: open again", self._node.id, self.name)
                return True
            left_s = self._next_due(due) - self._now()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, RETRY_MAX_S)

    async def _read(self, plan: PollPlan, tries: int) -> bool | None:
        """Read a meter and commit the exchanges; did it answer? None when the line was lost.

        A fault of ours while reading one meter counts as its silence: the others have their turn.
        """
        drafts: list[Draft] = []
        version = self._node.config_version

        def keep(time: int, exchange: "Exchange") -> None:
            drafts.append(exchange_draft(time, self._bus, plan.slot, version, exchange))

        answered: bool | None = None
        try:
            answered = await self._line.read(plan, tries, keep)
        except LineError as error:
            await self.fault(str(error))
        except Exception as problem:
            log.exception("meter %s can't be read", plan.serial)
            await self._line.close()
            await self.fault(f"meter {plan.serial}: {type(problem).__name__}: {problem}")
            answered = False
        if drafts:
            await self._note(self._node.id, drafts)
        return answered

    def _count_miss(self, index: int, *, answered: bool) -> None:
        serial, misses = self._plans[index].serial, self._misses[index]
        if answered:
            if misses >= MISSES_DEAD:
                log.info("meter %s answers again", serial)
            self._misses[index] = 0
            return
        self._misses[index] = misses = misses + 1
        if misses == MISSES_DEAD:
            log.warning("meter %s has been silent for %d turns", serial, misses)
        if misses >= MISSES_DEAD:
            # 0, 1, 3, 7, 8, 8 ... turns left out.
            self._skips[index] = min(SKIPS_MAX, (1 << min(misses - MISSES_DEAD, 8)) - 1)
