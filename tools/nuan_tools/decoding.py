"""What a telegram says, in one form for every protocol: a header and records of plain values.

The JSON of a telegram is {"protocol", "header", "records"}; a record's value is a decimal string
in its unit, or null, and `raw` holds the bytes it came from.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.meters import registry
from nuan_protocols.meters.modbus_readings import registers_in
from nuan_protocols.modbus.exceptions import exception_name
from nuan_protocols.modbus.exchange import (
    Question,
    check_exchange,
    exception_in,
)
from nuan_protocols.modbus.identification import ENCAPSULATED, HEAD_BYTES, identification
from nuan_protocols.modbus.registers import DATA_AT, REGISTERS_OF
from nuan_protocols.modbus.rtu import READ_AND_WRITE, READ_DISCRETE_INPUTS
from nuan_protocols.reading import Reading, decimal_text
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr
from nuan_tools.telegram_kind import kind_of

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile

RECORD_KEYS = (
    "offset",
    "quantity",
    "value",
    "unit",
    "storage",
    "tariff",
    "subunit",
    "function",
    "status",
    "raw",
    "text",
)
# The words of a Modbus answer without a model: they count nothing known.
UNKNOWN_REGISTER = "register"
# What a Modbus device says of itself (function 43/14).
IDENTIFICATION = "identification"


@dataclass(frozen=True)
class Record:
    """One value with its place in the telegram: bytes [offset, offset + len(raw))."""

    offset: int
    raw: bytes
    reading: Reading

    def as_json(self) -> dict[str, object]:
        """The record under RECORD_KEYS."""
        reading = self.reading
        value = None
        if reading.integer is not None:
            value = decimal_text(reading.integer, reading.exponent)
        values = (
            self.offset,
            reading.quantity,
            value,
            reading.unit,
            reading.storage,
            reading.tariff,
            reading.subunit,
            reading.function,
            reading.status,
            self.raw.hex(),
            reading.text,
        )
        return dict(zip(RECORD_KEYS, values, strict=True))


class How(NamedTuple):
    """What else is known of a telegram: the Modbus request it answers, the meter's model, and the
    dialect of a CJ/T 188 meter."""

    question: bytes | None = None
    model: str | None = None
    dialect: str | None = None


@dataclass(frozen=True)
class Decoded:
    """One telegram: its protocol as site files write it, what its head says, and every record."""

    protocol: str
    header: dict[str, Any]
    records: list[Record]

    def as_json(self) -> dict[str, object]:
        """The whole telegram as JSON values."""
        records = [record.as_json() for record in self.records]
        return {"protocol": self.protocol, "header": self.header, "records": records}


def decode_mbus(frame: bytes) -> Decoded:
    """Decodes an M-Bus frame. Raises FrameError with the offset of the first wrong byte."""
    from nuan_protocols.mbus import telegram

    decoded = telegram.decode(frame)
    header: dict[str, Any] = {
        "control": decoded.control,
        "address": decoded.address,
        "ci": decoded.ci,
        "more": decoded.more,
    }
    if decoded.header is not None:
        header |= {name: _known(value) for name, value in decoded.header._asdict().items()}
        code, name = decoded.header.medium
        header |= {"medium": _known(name), "medium_code": _known(code)}
    records = [
        Record(record.offset, frame[record.offset : record.offset + record.length], record.reading)
        for record in decoded.records
    ]
    return Decoded("mbus", header, records)


def decode_modbus(question: bytes, answer: bytes, model: str | None) -> Decoded:
    """Decodes the answer to a Modbus request, RTU or TCP; a model gives its words a meaning.

    Raises FrameError with the offset of the first wrong byte, UserError for an unknown model.
    """
    asked = check_exchange(question, answer)
    header: dict[str, Any] = {
        "unit": asked.unit,
        "function": asked.function,
        "start": asked.start,
        "count": asked.span,
    }
    code = exception_in(asked, answer)
    if code is not None:
        header["exception"] = code
        header["exception_name"] = exception_name(code)
        return Decoded("modbus", header, [])
    if model is not None:
        return Decoded("modbus", header, _modelled(asked, question, answer, model))
    return Decoded("modbus", header, _bare_words(asked, answer))


def _known(value: object) -> object:
    """None for what the telegram doesn't say."""
    return None if value in ("", -1) else value


