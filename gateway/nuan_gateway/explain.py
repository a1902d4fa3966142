"""The chain behind one bill, from its lines down to the bytes that the meter sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from nuan_gateway.bundle_export import ExportError, no_bill_text
from nuan_gateway.evidence.signing import signature_holds
from nuan_gateway.store import datings, entries, statements
from nuan_gateway.store.datings import StoredDating
from nuan_gateway.store.entries import StoredEntry
from nuan_protocols.meters import annotate, registry
from nuan_protocols.meters.mbus_readings import billed_record
from nuan_protocols.meters.profile import Profile
from nuan_protocols.meters.status import Condition
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EXCHANGE
from nuan_protocols.uplink.entry_reader import parse_entry, parse_exchange

Group = tuple[int, int, str, str]
"""Offset, length, name and meaning of some bytes."""

_HEAD_GROUPS = (
    (0, 1, "format", "version of the entry format"),
    (1, 1, "kind", "1: an exchange with a meter"),
    (2, 8, "node", "who read the meter"),
    (10, 8, "epoch", "which of the node's journals"),
)
_RESULTS = {0: "answered", 1: "no answer", 2: "unreadable answer", 3: "exception answer"}
_CLOCKS = {0: "never set", 1: "coasting", 2: "synchronised"}
_COASTING_LONG = 11
_RULES = {
    "witness": "meters' clocks",
    "bounds": "what came before and after",
}


@dataclass(frozen=True)
class Bytes:
    """Some bytes, every group of them named; `groups` count from the start of `data`."""

    data: bytes
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class RegisterChain:
    """One boundary of the bill: the register as stated, its entry, question and answer.

    `root_day` is the UTC day whose signed root holds the entry, None until that day is sealed.
    `billed` are the offsets of the answer's bytes that the register was read from, `conditions`
    what the meter says of itself in the same answer.
    """

    place: str
    register: Mapping[str, Any]
    entry: StoredEntry
    head: Bytes
    question: Bytes
    answer: Bytes
    billed: range
    root_day: str | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class BillChain:
    """A unit's newest bill with the chain behind each of its registers."""

    statement: Mapping[str, Any]
    signature_holds: bool
    registers: tuple[RegisterChain, ...]


def explain(engine: Engine, season: str, unit: str, public_key: bytes) -> BillChain:
    """Return the chain of the unit's newest bill; raises ExportError when there is none."""
    with engine.connect() as connection:
        bill = statements.latest_bill(connection, season, unit)
        if bill is None:
            raise ExportError(no_bill_text(connection, season, unit))
        statement = json.loads(bill.statement)
        chains = [
            _register_chain(connection, place, statement)
            for place in ("opening", "closing")
            if statement[place] is not None
        ]
    holds = signature_holds(public_key, bill.signature, bill.statement.encode())
    return BillChain(statement, holds, tuple(chains))


def explain_entry(engine: Engine, node: str, epoch: str, seq: int) -> Bytes:
    """The bytes of any exchange entry, each group named; raises ExportError when there is none."""
    with engine.connect() as connection:
        found = entries.by_number(connection, node, epoch, seq)
        if found is None:
            raise ExportError(f"there is no entry {seq} of node {node}, journal {epoch}")
        if found.kind != KIND_EXCHANGE:
            raise ExportError(f"entry {seq} is no exchange with a meter")
        dating = datings.covering(connection, node, epoch, seq)
    return Bytes(found.raw, tuple(entry_groups(found.raw, dating)))


def _register_chain(
    connection: Connection, place: str, statement: Mapping[str, Any]
) -> RegisterChain:
    register = statement[place]
    named = register["entry"]
    found = entries.by_number(connection, named["node"], named["epoch"], named["seq"])
    if found is None:
        raise ExportError(f"the {place} entry {named['seq']} isn't in the database")
    profile = registry.profile(statement["meter"]["model"])
    exchange = parse_exchange(parse_entry(found.raw).body)
    day = datetime.fromtimestamp(found.received_at // 1000, UTC).date().isoformat()
    return RegisterChain(
        place,
        register,
        found,
        Bytes(found.raw, tuple(entry_groups(found.raw))),
        Bytes(exchange.question, tuple(annotate.question_groups(profile, exchange.question))),
        Bytes(
            exchange.answer,
            tuple(annotate.answer_groups(profile, exchange.question, exchange.answer)),
        ),
        _billed(profile, exchange.answer),
        day if statements.root_of(connection, day) else None,
        tuple(registry.conditions(profile, exchange.question, exchange.answer)),
    )


def _billed(profile: Profile, answer: bytes) -> range:
    """Where the billing register's record stands in an M-Bus answer; empty for other protocols."""
    if profile.protocol == "mbus":
        offset, length = billed_record(profile, answer)
        return range(offset, offset + length)
    return range(0)


def entry_groups(raw: bytes, dating: StoredDating | None = None) -> list[Group]:
    """Name the bytes of an exchange entry, question and answer as one group each.

    `dating` is what has become known of its boot, if its clock was never set.
    """
    entry = parse_entry(raw)
    exchange = parse_exchange(entry.body)
    at = HEAD_BYTES
    question_at = at + 9
    answer_at = question_at + len(exchange.question)
    return [
        *_HEAD_GROUPS,
        (18, 4, "number", f"{entry.seq}"),
        (22, 4, "time", _when(entry.time, entry.clock, dating)),
        (26, 1, "clock", _quality(entry.clock)),
        (at, 1, "bus", f"{exchange.bus}"),
        (at + 1, 2, "slot", f"{exchange.slot}"),
        (at + 3, 2, "configuration", f"version {exchange.config_version}"),
        (at + 5, 1, "result", _RESULTS[exchange.result]),
        (at + 6, 1, "tries", f"{exchange.tries}"),
        (at + 7, 2, "length", f"of the question, {len(exchange.question)}"),
        (question_at, len(exchange.question), "question", "named below"),
        (answer_at, len(exchange.answer), "answer", "named below"),
    ]


def _when(time: int, clock: int, dating: StoredDating | None) -> str:
    if clock:
        return f"{_utc(time)} UTC"
    since = f"{time} s after the boot"
    if dating is None or dating.boot_s is None:
        return since
    rule = dating.rule.removesuffix("+gap")
    by = _RULES.get(rule) or f"the node's event {dating.event_seq}"
    text = f"{since}: {_utc(dating.boot_s + time)} UTC by {by}"
    if dating.earliest_s is None or dating.latest_s is None or rule.startswith("event"):
        return text
    early, late = _utc(dating.earliest_s + time), _utc(dating.latest_s + time)
    return f"{text}, between {early} and {late}"


def _quality(clock: int) -> str:
    if clock in _CLOCKS:
        return _CLOCKS[clock]
    days = 1 << clock - 3
    if clock == _COASTING_LONG:
        return f"coasting for {days} days and more"
    return f"coasting for {days} to {2 * days} days"


def _utc(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(sep=" ").removesuffix("+00:00")
