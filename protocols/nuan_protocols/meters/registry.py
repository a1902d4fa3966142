"""All meter models by name, and the readings an exchange with one of them holds.

To add a model, write its file beside this one and name it in _MODELS.
"""

from typing import TYPE_CHECKING

from nuan_protocols.meters import dtsu666, mbus_gas, mbus_heat, room_rs485
from nuan_protocols.meters.mbus_readings import mbus_readings
from nuan_protocols.meters.modbus_readings import modbus_readings

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.reading import Reading

_MODELS = (dtsu666, mbus_gas, mbus_heat, room_rs485)
_PROFILES: "dict[str, Profile]" = {module.PROFILE.name: module.PROFILE for module in _MODELS}


class UnknownModelError(LookupError):
    """A meter model that has no file here."""


def models() -> tuple[str, ...]:
    """The names of all models, in alphabetical order."""
    return tuple(sorted(_PROFILES))


def profile(model: str) -> "Profile":
    """The profile of a model. Raises UnknownModelError, which lists the known ones."""
    found = _PROFILES.get(model)
    if found is None:
        known = ", ".join(models())
        raise UnknownModelError(f"meter model {model!r} is unknown; known are {known}")
    return found


def readings(meter: "Profile", question: bytes, answer: bytes) -> "list[Reading]":
    """Readings of the meter's registers of interest, in the answer's order.

    Empty when the answer is empty or only acknowledges. Raises FrameError when the answer is no
    whole, sound answer to the question.
    """
    if not answer:
        return []
    if meter.protocol == "mbus":
        return mbus_readings(meter, question, answer)
    return modbus_readings(meter, question, answer)
