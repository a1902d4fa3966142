"""Readings in a DL/T 645 answer: it names its data, the profile says which registers matter."""

from typing import TYPE_CHECKING

from nuan_protocols.dlt645.frame import (
    CONTROL_AT,
    DATA_AT,
    FUNCTION_MASK,
    READ_ADDRESS,
    SECOND_START_AT,
    di_bytes,
    parse,
    same_meter,
    version_of,
)
from nuan_protocols.dlt645.items import di_text, layout
from nuan_protocols.dlt645.status import error_names
from nuan_protocols.dlt645.telegram import decode
from nuan_protocols.errors import FrameError
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.dlt645.frame import Frame
    from nuan_protocols.dlt645.telegram import Telegram
    from nuan_protocols.meters.profile import Profile

STATUS = "error_flags"


def dlt645_readings(meter: "Profile", question: bytes, answer: bytes) -> "list[Reading]":
    """Readings of the registers of interest in the answer's order, unreadable ones with reasons.

    A status word that isn't 0 is always among them. An error answer makes the registers that were
    asked for unreadable, each with the reason. A later part of a long answer holds none: alone it
    can't be divided (telegram.join). Raises FrameError when the answer isn't the question's.
    """
    asked = parse(question)
    telegram = decode(answer)
    di = _check(asked, parse(answer), telegram)
    if telegram.error >= 0:
        return _refused(meter, telegram, di)
    found: list[Reading] = []
    for record in telegram.records:
        reading = record.reading
        is_status = reading.quantity.split(":", 1)[0] == STATUS and reading.integer
        if is_status or _is_wanted(meter, reading):
            found.append(reading)
    return found


def _check(asked: "Frame", answered: "Frame", telegram: "Telegram") -> int:
    """The identifier that was asked for, -1 for the address."""
    if not same_meter(asked.raw[1:SECOND_START_AT], answered.raw[1:SECOND_START_AT]):
        reason = f"meter {answered.address} answered instead of {asked.address}"
        raise FrameError(reason, answered.start + 1)
    function = asked.control & FUNCTION_MASK
    if answered.control & FUNCTION_MASK != function:
        reason = f"C {answered.control:02X} doesn't answer C {asked.control:02X}"
        raise FrameError(reason, answered.start + CONTROL_AT)
    if function == READ_ADDRESS:
        return -1
    di = int.from_bytes(asked.data[: di_bytes(function)], "little")
    if telegram.di not in (-1, di):
        version = telegram.version
        reason = f"{di_text(version, telegram.di)} was answered, {di_text(version, di)} asked for"
        raise FrameError(reason, answered.start + DATA_AT)
    return di


def _refused(meter: "Profile", telegram: "Telegram", di: int) -> "list[Reading]":
    status = f"unreadable:{error_names(telegram.version, telegram.error)}"
    known = layout(version_of(telegram.control), di) if di >= 0 else ""
    if isinstance(known, str):
        return []
    refused = [
        Reading(
            item.quantity,
            None,
            item.exponent,
            item.unit,
            storage,
            tariff,
            0,
            item.function,
            status,
            "",
        )
        for storage, tariff, items in known.groups
        for item in items
    ]
    return [reading for reading in refused if _is_wanted(meter, reading)]


def _is_wanted(meter: "Profile", reading: Reading) -> bool:
    for register in meter.registers:
        if (
            reading.quantity == register.quantity
            and reading.storage == register.storage
            and reading.tariff == register.tariff
            and reading.subunit == register.subunit
            and reading.function == register.function
        ):
            return True
    return False
