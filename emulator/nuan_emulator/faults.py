"""What goes wrong on a real line, drawn from a seed: the same seed gives the same faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

NOISE_BYTES_MAX = 6
SPLIT_BURSTS_MAX = 5
SPLIT_PAUSE_US_MAX = 30_000
LATE_US_MIN = 100_000
LATE_US_MAX = 3_000_000
SPIKES = (
    (b"\x00", b""),
    (b"\xff", b""),
    (b"", b"\x00"),
    (b"", b"\xff"),
    (b"\xff", b"\x00"),
    (b"\x00", b"\xff"),
)
"""What a line's turnaround puts before and behind an answer."""


class DeadSpan(NamedTuple):
    """A device, by its place on the line, that is silent in [start_ms, end_ms)."""

    device: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class FaultRates:
    """How often each fault meets an answer, as a probability from 0 to 1."""

    silence: float = 0.0
    """The request is lost: no answer at all."""
    noise_before: float = 0.0
    noise_after: float = 0.0
    cut: float = 0.0
    """The answer ends too early."""
    split: float = 0.0
    """The answer comes in several bursts with pauses between."""
    late: float = 0.0
    """The answer begins after the standard's window."""
    flip: float = 0.0
    """One bit of one byte is wrong."""
    stale: float = 0.0
    """An earlier answer of another device comes first, as buffering converters send it."""
    stranger: float = 0.0
    """Another device's earlier answer comes instead: whole and sound, with the wrong address."""
    checksum: float = 0.0
    """The checksum is wrong, and everything else right."""
    parity: float = 0.0
    """A character's parity is wrong: the UART's driver drops it, or delivers 00 in its place."""
    spike: float = 0.0
    """The drivers' turnaround is seen as 00 or FF, before the answer, behind it, or both."""
    echo: bool = False
    """The converter returns the master's own bytes, always."""
    dead: tuple[DeadSpan, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in PURPOSES:
            rate = getattr(self, name)
            if not 0 <= rate <= 1:
                raise ValueError(f"fault rate {name} = {rate} is outside 0..1")


PURPOSES = (
    "silence",
    "noise_before",
    "noise_after",
    "cut",
    "split",
    "late",
    "flip",
    "stale",
    "stranger",
    "checksum",
    "parity",
    "spike",
)


class Burst(NamedTuple):
    """Bytes without a pause inside, and the pause before them."""

    pause_us: int
    data: bytes


class LineFaults:
    """Draws one line's faults; every purpose has its own generator, so none shifts another."""

    def __init__(self, rates: FaultRates, seed: int, line: str = "line") -> None:
        """`line` keeps the faults of two lines with one seed apart."""
        self.rates = rates
        self.counts: dict[str, int] = dict.fromkeys(PURPOSES, 0)
        self._clean = not any(getattr(rates, name) for name in PURPOSES)
        self._rng = {name: Random(f"{seed}/{line}/{name}") for name in PURPOSES}  # noqa: S311

    @classmethod
    def none(cls) -> LineFaults:
        """A line on which nothing goes wrong."""
        return cls(FaultRates(), seed=0)

    def dead(self, device: int, now_ms: int) -> bool:
        """Whether the device at that place on the line is silent for a while."""
        return bool(self.rates.dead) and any(
            span.device == device and span.start_ms <= now_ms < span.end_ms
            for span in self.rates.dead
        )

    def request_lost(self) -> bool:
        """Whether this exchange's request reaches nobody."""
        return self._hit("silence")

    def disturb(self, answer: bytes, others: Sequence[bytes]) -> list[Burst]:
        """What becomes of an answer: bursts in the order they arrive; `others`: stale frames."""
        if self._clean:
            return [Burst(0, answer)]
        pause_us = self._rng["late"].randint(LATE_US_MIN, LATE_US_MAX) if self._hit("late") else 0
        answer = self._around(self._spoilt(answer, others), others)
        if not answer:
            return []
        if len(answer) > 1 and self._hit("split"):
            return self._split(answer, pause_us)
        return [Burst(pause_us, answer)]

    def _spoilt(self, answer: bytes, others: Sequence[bytes]) -> bytes:
        """What is wrong with the answer itself."""
        if self._hit("stranger") and others:
            answer = self._rng["stranger"].choice(others)
        if self._hit("checksum"):
            answer = self._wrong_checksum(answer)
        if self._hit("cut"):
            answer = answer[: self._rng["cut"].randrange(len(answer))]
        if answer and self._hit("flip"):
            answer = self._flipped(answer)
        if answer and self._hit("parity"):
            answer = self._parity_error(answer)
        return answer

    def _around(self, answer: bytes, others: Sequence[bytes]) -> bytes:
        """What stands before and behind it."""
        if self._hit("stale") and others:
            answer = self._rng["stale"].choice(others) + answer
        if self._hit("noise_before"):
            answer = self._noise("noise_before") + answer
        if self._hit("noise_after"):
            answer += self._noise("noise_after")
        if self._hit("spike"):
            before, after = self._rng["spike"].choice(SPIKES)
            answer = before + answer + after
        return answer

    def _hit(self, purpose: str) -> bool:
        rate: float = getattr(self.rates, purpose)
        if rate == 0 or self._rng[purpose].random() >= rate:
            return False
        self.counts[purpose] += 1
        return True

    def _noise(self, purpose: str) -> bytes:
        rng = self._rng[purpose]
        return rng.randbytes(rng.randint(1, NOISE_BYTES_MAX))

    def _flipped(self, answer: bytes) -> bytes:
        position = self._rng["flip"].randrange(len(answer))
        bit = 1 << self._rng["flip"].randrange(8)
        return answer[:position] + bytes([answer[position] ^ bit]) + answer[position + 1 :]

    def _wrong_checksum(self, answer: bytes) -> bytes:
        """The last byte but one belongs to the check in all four protocols' frames."""
        position = max(0, len(answer) - 2)
        wrong = answer[position] ^ self._rng["checksum"].randint(1, 255)
        return answer[:position] + bytes([wrong]) + answer[position + 1 :]

    def _parity_error(self, answer: bytes) -> bytes:
        position = self._rng["parity"].randrange(len(answer))
        seen = self._rng["parity"].choice((b"", b"\x00"))
        return answer[:position] + seen + answer[position + 1 :]

    def _split(self, answer: bytes, pause_us: int) -> list[Burst]:
        rng = self._rng["split"]
        count = rng.randint(2, min(SPLIT_BURSTS_MAX, len(answer)))
        ends = [*sorted(rng.sample(range(1, len(answer)), count - 1)), len(answer)]
        bursts: list[Burst] = []
        start = 0
        for end in ends:
            bursts.append(Burst(pause_us, answer[start:end]))
            start, pause_us = end, rng.randint(1, SPLIT_PAUSE_US_MAX)
        return bursts
