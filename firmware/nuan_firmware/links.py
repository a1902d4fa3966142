"""The way to the gateway over at most one link; several_links.py has more of them.

    come up -> up -> the gateway answers

Without any link the network is somebody else's to bring up, as on a PC.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from nuan_firmware.clock import Clock
    from nuan_firmware.hal.links import Link

_STEP_MS = const(500)
_OUTAGE_TOLD_S = const(3600)
_WHY_CHARACTERS_MAX = const(60)
NONE = const(-1)


class Links:
    """One link or none; `note` is told, in a few words, what has changed on the way."""

    def __init__(
        self, links: "Sequence[Link]", clock: "Clock", note: "Callable[[str], None]"
    ) -> None:
        self._links = links
        self._clock = clock
        self._note = note
        self._at = self._told = 0
        self._bad_s = NONE  # since when the gateway has not answered
        self._held_s = 0  # since when it has answered over this link
        self.why = ""

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return not self._links or self._links[self._at].is_up()

    async def bring_up(self) -> None:
        """Return when a link has an address. Raises OSError when none has after trying each."""
        for _ in self._links:
            link = self._links[self._at]
            if link.is_up():
                return
            try:
                link.start()
                await self._step(link)
                if link.is_up():
                    return
                reason = link.why()
            except Exception as problem:
                # Drivers know more errors than OSError; the next link is to be tried after any.
                reason = repr(problem)
            self._leave(reason)
        if self._links:
            raise OSError("no link: " + self.why)

    def reached(self) -> None:
        """The gateway has answered over the link in use."""
        now = self._clock.uptime()
        outage_s = now - self._bad_s if self._bad_s != NONE else 0
        self._bad_s = NONE
        if self._links and (self._at != self._told or outage_s >= _OUTAGE_TOLD_S):
            kinds = self._links[self._told].kind, self._links[self._at].kind
            self._note("%s -> %s: %s; away %d s" % (kinds[0], kinds[1], self.why, outage_s))
            self._told = self._at
        self._held_s = self._held_s or now

    def failed(self, reason: str) -> None:
        """A connection over the link in use has failed or ended."""
        if self._bad_s == NONE:
            self._bad_s = self._clock.uptime()
            self.why = reason[:_WHY_CHARACTERS_MAX]

    def check(self, is_idle: bool) -> bool:  # noqa: ARG002
        """At every beat, while the gateway is reached: True when a better link has proved itself,
        everything is delivered, and the connection should be ended to change over."""
        if self._links:
            self._links[self._at].step()
        return False

    def describe(self) -> "dict[str, Any]":
        """The state in plain values: the link in use, all links, why the last one was left."""
        return {
            "link": self._links[self._at].kind if self._links else "",
            "up": self.is_up(),
            "order": [link.kind for link in self._links],
            "why": self.why,
            "held_s": self._clock.uptime() - self._held_s if self._held_s else 0,
        }

    def _leave(self, reason: str) -> None:
        """The link has not come up, or leads nowhere."""
        self.why = reason[:_WHY_CHARACTERS_MAX]
        self._held_s = 0

    async def _step(self, link: "Link") -> None:
        """Return when a link that was started is up, its time is over, or it was dropped."""
        for _ in range(link.start_s * 1000 // _STEP_MS):
            await asyncio.sleep_ms(_STEP_MS)
            if not self._may_rise(link):
                return
            link.step()
            if link.is_up():
                return

    def _may_rise(self, link: "Link") -> bool:
        return link is self._links[self._at]
