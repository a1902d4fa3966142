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

from nuan_firmware.links import NONE, Links

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nuan_firmware.clock import Clock
    from nuan_firmware.hal.links import Link

_PATIENCE_S = const(300)
_PATIENCE_S_MAX = const(3600)
_STEADY_S = const(300)
_LOOK_S = const(1800)
_LOOK_S_MAX = const(14400)
_HELD_S = const(3600)


class SeveralLinks(Links):
    """Two links or more, the preferred one first."""

    def __init__(
        self, links: "Sequence[Link]", clock: "Clock", note: "Callable[[str], None]"
    ) -> None:
        super().__init__(links, clock, note)
        self._before = NONE  # the link in use before a better one is tried
        self._tried_s = NONE  # since when the gateway has not answered over this link
        self._patience_s = _PATIENCE_S
        self._pause_s = _LOOK_S
        self._look_s = 0  # when to look at a better link
        self._looked = NONE  # the better link that is being looked at
        self._steady_s = NONE  # since when it has had an address
        self._next = 0

    async def bring_up(self) -> None:
        """As of one link; each is tried in its turn."""
        if self._looked != NONE:
            self._adopt_or_drop()
        await super().bring_up()

    def reached(self) -> None:
        """The gateway has answered over the link in use."""
        self._tried_s = self._before = NONE
        self._patience_s = _PATIENCE_S
        if not self._held_s:
            self._look_s = self._clock.uptime() + self._pause_s
        super().reached()

    def failed(self, reason: str) -> None:
        """A connection over the link in use has failed or ended."""
        super().failed(reason)
        now = self._clock.uptime()
        if self._tried_s == NONE:
            self._tried_s = now
        if self._before != NONE or now - self._tried_s >= self._patience_s:
            self._leave(reason)

    def check(self, is_idle: bool) -> bool:
        """As of one link."""
        super().check(is_idle)
        now = self._clock.uptime()
        if not self._at or now < self._look_s:
            return False
        if self._looked == NONE:
            self._look()
            return False
        better = self._links[self._looked]
        if better.is_up():
            if self._steady_s == NONE:
                self._steady_s = now
            return is_idle and now - self._steady_s >= _STEADY_S
        if self._steady_s != NONE or now - self._look_s >= better.start_s + _STEADY_S:
            self._drop()
        return False

    def _leave(self, reason: str) -> None:
        """Go on to the next link, or back to the one before a better one was tried."""
        self._links[self._at].stop()
        brief = self._held_s and self._clock.uptime() - self._held_s < _HELD_S
        if self._before != NONE or brief:
            self._pause_s = min(2 * self._pause_s, _LOOK_S_MAX)
        elif self._held_s:
            self._pause_s = _LOOK_S
        if self._before == NONE:
            self._at = (self._at + 1) % len(self._links)
            if not self._at:
                # Over none of them: perhaps it's the gateway, and dialling costs money.
                self._patience_s = min(2 * self._patience_s, _PATIENCE_S_MAX)
        else:
            self._at = self._before
        self._tried_s = self._before = NONE
        super()._leave(reason)

    def _may_rise(self, link: "Link") -> bool:
        return self._looked != NONE or super()._may_rise(link)

    def _look(self) -> None:
        self._looked = self._next % self._at
        self._next += 1
        self._steady_s = NONE
        self._look_s = self._clock.uptime()
        link = self._links[self._looked]
        try:
            link.start()
        except Exception:
            self._drop()
        else:
            asyncio.create_task(self._step(link))  # noqa: RUF006

    def _drop(self) -> None:
        """The better link is no better yet."""
        self._links[self._looked].stop()
        self._looked = NONE
        self._pause_s = min(2 * self._pause_s, _LOOK_S_MAX)
        self._look_s = self._clock.uptime() + self._pause_s

    def _adopt_or_drop(self) -> None:
        """A connection begins while a better link is up beside the one in use, or is coming up:
        only one may stay, or the chip sends over the wrong one."""
        better = self._looked
        if not self._links[better].is_up():
            self._drop()
            return
        self._looked = NONE
        self._links[better].stop()
        self._links[self._at].stop()
        self._before, self._at = self._at, better
        self.why = "it works again"
        self._held_s = 0
