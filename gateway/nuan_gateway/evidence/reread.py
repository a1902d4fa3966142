"""What an entry's bytes say, read again with the meter's profile: the base of bills and checks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from nuan_gateway.billing.bill import SlotPlace
from nuan_gateway.billing.consumption import Register, Worth
from nuan_gateway.billing.problem import Source
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.reading import Reading, decimal_text
from nuan_protocols.uplink.entry import KIND_EXCHANGE
from nuan_protocols.uplink.entry_reader import parse_entry, parse_exchange


class RereadError(Exception):
    """An entry's bytes hold no exchange with this meter model; the message says why."""


@dataclass(frozen=True)
class Reread:
    """One exchange entry: its number, its time, where it came from, and what the meter said.

    `serial` is the meter's number in the telegram, None where the protocol has none.
    """

    node: str
    epoch: str
    seq: int
    time: int
    clock: int
    place: SlotPlace
    question: bytes
    answer: bytes
    serial: str | None
    readings: tuple[Reading, ...]

    def document(self) -> dict[str, object]:
        """Return the readable form that bundles carry beside the bytes."""
        return {
            "node": self.node,
            "epoch": self.epoch,
            "seq": self.seq,
            "time": self.time,
            "clock": self.clock,
            "config_version": self.place.config_version,
            "slot": self.place.slot,
            "question": self.question.hex(),
            "answer": self.answer.hex(),
            "serial": self.serial,
            "registers": [_register_document(reading) for reading in self.readings],
        }

    def register(self, profile: Profile, digest: str) -> Register | None:
        """Return the profile's billing register, None where the answer has no good value of it."""
        wanted = profile.billing
        for found in self.readings:
            if (
                wanted is None
                or found.integer is None
                or found.status != "ok"
                or (found.quantity, found.storage, found.tariff, found.subunit, found.function)
                != tuple(wanted)
            ):
                continue
            source = Source(self.node, self.epoch, self.seq, digest)
            return Register(
                self.time,
                self.clock,
                found.integer,
                found.exponent,
                found.unit,
                self.serial,
                source,
                _worth(profile, found),
            )
        return None


def reread(raw: bytes, model: str, version: int | None = None) -> Reread:
    """Read an entry's canonical bytes as an exchange with a meter of this model.

    A bill is read with the version of the profile that made it, else with the newest.
    """
    try:
        profile = registry.profile(model, version)
        entry = parse_entry(raw)
        if entry.kind != KIND_EXCHANGE:
            raise RereadError("the entry is no exchange with a meter")
        exchange = parse_exchange(entry.body)
        readings = registry.readings(profile, exchange.question, exchange.answer)
        serial = _serial(profile, exchange.answer) if readings else None
    except (ProtocolError, registry.UnknownModelError) as error:
        raise RereadError(str(error)) from error
    node = entry.node.hex()
    return Reread(
        node,
        entry.epoch.hex(),
        entry.seq,
        entry.time,
        entry.clock,
        SlotPlace(node, exchange.config_version, exchange.slot),
        exchange.question,
        exchange.answer,
        serial,
        tuple(readings),
    )


def follows(before: Reread, after: Reread) -> bool:
    """Tell whether `after` is later, and numbered later if both are of one journal."""
    same_journal = (before.node, before.epoch) == (after.node, after.epoch)
    return before.time < after.time and (not same_journal or before.seq < after.seq)


def _serial(profile: Profile, answer: bytes) -> str | None:
    if profile.protocol != "mbus":
        return None
    header = decode(answer).header
    return header.identification or None if header else None


def _worth(profile: Profile, found: Reading) -> Worth | None:
    own = profile.own_unit(found.quantity, found.unit)
    return Worth(Fraction(own.numerator, own.denominator), own.base) if own else None


def _register_document(reading: Reading) -> dict[str, object]:
    value = None if reading.integer is None else decimal_text(reading.integer, reading.exponent)
    return {
        "quantity": reading.quantity,
        "value": value,
        "unit": reading.unit,
        "storage": reading.storage,
        "tariff": reading.tariff,
        "subunit": reading.subunit,
        "function": reading.function,
        "status": reading.status,
        "text": reading.text,
    }
