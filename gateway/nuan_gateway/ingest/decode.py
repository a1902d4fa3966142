"""Newly committed exchanges into readings: rows for the database, items for the feed.

The feed carries what a meter shows now (storage, tariff and device 0), not its history and limits,
and beside status bits what they mean.

Decoding never holds up the evidence: an answer that can't be read becomes a row without a value
whose status says why, and an exchange of a slot nobody knows stays an entry without readings.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.ingest.trials import Trials
from nuan_gateway.store.master import SlotKey, SlotMeter
from nuan_protocols.errors import ProtocolError
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.meters.status import RECORD
from nuan_protocols.reading import Reading, decimal_text
from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.body import RESULT_EXCEPTION, RESULT_OK
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EXCHANGE
from nuan_protocols.uplink.entry_reader import Exchange, parse_exchange

log = logging.getLogger(__name__)

VALUE_MAX = 2**63 - 1
# A whole telegram or register block that could not be read stands under this name.
UNREAD_QUANTITY = "telegram"
# No answer and a damaged one say nothing; a Modbus exception names what it refuses.
_ANSWERED = (RESULT_OK, RESULT_EXCEPTION)

ReadingRow = tuple[Any, ...]
"""The columns of store.schema.reading, in their order."""


@dataclass(slots=True)
class Decoded:
    """What one batch's exchanges say; `items` are canonical JSON objects for the feed."""

    rows: list[ReadingRow] = field(default_factory=list[ReadingRow])
    items: list[str] = field(default_factory=list[str])
    unknown_slots: int = 0
    unreadable: int = 0


class Decoder:
    """Knows which meter was behind each slot, and decodes with that meter's profile."""

    def __init__(self, slots: Mapping[SlotKey, SlotMeter]) -> None:
        self._slots = slots
        self.trials = Trials()
        self._profiles = {
            model: registry.profile(model)
            for model in {meter.model for meter in slots.values()}
            if model in registry.models()
        }

    def decode(self, node: str, fresh: Iterable[tuple[int, BatchEntry]]) -> Decoded:
        """Decode the exchanges among (row id, entry) pairs; the others say nothing here."""
        decoded = Decoded()
        for entry_id, entry in fresh:
            if entry.kind == KIND_EXCHANGE:
                self._entry(node, entry_id, entry, decoded)
        return decoded

    def _entry(self, node: str, entry_id: int, entry: BatchEntry, decoded: Decoded) -> None:
        try:
            exchange = parse_exchange(entry.canonical[HEAD_BYTES:])
        except ProtocolError:
            decoded.unreadable += 1
            return
        if exchange.result not in _ANSWERED:
            return
        meter = self._slots.get((node, exchange.config_version, exchange.slot))
        profile = self._profiles.get(meter.model) if meter else None
        if meter is None or profile is None:
            decoded.unknown_slots += 1
            return
        point = _point_at(meter, entry)
        values = _readings(profile, exchange)
        if profile.protocol == "cjt188":
            values = _marked(values, self.trials.mark(meter.serial, profile, exchange))
        _add_rows(decoded, values, (entry_id, point, meter.serial, profile.version), entry)
        _add_items(decoded, values, point, (meter.serial, profile), entry)


def _readings(profile: Profile, exchange: Exchange) -> list[Reading]:
    try:
        return registry.readings(profile, exchange.question, exchange.answer)
    except ProtocolError as error:
        reason = str(error)
    except Exception as error:  # a decoder's fault must not hold up the evidence
        log.exception("%s: %s not decoded", profile.name, exchange.answer.hex())
        reason = f"decoder failed, {type(error).__name__}"
    status = f"unreadable:{reason}"
    return [Reading(UNREAD_QUANTITY, None, 0, "", 0, 0, 0, "instantaneous", status, "")]


def _marked(values: list[Reading], status: str) -> list[Reading]:
    """Readings that look good say what speaks against them."""
    if not status:
        return values
    return [value._replace(status=status) if value.status == "ok" else value for value in values]


