"""Which numbers of one journal are accounted for, and whether a batch fits what is known.

    1 ......... cumulative    gap    [ahead]   gap   [ahead]

Batches come in any order, again and overlapping. A number is accounted for when its entry is
committed or a tombstone names it. Chain values are known at the ends of each run of such numbers;
a batch must agree with every one of them that it touches, or it is refused as a whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nuan_gateway.store.journals import Run, StoredJournal
from nuan_protocols.uplink.ack import GAPS_MAX

AHEAD_RUNS_MAX = 512


@dataclass(frozen=True, slots=True)
class Claim:
    """What a batch or a tombstone says: a run, and the chain value after each of its numbers.

    A tombstone leaves `chain` empty. For dropped entries only the last value is known; for numbers
    that were reserved and never written the value before them holds through to the last.
    """

    run: Run
    chain: Sequence[bytes] = ()

    def value_at(self, number: int) -> bytes | None:
        """The chain value after `number`; None where the claim doesn't tell."""
        if number == self.run.last:
            return self.run.after
        if number == self.run.first - 1:
            return self.run.before
        if not self.run.first <= number < self.run.last:
            return None
        if self.chain:
            return self.chain[number - self.run.first]
        return self.run.after if self.run.after == self.run.before else None


class Progress:
    """One journal's numbers; starts with none accounted for, at the genesis chain value."""

    __slots__ = ("ahead", "chain", "cumulative")

    def __init__(self, chain: bytes, cumulative: int = 0, ahead: Sequence[Run] = ()) -> None:
        self.cumulative = cumulative
        self.chain = chain
        self.ahead = list(ahead)

    def copy(self) -> "Progress":
        """An independent copy, to be thrown away if the transaction fails."""
        return Progress(self.chain, self.cumulative, self.ahead)

    def stored(self) -> StoredJournal:
        """The form that the database keeps."""
        return StoredJournal(self.cumulative, self.chain, tuple(self.ahead))

    @property
    def highest(self) -> int:
        """The highest number accounted for."""
        return self.ahead[-1].last if self.ahead else self.cumulative

    def touches(self, first: int, last: int) -> bool:
        """Whether any of first..last is accounted for already."""
        return first <= self.cumulative or any(
            run.first <= last and first <= run.last for run in self.ahead
        )

    def gaps(self, limit: int = GAPS_MAX) -> tuple[tuple[int, int], ...]:
        """The lowest missing ranges below `highest`."""
        found: list[tuple[int, int]] = []
        behind = self.cumulative
        for run in self.ahead[:limit]:
            found.append((behind + 1, run.first - 1))
            behind = run.last
        return tuple(found)

    def contradiction(self, claim: Claim) -> int | None:
        """The first number whose known chain value the claim contradicts; None if it fits."""
        for number, known in self._known():
            said = claim.value_at(number)
            if said is not None and said != known:
                return number
        return None

    def add(self, run: Run) -> None:
        """Account for a run that contradicts nothing."""
        if run.last <= self.cumulative:
            return
        if not self.ahead and run.first <= self.cumulative + 1:
            self.cumulative, self.chain = run.last, run.after
            return
        merged = [Run(1, self.cumulative, None, self.chain)]
        for piece in sorted([*self.ahead, run], key=lambda piece: (piece.first, piece.last)):
            base = merged[-1]
            if piece.first > base.last + 1:
                merged.append(piece)
            elif piece.last > base.last:
                merged[-1] = Run(base.first, piece.last, base.before, piece.after)
        self.cumulative, self.chain = merged[0].last, merged[0].after
        self.ahead = merged[1:]

    def _known(self) -> Iterator[tuple[int, bytes]]:
        yield self.cumulative, self.chain
        for run in self.ahead:
            if run.before is not None:
                yield run.first - 1, run.before
            yield run.last, run.after
