"""Accumulated quantities as whole numbers: what the meters count and what the truth is."""

from __future__ import annotations

from array import array


class Ledger:
    """A total that never decreases, known at the ends of equal steps, linear inside them."""

    def __init__(self, start_ms: int, step_ms: int) -> None:
        """The total is 0 at `start_ms`."""
        self.start_ms = start_ms
        self.step_ms = step_ms
        self._totals = array("q", [0])

    @property
    def end_ms(self) -> int:
        """The instant up to which the total is known."""
        return self.start_ms + (len(self._totals) - 1) * self.step_ms

    def add(self, amount: int) -> None:
        """Count `amount` over the next step."""
        self._totals.append(self._totals[-1] + amount)

    def at(self, t_ms: int) -> int:
        """The total at `t_ms`, rounded down; ValueError outside the known span."""
        step, rest_ms = divmod(t_ms - self.start_ms, self.step_ms)
        if step < 0 or t_ms > self.end_ms:
            raise ValueError(f"{t_ms} ms is outside the simulated {self.start_ms}..{self.end_ms}")
        total = self._totals[step]
        if not rest_ms:
            return total
        return total + (self._totals[step + 1] - total) * rest_ms // self.step_ms

    def rate_per_hour(self, t_ms: int) -> int:
        """Amount an hour in the step that holds `t_ms`."""
        step = min((t_ms - self.start_ms) // self.step_ms, len(self._totals) - 2)
        if step < 0:
            return 0
        return (self._totals[step + 1] - self._totals[step]) * 3_600_000 // self.step_ms
