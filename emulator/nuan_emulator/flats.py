"""The flats of the sample building: size, place, fabric, and how their people live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from random import Random

STEPS_PER_HOUR = 12
STEPS_PER_DAY = 288


@dataclass(frozen=True)
class Life:
    """How a family lives."""

    day_c: float
    night_c: float
    away_c: float
    gains_w: float
    airing_steps: int
    """Steps of five minutes a day with open windows."""
    trips: int = 0
    """How often a season they go away for some days."""
    empty: bool = False


@dataclass(frozen=True, kw_only=True)
class Flat(Life):
    """One flat as one thermal mass, with its family's habits."""

    unit: str
    area_m2: str
    """Chargeable area as it stands on the deed, a decimal."""
    floor: int
    column: int
    loss_w_per_k: float
    """Through walls, roof, floor and tightly shut windows."""

    @property
    def capacity_j_per_k(self) -> float:
        """Walls, floor, air and furniture: 165 kJ/K for each m2 (medium, EN ISO 13790)."""
        return 165_000 * float(self.area_m2)

    @property
    def radiator_w_per_k(self) -> float:
        """Radiators' heat for each kelvin of water over room, valves fully open."""
        return 1.9 * float(self.area_m2)


# The flats take these in turn.
_LIVES = (
    Life(21.0, 18.0, 16.0, 260, 4, trips=2),
    Life(22.0, 20.0, 16.0, 310, 6),
    Life(20.0, 17.0, 14.0, 280, 3, trips=3),
    Life(23.0, 22.0, 18.0, 330, 18),
    Life(21.0, 19.0, 16.0, 350, 4),
    Life(14.0, 14.0, 14.0, 60, 0, empty=True),
    Life(20.5, 18.0, 15.0, 240, 5, trips=4),
    Life(24.0, 23.0, 20.0, 300, 12),
    Life(21.5, 19.5, 16.0, 360, 4),
    Life(21.0, 18.5, 16.0, 290, 3, trips=1),
    Life(20.0, 20.0, 17.0, 220, 8),
    Life(22.0, 19.0, 15.0, 340, 5, trips=2),
)

BASE_W_PER_M2_K = 0.84
"""Of a flat amid others: outer wall with windows, and air that leaks in."""
GABLE_W_PER_M2_K = 0.16
GROUND_W_PER_M2_K = 0.17
ROOF_W_PER_M2_K = 0.24


def flats_of(units: Sequence[tuple[str, str]], columns: int = 4) -> tuple[Flat, ...]:
    """Flats for (unit, area in m2) pairs, given floor by floor, `columns` on a floor.

    ValueError when an area is no positive decimal number.
    """
    floors = -(-len(units) // columns)
    flats: list[Flat] = []
    for index, (unit, area_m2) in enumerate(units):
        try:
            area = float(area_m2)
        except ValueError:
            area = 0.0
        if not area > 0:
            raise ValueError(f"flat {unit}: area {area_m2!r} is no positive number of m2")
        floor, column = index // columns + 1, index % columns + 1
        loss = BASE_W_PER_M2_K
        loss += GABLE_W_PER_M2_K if column in (1, columns) else 0.0
        loss += GROUND_W_PER_M2_K if floor == 1 else 0.0
        loss += ROOF_W_PER_M2_K if floor == floors else 0.0
        life = _LIVES[index % len(_LIVES)]
        flats.append(
            Flat(
                *astuple(life),
                unit=unit,
                area_m2=area_m2,
                floor=floor,
                column=column,
                loss_w_per_k=loss * area,
            )
        )
    return tuple(flats)


SAMPLE_UNITS = (
    ("1-101", "89.37"),
    ("1-102", "76.20"),
    ("1-103", "103.56"),
    ("1-104", "89.37"),
    ("1-201", "76.20"),
    ("1-202", "103.56"),
    ("1-203", "89.37"),
    ("1-204", "76.20"),
    ("1-301", "103.56"),
    ("1-302", "92.10"),
    ("1-303", "78.45"),
    ("1-304", "105.80"),
)
"""Three floors of four flats; no two families live alike."""

FLATS = flats_of(SAMPLE_UNITS)

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
