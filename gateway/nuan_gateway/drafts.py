"""Entries of the gateway's own journals before they have a number: what its pollers hand over."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from nuan_protocols.uplink import body
from nuan_protocols.uplink.entry import (
    BODY_BYTES_MAX,
    CLOCK_SYNCHRONISED,
    KIND_EVENT,
    KIND_EXCHANGE,
)

if TYPE_CHECKING:
    from nuan_protocols.readout import Exchange


class Draft(NamedTuple):
    """Kind, UTC second, quality of the clock, and the body's bytes."""

    kind: int
    time: int
    clock: int
    body: bytes


Note: TypeAlias = Callable[[str, Sequence[Draft]], Awaitable[None]]
"""Commits drafts to the journal of a gateway node; returns when the database has them."""


def exchange_draft(
    time: int, bus: int, slot: int, config_version: int, exchange: "Exchange"
) -> Draft:
    """An exchange with a meter. Raises UplinkError when it is longer than an entry may be."""
    _, result, tries, question, answer = exchange
    buffer = bytearray(BODY_BYTES_MAX)
    end = body.put_exchange(buffer, 0, bus, slot, config_version, result, tries, question, answer)
    return Draft(KIND_EXCHANGE, time, CLOCK_SYNCHRONISED, bytes(buffer[:end]))


def event_draft(time: int, code: int, text: str) -> Draft:
    """An event; its text is cut to what an entry may hold."""
    kept = text.encode()[: body.TEXT_BYTES_MAX].decode(errors="ignore")
    buffer = bytearray(BODY_BYTES_MAX)
    end = body.put_event(buffer, 0, code, kept)
    return Draft(KIND_EVENT, time, CLOCK_SYNCHRONISED, bytes(buffer[:end]))
