"""The registers of interest out of a meter's telegrams, and nothing else."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.plan import match, reading_at
from nuan_protocols.mbus.telegram import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.plan import Place, Plan
    from nuan_protocols.reading import Reading

_LAYOUTS_MAX = 256
_STATUS_AT = 16


class Picker:
    """Picks registers, each wanted as (quantity, storage, tariff, subunit, function).

    One Picker serves all meters of a model; the layouts it has seen are remembered.
    """

    def __init__(self, wanted: "Iterable[tuple[str, int, int, int, str]]") -> None:
        self._wanted = set(wanted)
        self._chosen: dict[Plan, list[Place]] = {}

    def pick(self, raw: "Buffer") -> "tuple[int, list[Reading]]":
        """(header's status byte, wanted readings in the telegram's order) of one answer.

        Status -1: the telegram has no header. Raises FrameError like telegram.decode.
        """
        raw = bytes(raw)
        plan = match(raw)
        if plan is None:
            telegram = decode(raw)
            status = telegram.header.status if telegram.header else -1
            found = [record.reading for record in telegram.records]
            return status, [reading for reading in found if self._is_wanted(reading)]
        places = self._chosen.get(plan)
        if places is None:
            places = self._choose(plan)
        return raw[_STATUS_AT], [reading_at(p, raw[p.data : p.end]) for p in places]

    def _choose(self, plan: "Plan") -> "list[Place]":
        if len(self._chosen) >= _LAYOUTS_MAX:
            self._chosen.clear()
        places = [place for place in plan.places if self._is_wanted(place.first.reading)]
        self._chosen[plan] = places
        return places

    def _is_wanted(self, reading: "Reading") -> bool:
        return (
            reading.quantity,
            reading.storage,
            reading.tariff,
            reading.subunit,
            reading.function,
        ) in self._wanted
