"""Readings in a CJ/T 188 answer: a dialect divides it, the profile says which registers matter."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188 import fields
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.cjt188.frame import (
    ABNORMAL,
    ADDRESS_ANY,
    ADDRESS_AT,
    CONTROL_AT,
    DATA_AT,
    parse,
)
from nuan_protocols.cjt188.telegram import decode
from nuan_protocols.errors import FrameError
from nuan_protocols.quantity import base

if TYPE_CHECKING:
    from nuan_protocols.cjt188.dialects import Dialect
    from nuan_protocols.cjt188.frame import Frame
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.reading import Reading

STATUS = "error_flags"
_SER_AT = 2


def cjt188_readings(meter: "Profile", question: bytes, answer: bytes) -> "list[Reading]":
    """Readings of the registers of interest in the answer's order, unreadable ones with reasons.

    A status word that isn't 0 is always among them, also that of a refusal, which holds nothing
    else. Raises FrameError when the answer isn't the question's.
    """
    dialect = DIALECTS[meter.dialect]
    _check(parse(question), parse(answer, dialect.extra_bytes))
    wanted = meter.registers
    found: list[Reading] = []
    for record in decode(answer, dialect).records:
        reading = record.reading
        if meter.units and reading.integer is None:
            reading = _in_own_unit(meter, dialect, reading)
        if reading.quantity == STATUS and reading.integer:
            found.append(reading)
            continue
        for register in wanted:
            if (
                reading.quantity == register.quantity
                and reading.storage == register.storage
                and reading.tariff == register.tariff
                and reading.subunit == register.subunit
                and reading.function == register.function
            ):
                found.append(reading)
                break
    return found


def _in_own_unit(meter: "Profile", dialect: "Dialect", reading: "Reading") -> "Reading":
    """The reading with a number, if only its unit's code was unknown and the profile knows it."""
    for unit in meter.units:
        if (
            unit.code is not None
            and reading.status == f"unreadable:unit {unit.code:02X} is unknown"
            and unit.quantity == base(reading.quantity)
            and reading.text.isdigit()
        ):
            decimals = 4 if unit.quantity == "volume_flow" else 2
            exponent = 0 if dialect.whole else -decimals
            return fields.reading(
                reading.quantity, int(reading.text), exponent, unit.name, reading.storage
            )
    return reading


def _check(asked: "Frame", answered: "Frame") -> None:
    if asked.address not in (ADDRESS_ANY, answered.address):
        reason = f"meter {answered.address.hex()} answered instead of {asked.address.hex()}"
        raise FrameError(reason, answered.start + ADDRESS_AT)
    abnormal = answered.control & ABNORMAL
    if answered.control & ~ABNORMAL & 0x7F != asked.control:
        reason = f"C {answered.control:02X} doesn't answer C {asked.control:02X}"
        raise FrameError(reason, answered.start + CONTROL_AT)
    at = 0 if abnormal else _SER_AT
    ser = asked.data[_SER_AT : _SER_AT + 1]
    if answered.data[at : at + 1] != ser:
        reason = f"the answer's running number isn't {ser.hex()}, the question's"
        raise FrameError(reason, answered.start + DATA_AT + at)
