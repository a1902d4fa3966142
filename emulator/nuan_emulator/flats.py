"""The flats of the sample building: size, place, fabric, and how their people live."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

STEPS_PER_HOUR = 12
STEPS_PER_DAY = 288


@dataclass(frozen=True)
class Flat:
    """One flat as one thermal mass, with its habits."""

    unit: str
    area_m2: str
    """Chargeable area as it stands on the deed, a decimal."""
    floor: int
    column: int
    loss_w_per_k: float
    """Through walls, roof, floor and tightly shut windows."""
    day_c: float
    night_c: float
    away_c: float
    gains_w: float
    airing_steps: int
    """Steps of five minutes a day with open windows."""
    trips: int = 0
    """How often a season they go away for some days."""
    empty: bool = False

    @property
    def capacity_j_per_k(self) -> float:
        """Walls, floor, air and furniture: 165 kJ/K for each m2 (medium, EN ISO 13790)."""
        return 165_000 * float(self.area_m2)

    @property
    def radiator_w_per_k(self) -> float:
        """Radiators' heat for each kelvin of water over room, valves fully open."""
        return 1.9 * float(self.area_m2)


FLATS = (
    Flat("1-101", "89.37", 1, 1, 92.0, 21.0, 18.0, 16.0, 260, 4, trips=2),
    Flat("1-102", "90.12", 1, 2, 78.0, 22.0, 20.0, 16.0, 310, 6),
    Flat("1-103", "103.56", 1, 3, 104.0, 20.0, 17.0, 14.0, 280, 3, trips=3),
    Flat("1-201", "89.37", 2, 1, 74.0, 23.0, 22.0, 18.0, 330, 18),
    Flat("1-202", "90.12", 2, 2, 60.0, 21.0, 19.0, 16.0, 350, 4),
    Flat("1-203", "103.56", 2, 3, 84.0, 14.0, 14.0, 14.0, 60, 0, empty=True),
    Flat("1-301", "89.37", 3, 1, 74.0, 20.5, 18.0, 15.0, 240, 5, trips=4),
    Flat("1-302", "90.12", 3, 2, 60.0, 24.0, 23.0, 20.0, 300, 12),
    Flat("1-303", "103.56", 3, 3, 84.0, 21.5, 19.5, 16.0, 360, 4),
    Flat("1-401", "89.37", 4, 1, 98.0, 21.0, 18.5, 16.0, 290, 3, trips=1),
    Flat("1-402", "90.12", 4, 2, 84.0, 20.0, 20.0, 17.0, 220, 8),
    Flat("1-403", "103.56", 4, 3, 110.0, 22.0, 19.0, 15.0, 340, 5, trips=2),
)
"""Twelve flats on four floors; no two families live alike."""

WALL_W_PER_K = 18.0
SLAB_W_PER_K = 30.0


def neighbours(flats: tuple[Flat, ...]) -> list[list[tuple[int, float]]]:
    """For every flat: (index of a flat beside, above or below, conductance in W/K)."""
    found: list[list[tuple[int, float]]] = []
    for here in flats:
        row: list[tuple[int, float]] = []
        for index, there in enumerate(flats):
            if here.floor == there.floor and abs(here.column - there.column) == 1:
                row.append((index, WALL_W_PER_K))
            elif here.column == there.column and abs(here.floor - there.floor) == 1:
                row.append((index, SLAB_W_PER_K))
        found.append(row)
    return found


class Habits:
    """One flat's set-points and open windows, planned at the beginning of each civil day."""

    def __init__(self, flat: Flat, seed: int) -> None:
        """Every flat draws from its own generator."""
        self._flat = flat
        self._rng = Random(f"{seed}/flat/{flat.unit}")  # noqa: S311 - a simulation, not a secret
        self._away_days = 0
        self.set_point_c = [flat.away_c] * 24
        self.airing: frozenset[int] = frozenset()
        self.gains_w = [0.0] * 24

    def plan(self) -> None:
        """Draw the next civil day: a set-point and gains for each hour, steps with open windows."""
        flat, rng = self._flat, self._rng
        draw, length = rng.random(), rng.randint(2, 9)
        morning, evening = rng.randint(5, 7), rng.randint(21, 23)
        first_airing = rng.randint(7, 10) * STEPS_PER_HOUR
        busy = 0.7 + 0.6 * rng.random()
        if self._away_days:
            self._away_days -= 1
        elif draw < flat.trips / 151:
            self._away_days = length
        if self._away_days or flat.empty:
            self.set_point_c = [flat.away_c] * 24
            self.gains_w = [60.0] * 24
            self.airing = frozenset()
            return
        hours = range(24)
        self.set_point_c = [flat.day_c if morning <= h < evening else flat.night_c for h in hours]
        awake = 1.2 * busy * flat.gains_w
        self.gains_w = [awake if morning <= h < evening else 0.5 * flat.gains_w for h in hours]
        steps = max(0, flat.airing_steps + rng.randint(-1, 1)) if flat.airing_steps else 0
        self.airing = frozenset(range(first_airing, first_airing + steps))
