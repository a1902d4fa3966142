"""The building's heat balance: flats plus loss equal the building meter, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from nuan_gateway.billing.consumption import Heat, kwh_text


@dataclass(frozen=True)
class Balance:
    """Joules through the building meter, through the flats' meters, and the difference."""

    building_j: Fraction
    flats_j: Fraction

    @property
    def loss_j(self) -> Fraction:
        """What the building meter saw and no flat's meter did; negative if meters disagree."""
        return self.building_j - self.flats_j

    @property
    def building_kwh(self) -> str:
        """The building meter's heat, decimal text."""
        return kwh_text(self.building_j)

    @property
    def loss_kwh(self) -> str:
        """The loss, decimal text."""
        return kwh_text(self.loss_j)


def balance(building: Heat, flats: Iterable[Heat]) -> Balance:
    """Return the balance of one building over one season."""
    return Balance(building.joules, sum((heat.joules for heat in flats), Fraction(0)))
