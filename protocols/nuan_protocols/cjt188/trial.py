"""A meter's dialect on trial: answer after answer, until one dialect has proved itself.

    trial = Trial(stored)                 # {} for a new meter, else what `state` gave
    trial.feed(answer)
    trial.verdicts()[0], trial.state()    # the most credible dialect; what to store (JSON)

What one answer can't show, several can: a meter whose power can't be read proves itself by the heat
it counts for the volume, a water meter by counting on in small steps, and the first energy of a
heat meter by how it moves. A confirmed dialect stays so until three answers in a row contradict it.
For the gateway and the tools: a node only polls, and has no heap for it.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188 import physics, probe
from nuan_protocols.cjt188.dialects import ALL, Dialect
from nuan_protocols.cjt188.layouts import CURRENT, CURRENT_BOTH
from nuan_protocols.cjt188.probe import CONFIRMED, CONTRADICTED, UNCONFIRMED, Verdict
from nuan_protocols.cjt188.telegram import Telegram, decode, find
from nuan_protocols.errors import ProtocolError

if TYPE_CHECKING:
    from typing import TypedDict

    class State(TypedDict, total=False):
        """What a trial remembers, as JSON takes it.

        answers    how many were fed
        base       the answer that growth is measured from, in hexadecimal
        last       the latest one
        first      what the first energy counts: "settlement", "cooling" or "" so far
        moves      answers by which it has moved on as a counter does
        proved     name of each dialect that was once confirmed -> why
        grown      name -> how its registers have grown as they should
        against    name -> answers in a row that contradicted it
        growths    name -> small steps a water or gas meter has counted on by
        """

        answers: int
        base: str
        last: str
        first: str
        moves: int
        grown: "dict[str, str]"
        proved: "dict[str, str]"
        against: "dict[str, int]"
        growths: "dict[str, int]"


AGAINST_MAX = 3
GROWTHS_MIN = 3
# A settlement day comes once a month: an energy that moves more often is a counter.
MOVES_MIN = 3
# A register read in the wrong byte order moves by 100 m3 or more when its last digits move.
_GROWTH_MAX_M3 = 100
_MICRO = 10**6


class Trial:
    """Carries one meter's evidence.

    `stored` is a former trial's `state()`; `named` the dialect of the meter's model if one is
    known, whose word counts where the answers leave open what the first energy counts.
    """

    def __init__(
        self,
        stored: "State | None" = None,
        dialects: "tuple[Dialect, ...]" = ALL,
        named: str = "",
    ) -> None:
        kept: State = stored or {}
        self._dialects = dialects
        self._named = named
        self._answers = kept.get("answers", 0)
        self._base = kept.get("base", "")
        self._last = kept.get("last", "")
        self._first = kept.get("first", "")
        self._moves = kept.get("moves", 0)
        self._grown = dict(kept.get("grown", {}))
        self._proved = dict(kept.get("proved", {}))
        self._against = dict(kept.get("against", {}))
        self._growths = dict(kept.get("growths", {}))

    def state(self) -> "State":
        """Everything to store between answers."""
        return {
            "answers": self._answers,
            "base": self._base,
            "last": self._last,
            "first": self._first,
            "moves": self._moves,
            "grown": self._grown,
            "proved": self._proved,
            "against": self._against,
            "growths": self._growths,
        }

    def feed(self, answer: bytes) -> None:
        """Take in an answer for 901F; anything else changes nothing. Never raises."""
        if not any(self._is_current(answer, each) for each in self._dialects):
            return
        self._answers += 1
        if self._first != probe.COOLING_FIRST:
            self._watch_first(answer)
        grown = [self._grow(answer, dialect) for dialect in self._dialects]
        for verdict in self._ranked(answer):
            self._weigh(verdict)
        self._last = answer.hex()
        if not self._base or True in grown:
            self._base = self._last

    def verdicts(self) -> "list[Verdict]":
        """All dialects on everything fed so far, the most credible first."""
        if not self._last:
            return [Verdict(each.name, UNCONFIRMED, "no answer yet") for each in self._dialects]
        latest = self._ranked(bytes.fromhex(self._last))
        return probe.in_order(probe.alone([self._verdict(each) for each in latest]))

    def _ranked(self, answer: bytes) -> "list[Verdict]":
        return probe.rank(answer, self._dialects, self._first, self._grown, self._named)

    def _weigh(self, verdict: Verdict) -> None:
        name = verdict.dialect
        if verdict.state == CONTRADICTED:
            self._against[name] = self._against.get(name, 0) + 1
            if self._against[name] >= AGAINST_MAX:
                self._proved.pop(name, None)
                self._grown.pop(name, None)
                self._growths.pop(name, None)
            return
        self._against[name] = 0
        if verdict.state == CONFIRMED:
            self._proved[name] = verdict.reason

    def _verdict(self, latest: Verdict) -> Verdict:
        name = latest.dialect
        proof = self._proved.get(name)
        if proof is None:
            return latest
        if self._denied(name):
            reason = f"{latest.reason}; its first energy has since shown another meaning"
            return Verdict(name, UNCONFIRMED, reason)
        return Verdict(name, CONFIRMED, proof)

    def _denied(self, name: str) -> bool:
        """Whether the first energy has moved as this dialect says it doesn't."""
        if not self._first:
            return False
        for dialect in self._dialects:
            if dialect.name == name:
                mine = probe.COOLING_FIRST if dialect.cooling_first else probe.SETTLEMENT_FIRST
                return mine != self._first
        return False

    def _watch_first(self, answer: bytes) -> None:
        """What the first energy's move since the last answer shows.

        A settlement value jumps to where the current one has been in between; a counter moves on
        by itself, again and again, and may meet the other one by chance.
        """
        for dialect in self._dialects:
            before, after = self._both(self._last, answer, dialect)
            if self._against.get(dialect.name, 0) or before is None or after is None:
                continue
            if not probe.has_rival(dialect, self._dialects) or after.di != CURRENT:
                continue
            one, heat = probe.first_two(before)
            other, later = probe.first_two(after)
            was, least, now, most = [physics.watt_hours(each) for each in (one, heat, other, later)]
            if was is None or least is None or now is None or most is None or now <= was:
                continue
            if least < most and least <= now <= most:
                self._first = probe.SETTLEMENT_FIRST
            else:
                self._moves += 1
                if self._moves >= MOVES_MIN:
                    self._first = probe.COOLING_FIRST
            return

    def _grow(self, answer: bytes, dialect: Dialect) -> bool:
        """Whether the growth since the base answer says something, which is then remembered."""
        name = dialect.name
        before, after = self._both(self._base, answer, dialect)
        if before is None or after is None or self._against.get(name, 0):
            return False
        if find(after, "energy") is None:
            return self._count_on(before, after, name)
        growth = physics.growth_check(before, after)
        if growth.state == physics.FITS:
            self._grown[name] = growth.reason
        elif growth.state == physics.CONTRADICTS:
            self._grown.pop(name, None)
        return growth.state != physics.OPEN

    def _count_on(self, before: Telegram, after: Telegram, name: str) -> bool:
        """A water or gas meter that counts on in small steps is read in the right byte order."""
        one = physics.scaled(find(before, "volume"), -6)
        other = physics.scaled(find(after, "volume"), -6)
        if one is None or other is None or one == other:
            return False
        if not 0 < other - one < _GROWTH_MAX_M3 * _MICRO:
            self._growths[name] = 0
            self._grown.pop(name, None)
            return True
        steps = self._growths[name] = self._growths.get(name, 0) + 1
        if steps >= GROWTHS_MIN:
            self._grown[name] = f"its volume counted on {steps} times by less than 100 m3"
        return True

    def _is_current(self, answer: bytes, dialect: Dialect) -> bool:
        try:
            return decode(answer, dialect).di in (CURRENT, CURRENT_BOTH)
        except ProtocolError:
            return False

    def _both(
        self, before: str, answer: bytes, dialect: Dialect
    ) -> "tuple[Telegram | None, Telegram | None]":
        """Two answers in one dialect; None for what can't be read in it."""
        if not before:
            return None, None
        try:
            return decode(bytes.fromhex(before), dialect), decode(answer, dialect)
        except ProtocolError:
            return None, None
