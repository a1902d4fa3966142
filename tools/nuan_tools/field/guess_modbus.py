"""Which model a Modbus device may be: whose registers all answer, with values that can be true.

Registers bear no names, so values must speak: words read in the wrong order or at the wrong place
make voltages of 10^30 or temperatures of -3000. A model fits when nothing it reads is impossible
and enough of it is telling: a mains voltage, 50 Hz, a water temperature, a setting as it must be.
"""

from dataclasses import dataclass

from nuan_protocols.errors import ProtocolError
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.meters.status import settings_in
from nuan_protocols.modbus.exchange import exception_in, parse_question
from nuan_protocols.modbus.identification import ENCAPSULATED, identification
from nuan_protocols.quantity import base
from nuan_protocols.reading import Reading
from nuan_tools.field.heard import Heard

# Quantity -> (least, most) of what can be, in its base unit.
_POSSIBLE = {
    "voltage": (0, 1_000),
    "current": (-10_000, 10_000),
    "frequency": (0, 20_000),
    "power_factor": (-1, 1),
    "relative_humidity": (0, 100),
    "pressure": (0, 400),
    "flow_temperature": (-50, 200),
    "return_temperature": (-50, 200),
    "room_temperature": (-50, 80),
    "volume_flow": (-100_000, 100_000),
    "power": (-(10**9), 10**14),
    "power_reactive": (-(10**9), 10**9),
    "power_apparent": (-(10**9), 10**9),
    "energy": (0, 10**17),
    "volume": (0, 10**10),
}
# Within these a value speaks for the model; 0 never does.
_TELLING = {
    "voltage": (80, 480),
    "frequency": (45, 65),
    "relative_humidity": (5, 100),
    "pressure": (0, 100),
    "flow_temperature": (2, 180),
    "return_temperature": (2, 180),
    "room_temperature": (2, 45),
}
_TELLING_MIN = 2


@dataclass(frozen=True)
class Guess:
    """A model that fits: `named` by the device itself, and how many values speak for it."""

    model: str
    named: bool
    telling: int


def identity(heard: Heard) -> list[str]:
    """What the device says of itself: maker, product, revision and so on."""
    texts: list[str] = []
    for question, answer in heard.exchanges:
        asked = parse_question(question)
        if asked.function == ENCAPSULATED and exception_in(asked, answer) is None:
            found = identification(answer, asked.at)
            texts += [text.decode("utf-8", "replace").strip() for _, text in found.objects]
    return [text for text in texts if text]


def guesses(heard: Heard, models: list[Profile]) -> list[Guess]:
    """The models that fit what was heard, the most credible first."""
    said = "".join(identity(heard)).lower().replace("-", "").replace(" ", "")
    found: list[Guess] = []
    for profile in models:
        telling = _telling(heard, profile)
        if telling is not None:
            found.append(Guess(profile.name, profile.name.lower() in said, telling))
    return sorted(found, key=lambda each: (not each.named, -each.telling))


def model_readings(heard: Heard, profile: Profile) -> list[Reading]:
    """Everything the model reads out of what was heard. Raises ProtocolError."""
    found: list[Reading] = []
    for question, answer in heard.exchanges:
        asked = parse_question(question)
        if (asked.function, asked.start, asked.span) in profile.reads:
            found += registry.readings(profile, question, answer)
    return found


def _telling(heard: Heard, profile: Profile) -> int | None:
    """How many values speak for the model; None when it can't be."""
    answered: set[tuple[int, int, int]] = set()
    for question, answer in heard.exchanges:
        asked = parse_question(question)
        if exception_in(asked, answer) is None:
            answered.add((asked.function, asked.start, asked.span))
    if not answered.issuperset(profile.reads):
        return None
    try:
        readings = model_readings(heard, profile)
    except ProtocolError:
        return None
    if settings_in(profile.settings, readings):
        return None
    telling = len(profile.settings)
    for reading in readings:
        if reading.integer is None:
            if reading.status == "unreadable:not a number":
                return None
            continue
        if not _within(reading, _POSSIBLE, True):
            return None
        telling += _within(reading, _TELLING, False)
    enough = min(_TELLING_MIN, len(readings))
    return telling if telling >= enough else None


def _within(reading: Reading, ranges: dict[str, tuple[int, int]], unknown: bool) -> bool:
    span = ranges.get(base(reading.quantity))
    if span is None or reading.integer is None:
        return unknown
    step = max(0, -reading.exponent)
    value = reading.integer * 10 ** max(0, reading.exponent)
    least, most = (bound * 10**step for bound in span)
    # Nothing telling is 0.
    return least <= value <= most and (unknown or value != 0)
