"""Reading journal entries: canonical bytes -> Entry -> what its body says (entry.py, body.py)."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import body as bodies
from nuan_protocols.uplink.entry import (
    ENTRY_BYTES_MAX,
    HEAD_BYTES,
    VERSION,
    check_clock,
    check_seq,
)
from nuan_protocols.uplink.errors import UplinkVersionError
from nuan_protocols.uplink.fields import int16, uint

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer

    class Entry(NamedTuple):
        """One entry, its body still bytes; see body.py for what they say."""

        kind: int
        node: bytes
        epoch: bytes
        seq: int
        time: int
        clock: int
        body: bytes

    class Exchange(NamedTuple):
        """Question to a meter and its answer, byte for byte; `answer` is b"" when none came."""

        bus: int
        slot: int
        config_version: int
        result: int
        tries: int
        question: bytes
        answer: bytes

    class Event(NamedTuple):
        """Something that happened on the node."""

        code: int
        text: str

    class Control(NamedTuple):
        """A decision of the set-point controller; `measured_dc` is None without a sensor value."""

        zone: int
        requested_dc: int
        applied_dc: int
        measured_dc: int | None
        valve_pct: int
        mode: int
        reason: int

    class Tombstone(NamedTuple):
        """Numbers first..last have no entry; `chain` is the chain value after `last`."""

        first: int
        last: int
        reason: int
        chain: bytes

else:
    from collections import namedtuple

    Entry = namedtuple("Entry", ("kind", "node", "epoch", "seq", "time", "clock", "body"))
    Exchange = namedtuple(
        "Exchange", ("bus", "slot", "config_version", "result", "tries", "question", "answer")
    )
    Event = namedtuple("Event", ("code", "text"))
    Control = namedtuple(
        "Control",
        ("zone", "requested_dc", "applied_dc", "measured_dc", "valve_pct", "mode", "reason"),
    )
    Tombstone = namedtuple("Tombstone", ("first", "last", "reason", "chain"))


def parse_entry(data: "Buffer") -> Entry:
    """Canonical bytes -> Entry. Raises UplinkError with the offset of what is wrong."""
    if len(data) < HEAD_BYTES:
        raise UplinkError(f"an entry has at least 27 bytes, this one has {len(data)}", len(data))
    if data[0] != VERSION:
        raise UplinkVersionError("entry", data[0])
    if len(data) > ENTRY_BYTES_MAX:
        raise UplinkError(f"an entry has at most {ENTRY_BYTES_MAX} bytes", ENTRY_BYTES_MAX)
    seq = uint(data, 18, 4)
    check_seq(seq, 18)
    check_clock(data[26], 26)
    return Entry(
        data[1],
        bytes(data[2:10]),
        bytes(data[10:18]),
        seq,
        uint(data, 22, 4),
        data[26],
        bytes(data[HEAD_BYTES:]),
    )


def parse_exchange(body: "Buffer") -> Exchange:
    """Exchange body -> Exchange. Raises UplinkError with the offset within the body."""
    start = bodies.EXCHANGE_HEAD_BYTES
    if len(body) < start:
        raise UplinkError(f"an exchange has at least {start} bytes", len(body))
    end = start + (body[7] << 8 | body[8])
    if end > len(body):
        raise UplinkError(f"the question ends at {end}, the body at {len(body)}", 7)
    result = body[5]
    # Only what fails is looked at closely: the gateway reads these by the thousand.
    if (
        result > bodies.RESULT_EXCEPTION
        or end - start > bodies.QUESTION_BYTES_MAX
        or len(body) - end > bodies.ANSWER_BYTES_MAX
    ):
        bodies.check_lengths(end - start, len(body) - end, 0)
        bodies.check_range("result", result, bodies.RESULT_OK, bodies.RESULT_EXCEPTION, 5)
    return Exchange(
        body[0],
        body[1] << 8 | body[2],
        body[3] << 8 | body[4],
        result,
        body[6],
        bytes(body[start:end]),
        bytes(body[end:]),
    )


def parse_event(body: "Buffer") -> Event:
    """Event body -> Event. Raises UplinkError with the offset within the body."""
    code = uint(body, 0, 1)
    bodies.check_range("event code", code, bodies.EVENT_BOOT, bodies.EVENT_STATISTICS, 0)
    bodies.check_range("length of the text", len(body) - 1, 0, bodies.TEXT_BYTES_MAX, 1)
    try:
        return Event(code, bytes(body[1:]).decode())
    except UnicodeError:
        raise UplinkError("the text is not UTF-8", 1) from None


def parse_control(body: "Buffer") -> Control:
    """Control body -> Control. Raises UplinkError with the offset within the body."""
    _check_size("control", body, bodies.CONTROL_BYTES)
    bodies.check_range("valve_pct", body[7], 0, bodies.VALVE_PCT_MAX, 7)
    bodies.check_range("mode", body[8], bodies.MODE_NORMAL, bodies.MODE_EXERCISE, 8)
    measured = int16(body, 5)
    return Control(
        body[0],
        int16(body, 1),
        int16(body, 3),
        None if measured == bodies.NO_MEASUREMENT else measured,
        body[7],
        body[8],
        body[9],
    )


def parse_tombstone(body: "Buffer") -> Tombstone:
    """Tombstone body -> Tombstone. Raises UplinkError with the offset within the body."""
    _check_size("tombstone", body, bodies.TOMBSTONE_BYTES)
    first = uint(body, 0, 4)
    last = uint(body, 4, 4)
    bodies.check_tombstone(first, last, body[8], 0)
    return Tombstone(first, last, body[8], bytes(body[9:]))


def _check_size(kind: str, body: "Buffer", size: int) -> None:
    if len(body) != size:
        raise UplinkError(f"a {kind} body has {size} bytes, this one has {len(body)}", len(body))
