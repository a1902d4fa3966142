"""Newly committed exchanges into readings: rows for the database, items for the feed.

Decoding never holds up the evidence: an answer that can't be read becomes a row without a value
whose status says why, and an exchange of a slot nobody knows stays an entry without readings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from nuan_gateway.store.master import SlotKey, SlotMeter
from nuan_protocols.errors import ProtocolError
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.reading import Reading, decimal_text
from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.body import RESULT_EXCEPTION, RESULT_OK
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EXCHANGE
from nuan_protocols.uplink.entry_reader import Exchange, parse_exchange

VALUE_MAX = 2**63 - 1
# A whole telegram or register block that could not be read stands under this name.
UNREAD_QUANTITY = "telegram"
# No answer and a damaged one say nothing; a Modbus exception names what it refuses.
_ANSWERED = (RESULT_OK, RESULT_EXCEPTION)

ReadingRow = tuple[Any, ...]
"""The columns of store.schema.reading, in their order."""


@dataclass(slots=True)
class Decoded:
    """What one batch's exchanges say."""

    rows: list[ReadingRow] = field(default_factory=list[ReadingRow])
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unknown_slots: int = 0
    unreadable: int = 0


class Decoder:
    """Knows which meter was behind each slot, and decodes with that meter's profile."""

    def __init__(self, slots: Mapping[SlotKey, SlotMeter]) -> None:
        self._slots = slots
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
            exchange = parse_exchange(memoryview(entry.canonical)[HEAD_BYTES:])
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
        values = _readings(profile, exchange)
        point = _point_at(meter, entry)
        head = (point, meter.serial)
        tail = (entry.time, entry.clock, profile.version)
        for idx, value in enumerate(values):
            if value.integer is None and not value.text:
                decoded.unreadable += 1
            decoded.rows.append((entry_id, idx, *head, *_columns(value), *tail))
            if _is_current(value):
                decoded.items.append(_item(head, value, entry))


def _readings(profile: Profile, exchange: Exchange) -> list[Reading]:
    try:
        values = registry.readings(profile, exchange.question, exchange.answer)
        return [_fitting(value) for value in values]
    except ProtocolError as error:
        reason = f"unreadable:{error}"
        return [Reading(UNREAD_QUANTITY, None, 0, "", 0, 0, 0, "instantaneous", reason, "")]


def _fitting(value: Reading) -> Reading:
    """A number beyond the database's 64 bits is kept as text, never cut."""
    if value.integer is None or -VALUE_MAX <= value.integer <= VALUE_MAX:
        return value
    digits = decimal_text(value.integer, value.exponent)
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


def _columns(value: Reading) -> tuple[Any, ...]:
    return (
        value.quantity,
        value.unit,
        value.integer,
        value.exponent,
        value.storage,
        value.tariff,
        value.subunit,
        value.function,
        value.status,
        value.text or None,
    )


def _is_current(value: Reading) -> bool:
    """The feed carries what the meter shows now, not its history and limits."""
    return value.storage == value.tariff == value.subunit == 0 and value.function == "instantaneous"


def _item(head: tuple[str | None, str], value: Reading, entry: BatchEntry) -> dict[str, Any]:
    number = None if value.integer is None else decimal_text(value.integer, value.exponent)
    return {
        "point": head[0],
        "meter": head[1],
        "quantity": value.quantity,
        "value": number if number is not None else (value.text or None),
        "unit": value.unit,
        "time": _iso(entry.time) if entry.clock else None,
        "clock": entry.clock,
        "status": value.status,
        "seq": entry.seq,
    }


@lru_cache(maxsize=4096)
def _iso(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