def _bare_words(asked: Question, answer: bytes) -> list[Record]:
    at = asked.at + DATA_AT
    if asked.function == ENCAPSULATED:
        return _objects(answer, asked.at)
    if asked.function not in {*range(1, 5), READ_AND_WRITE}:
        return []
    end = at + answer[at - 1]
    if asked.function <= READ_DISCRETE_INPUTS:
        raw = answer[at:end]
        reading = Reading("bits", None, 0, "", 0, 0, 0, "instantaneous", "ok", raw.hex())
        return [Record(at, raw, reading)]
    records: list[Record] = []
    for index, offset in enumerate(range(at, end, 2)):
        raw = answer[offset : offset + 2]
        name = f"{UNKNOWN_REGISTER}:{asked.start + index}"
        number = int.from_bytes(raw, "big")
        reading = Reading(name, number, 0, "1", 0, 0, 0, "instantaneous", "ok", "")
        records.append(Record(offset, raw, reading))
    return records


def _objects(answer: bytes, at: int) -> list[Record]:
    """What a device says of itself, each object at its text."""
    records: list[Record] = []
    offset = at + HEAD_BYTES
    for number, text in identification(answer, at).objects:
        shown = text.decode("utf-8", "replace")
        reading = Reading(
            f"{IDENTIFICATION}:{number}", None, 0, "", 0, 0, 0, "instantaneous", "ok", shown
        )
        records.append(Record(offset + 2, text, reading))
        offset += 2 + len(text)
    return records


def _modelled(asked: Question, question: bytes, answer: bytes, model: str) -> list[Record]:
    meter = profile_named(model)
    if meter.protocol != "modbus":
        raise UserError(tr("{model} is no Modbus meter; leave out --model", model=model))
    places = registers_in(meter, asked)
    found = registry.readings(meter, question, answer)
    return [
        Record(
            at,
            answer[at : at + (1 if place.kind == "bit" else 2 * REGISTERS_OF[place.kind])],
            reading,
        )
        for (at, place), reading in zip(places, found, strict=True)
    ]


def decode(telegram: bytes, how: How) -> Decoded:
    """Decodes one telegram: a Modbus answer when its question is known, else of any other protocol.

    Raises ProtocolError with the offset of the first wrong byte, UserError for a model or dialect
    that is another protocol's.
    """
    if how.question is not None:
        decoded = decode_modbus(how.question, telegram, how.model)
    else:
        kind = kind_of(telegram)
        profile = _profile(how.model, kind)
        if kind == "mbus":
            _refuse_more_than_one(telegram)
            decoded = decode_mbus(telegram)
        elif kind == "cjt188":
            from nuan_tools.decoding_chinese import decode_cjt188

            decoded = decode_cjt188(telegram, profile.dialect if profile else how.dialect)
        else:
            from nuan_tools.decoding_chinese import decode_dlt645

            decoded = decode_dlt645(telegram)
    if how.model is not None:
        decoded.header["model"] = how.model
        decoded.header["conditions"] = _conditions(decoded, telegram, how.model)
    return decoded


def decrypted(telegram: bytes, key: bytes) -> bytes:
    """An encrypted M-Bus telegram in clear; any other as it is. Raises ProtocolError."""
    from nuan_protocols.mbus import secure

    return secure.decrypted(telegram, key) if kind_of(telegram) == "mbus" else telegram


def _profile(model: str | None, kind: str) -> "Profile | None":
    if model is None:
        return None
    profile = profile_named(model)
    if profile.protocol != kind:
        names = {"model": model, "its": profile.protocol, "kind": kind}
        raise UserError(tr("{model} speaks {its}, and this telegram is {kind}", **names))
    return profile


def profile_named(model: str) -> "Profile":
    """A model's profile. Raises UserError, which lists the known ones."""
    try:
        return registry.profile(model)
    except registry.UnknownModelError as error:
        raise UserError(str(error)) from error


def _conditions(decoded: Decoded, telegram: bytes, model: str) -> list[dict[str, str]]:
    """What the meter says of itself, by its model."""
    profile = registry.profile(model)
    readings = [record.reading for record in decoded.records]
    if profile.protocol == "mbus":
        # The header's status byte is no record.
        readings = registry.readings(profile, b"", telegram)
    found = registry.status(profile, readings)
    return [{"name": each.name, "severity": each.severity} for each in found]


def _refuse_more_than_one(telegram: bytes) -> None:
    reader = FrameReader()
    reader.feed(telegram)
    first = reader.next_frame()
    if first is not None and telegram.startswith(first.raw) and telegram != first.raw:
        raise FrameError("the telegram ended before this byte; one telegram a line", len(first.raw))
