"""Which models read a meter that says who it is: M-Bus, CJ/T 188 and DL/T 645."""

from collections.abc import Sequence

from nuan_protocols.cjt188.annotate import TYPE_NAMES
from nuan_protocols.cjt188.dialects import DIALECTS, Dialect
from nuan_protocols.cjt188.frame import TYPE_ANY, Frame
from nuan_protocols.cjt188.telegram import decode
from nuan_protocols.dlt645 import telegram as dlt645
from nuan_protocols.dlt645.frame import (
    CONTROL_AT,
    READ_NEXT,
    READ_NEXT_1997,
    VERSION_1997,
    WAKE_BYTES,
)
from nuan_protocols.dlt645.telegram import Telegram
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus.header import Header
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Register
from nuan_protocols.reading import Reading
from nuan_tools.field.asking import profiles
from nuan_tools.field.heard import Exchanges

# By what a header shows (the models' files say where it comes from): (manufacturer, version).
_BY_MAKER: dict[tuple[str, int | None], str] = {
    ("LUG", 3): "landis_2wr6",
    ("DFS", 46): "hydrometer",
    ("@@@", None): "zenner",
    ("PLO", None): "gbt26831",
}
_HEAT = (0x04, 0x0A, 0x0B, 0x0C, 0x0D)
_WATER = (0x06, 0x07, 0x10, 0x11, 0x15, 0x16, 0x17, 0x28)
_ELECTRICITY = (0x02,)
_GAS = (0x03,)
_BY_MEDIUM = (
    (_HEAT, ("mbus_heat", "mbus_heat_forward")),
    (_WATER, ("mbus_water",)),
    (_ELECTRICITY, ("mbus_electricity", "mbus_electricity_t1")),
    (_GAS, ("mbus_gas",)),
)
# Models that stand for no maker.
_GENERIC = ("cjt188_heat", "cjt188_heat_1f90", "cjt188_water", "cjt188_water_1f90")


def of_mbus(header: Header | None, answers: Sequence[bytes]) -> list[str]:
    """The models whose billing register the telegrams hold, the maker's own first."""
    if header is None:
        return []
    code = header.medium[0]
    names: list[str] = []
    for version in (header.version, None):
        own = _BY_MAKER.get((header.manufacturer, version))
        if own is not None and code in _HEAT:
            names.append(own)
    for media, models in _BY_MEDIUM:
        if code in media:
            names += [name for name in models if _bills(name, answers)][:1]
    return [name for name in names if _bills(name, answers)]


def of_cjt188(dialect: str, asked: Frame, answered_type: int) -> list[str]:
    """The models with this dialect that ask as the meter was asked, generic ones first."""
    kind = answered_type if asked.type == TYPE_ANY else asked.type
    mask = DIALECTS[dialect].mask
    order = tuple((byte - mask) & 0xFF for byte in asked.data[:2])
    found: list[str] = []
    for profile in profiles("cjt188"):
        asks_so = order in {tuple(read[1:]) for read in profile.reads}
        if profile.dialect == dialect and profile.meter_type == kind and asks_so:
            found.append(profile.name)
    return sorted(found, key=lambda name: (name not in _GENERIC, name))


def of_dlt645(answers: Sequence[Telegram]) -> list[str]:
    """The models of the edition that the meter speaks."""
    if answers[0].version == VERSION_1997:
        return ["dlt645_1997"]
    phases = {
        record.reading.quantity
        for each in answers
        for record in each.records
        if record.reading.integer
    }
    if "voltage:l2" in phases or "voltage:l3" in phases:
        return ["dlt645_2007", "dlt645_dtsu666"]
    return ["dlt645_2007_single"]


def dlt645_answers(exchanges: Exchanges) -> list[Telegram]:
    """The answers, those that came in parts put together. Raises ProtocolError."""
    answers: list[list[bytes]] = []
    for question, answer in exchanges:
        control = question[WAKE_BYTES + CONTROL_AT]
        if control in (READ_NEXT, READ_NEXT_1997) and answers:
            answers[-1].append(answer)
        else:
            answers.append([answer])
    return [dlt645.join(parts) if len(parts) > 1 else dlt645.decode(parts[0]) for parts in answers]


def cjt188_medium(kind: int) -> str:
    """What a CJ/T 188 meter of type `kind` counts."""
    return TYPE_NAMES.get(kind, "").partition(" (")[0]


def cjt188_values(answer: bytes, dialect: Dialect) -> list[Reading]:
    """Everything an answer holds. Raises ProtocolError."""
    return [record.reading for record in decode(answer, dialect).records]


def is_register(reading: Reading, register: Register) -> bool:
    """Whether a reading is of that register."""
    return tuple(register) == (
        reading.quantity,
        reading.storage,
        reading.tariff,
        reading.subunit,
        reading.function,
    )


def _bills(model: str, answers: Sequence[bytes]) -> bool:
    profile = registry.profile(model)
    for answer in answers:
        try:
            readings = registry.readings(profile, b"", answer)
        except ProtocolError:
            continue
        billing = profile.billing
        if billing and any(
            each.integer is not None and is_register(each, billing) for each in readings
        ):
            return True
    return False