def _add_rows(
    decoded: Decoded,
    values: list[Reading],
    source: tuple[int, str | None, str, int],
    entry: BatchEntry,
) -> None:
    entry_id, point, serial, version = source
    time, clock = entry.time, entry.clock
    add = decoded.rows.append
    for idx, value in enumerate(values):
        quantity, number, exponent, unit, storage, tariff, subunit, function, status, text = value
        if number is None:
            decoded.unreadable += not text
        elif not -VALUE_MAX <= number <= VALUE_MAX:
            values[idx] = _beyond(value, number)
            _, number, _, _, _, _, _, _, status, text = values[idx]
        add(
            (
                entry_id, idx, point, serial, quantity, unit, number, exponent, storage,
                tariff, subunit, function, status, text or None, time, clock, version, None,
            )
        )  # fmt: skip


def _add_items(
    decoded: Decoded,
    values: list[Reading],
    point: str | None,
    meter: tuple[str, Profile],
    entry: BatchEntry,
) -> None:
    serial, profile = meter
    start = f'{{"clock":{entry.clock},'
    seq = f',"seq":{entry.seq},"status":'
    when = f',"time":{_iso(entry.time) if entry.clock else "null"},'
    add = decoded.items.append
    for value in values:
        quantity, number, exponent, unit, storage, tariff, subunit, function, status, text = value
        if storage or tariff or subunit or function != "instantaneous":
            continue
        place, ending, speaks = _frame(serial, point, quantity, unit, profile)
        state = '"ok"' if status == "ok" else _quoted(status)
        if number is None:
            shown = _quoted(text) if text else "null"
        elif exponent:
            shown = f'"{decimal_text(number, exponent)}"'
        else:
            shown = f'"{number}"'
        said = _said(profile, quantity, number) if speaks and number is not None else ""
        add(f"{start}{said}{place}{seq}{state}{when}{ending}{shown}}}")


def _beyond(value: Reading, number: int) -> Reading:
    """A number beyond the database's 64 bits is kept as text, never cut."""
    digits = decimal_text(number, value.exponent)
    return value._replace(integer=None, status="unreadable:beyond 64 bits", text=digits)


def _point_at(meter: SlotMeter, entry: BatchEntry) -> str | None:
    services = meter.services
    if entry.clock == 0:
        # Without a time of day the point is certain only for a meter that has served no other.
        return services[0].point if len(services) == 1 and services[0].start == 0 else None
    for service in services:
        if service.start <= entry.time and (service.end is None or entry.time < service.end):
            return service.point
    return None


# The same few thousand texts come again and again; putting them in quotes once is most of the JSON.
@lru_cache(maxsize=16384)
def _frame(
    serial: str, point: str | None, quantity: str, unit: str, profile: Profile
) -> tuple[str, str, bool]:
    where = "null" if point is None else _quoted(point)
    place = f'"meter":{_quoted(serial)},"point":{where},"quantity":{_quoted(quantity)}'
    speaks = quantity.partition(":")[0] == RECORD or any(
        quantity == setting.source for setting in profile.settings
    )
    return place, f'"unit":{_quoted(unit)},"value":', speaks


@lru_cache(maxsize=4096)
def _said(profile: Profile, quantity: str, number: int) -> str:
    """What these bits mean with this model, as the item's member; "" when nothing."""
    reading = Reading(quantity, number, 0, "1", 0, 0, 0, "instantaneous", "ok", "")
    found = [
        {"name": condition.name, "severity": condition.severity}
        for condition in registry.status(profile, [reading])
    ]
    return f'"conditions":{canonical_text(found)},' if found else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _iso(time: int) -> str:
    day, second = divmod(time, 86400)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f'"{_iso_day(day)}T{hour:02d}:{minute:02d}:{second:02d}Z"'


@lru_cache(maxsize=1024)
def _iso_day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
