"""The registers of interest out of a meter's telegrams, and nothing else."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.plan import match
from nuan_protocols.mbus.telegram import decode, find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.plan import Place, Plan
    from nuan_protocols.reading import Reading

_LAYOUTS_MAX = 256


class Picker:
    """Picks registers, each wanted as (quantity, storage, tariff, subunit, function).

    One Picker serves all meters of a model; layouts it has seen are remembered.
    """

    def __init__(self, wanted: "Iterable[tuple[str, int, int, int, str]]") -> None:
        self._wanted = tuple(wanted)
        self._chosen: dict[Plan, list[Place]] = {}

    def readings(self, raw: "Buffer") -> "list[Reading]":
        """The wanted registers of one telegram, in the order wanted; absent ones are left out.

        Of several equal registers the first counts. Raises FrameError like telegram.decode.
        """
        plan = match(raw)
        if plan is None:
            telegram = decode(raw)
            found = [find(telegram, *wanted) for wanted in self._wanted]
            return [reading for reading in found if reading is not None]
        places = self._chosen.get(plan)
        if places is None:
            places = self._choose(plan)
        result: list[Reading] = []
        for place in places:
            field = place.field
            if field is None:
                result.append(place.first.reading)
            else:
                result.append(field.reading(raw[place.data : place.end]))
        return result

    def _choose(self, plan: "Plan") -> "list[Place]":
        places: list[Place] = []
        for wanted in self._wanted:
            for place in plan.places:
                reading = place.first.reading
                if (
                    reading.quantity,
                    reading.storage,
                    reading.tariff,
                    reading.subunit,
                    reading.function,
                ) == wanted:
                    places.append(place)
                    break
        if len(self._chosen) == _LAYOUTS_MAX:
            self._chosen.clear()
        self._chosen[plan] = places
        return places
