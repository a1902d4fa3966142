"""Which way to the gateway: the links in their order of preference, one at a time.

    come up -> up -> the gateway answers          at most start_s for the first arrow
         |       |__ it doesn't for 5 minutes ____ the next link; twice as long in every round
         |__ no address in time __________________ the next link, after the last one the first

On another link than the first, the better ones are looked at in turn, after half an hour and then
ever more rarely, up to every four hours. A look starts the better link beside the one in use; when
it has had an address for 5 minutes on end and everything was delivered, all links are stopped and
it is started alone. If the gateway doesn't answer there at the first try, the link before is taken
again. A better link that was lost within the hour doubles the pause, so nothing flaps.
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
_PATIENCE_S = const(300)
_PATIENCE_S_MAX = const(3600)
_STEADY_S = const(300)
_LOOK_S = const(1800)
_LOOK_S_MAX = const(14400)
_HELD_S = const(3600)
_OUTAGE_TOLD_S = const(3600)
_WHY_CHARACTERS_MAX = const(60)
_NONE = const(-1)


class Links:
    """The links; `note` is told, in a few words, when the way to the gateway has changed."""

    def __init__(
        self, links: "Sequence[Link]", clock: "Clock", note: "Callable[[str], None]"
    ) -> None:
        self._links = links
        self._clock = clock
        self._note = note
        self._at = 0
        self._told = 0
        self._before = _NONE  # the link in use before a better one is tried
        self._bad_s = _NONE  # since when the gateway has not answered
        self._tried_s = _NONE  # since when it has not over this link
        self._patience_s = _PATIENCE_S
        self._held_s = 0  # since when it has answered over this link
        self._pause_s = _LOOK_S
        self._look_s = 0  # when to look at a better link
        self._looked = _NONE  # the better link that is being looked at, and since when
        self._steady_s = _NONE
        self._next = 0
        self.why = ""

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return not self._links or self._links[self._at].is_up()

    async def bring_up(self) -> None:
        """Return when a link has an address. Raises OSError when none has after trying each."""
        if self._looked != _NONE:
            self._adopt_or_drop()
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
            except OSError as problem:
                reason = repr(problem)
            self._leave(reason)
        if self._links:
            raise OSError("no link: " + self.why)

    def reached(self) -> None:
        """The gateway has answered over the link in use."""
        now = self._clock.uptime()
        outage_s = now - self._bad_s if self._bad_s != _NONE else 0
        self._bad_s = self._tried_s = self._before = _NONE
        self._patience_s = _PATIENCE_S
        if self._links and (self._at != self._told or outage_s >= _OUTAGE_TOLD_S):
            kinds = self._links[self._told].kind, self._links[self._at].kind
            self._note("%s -> %s: %s; away %d s" % (kinds[0], kinds[1], self.why, outage_s))
            self._told = self._at
        if not self._held_s:
            self._held_s = now
            self._look_s = now + self._pause_s

    def failed(self, reason: str) -> None:
        """A connection over the link in use has failed or ended."""
        now = self._clock.uptime()
        if self._bad_s == _NONE:
            self._bad_s = now
            self.why = reason[:_WHY_CHARACTERS_MAX]
        if self._tried_s == _NONE:
            self._tried_s = now
        is_over = self._before != _NONE or now - self._tried_s >= self._patience_s
        if len(self._links) > 1 and is_over:
            self._leave(reason)

    def check(self, is_idle: bool) -> bool:
        """At every beat, while the gateway is reached: True when a better link has proved itself,
        everything is delivered, and the connection should be ended to change over."""
        now = self._clock.uptime()
        if self._links:
            self._links[self._at].step()
        if not self._at or now < self._look_s:
            return False
        if self._looked == _NONE:
            self._look()
            return False
        better = self._links[self._looked]
        if better.is_up():
            if self._steady_s == _NONE:
                self._steady_s = now
            return is_idle and now - self._steady_s >= _STEADY_S
        if self._steady_s != _NONE or now - self._look_s >= better.start_s + _STEADY_S:
            self._drop()
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
        """Go on to the next link, or back to the one before a better one was tried."""
        self.why = reason[:_WHY_CHARACTERS_MAX]
        now = self._clock.uptime()
        if len(self._links) > 1:
            self._links[self._at].stop()
            brief = self._held_s and now - self._held_s < _HELD_S
            if self._before != _NONE or brief:
                self._pause_s = min(2 * self._pause_s, _LOOK_S_MAX)
            elif self._held_s:
                self._pause_s = _LOOK_S
            if self._before == _NONE:
                self._at = (self._at + 1) % len(self._links)
                if not self._at:
                    # Over none of them: perhaps it's the gateway, and dialling costs money.
                    self._patience_s = min(2 * self._patience_s, _PATIENCE_S_MAX)
            else:
                self._at = self._before
            self._before = _NONE
        self._tried_s = _NONE
        self._held_s = 0

    def _look(self) -> None:
        self._looked = self._next % self._at
        self._next += 1
        self._steady_s = _NONE
        self._look_s = self._clock.uptime()
        link = self._links[self._looked]
        try:
            link.start()
        except OSError:
            self._drop()
        else:
            asyncio.create_task(self._step(link))  # noqa: RUF006

    async def _step(self, link: "Link") -> None:
        """Return when a link that was started is up, its time is over, or it was stopped."""
        for _ in range(link.start_s * 1000 // _STEP_MS):
            await asyncio.sleep_ms(_STEP_MS)
            if self._looked == _NONE and link is not self._links[self._at]:
                return
            link.step()
            if link.is_up():
                return

    def _drop(self) -> None:
        """The better link is no better yet."""
        self._links[self._looked].stop()
        self._looked = _NONE
        self._pause_s = min(2 * self._pause_s, _LOOK_S_MAX)
        self._look_s = self._clock.uptime() + self._pause_s

    def _adopt_or_drop(self) -> None:
        """A connection begins while a better link is up beside the one in use, or is coming up:
        only one may stay, or the chip sends over the wrong one."""
        better = self._looked
        if not self._links[better].is_up():
            self._drop()
            return
        self._looked = _NONE
        self._links[better].stop()
        self._links[self._at].stop()
        self._before, self._at = self._at, better
        self.why = "it works again"
        self._held_s = 0
