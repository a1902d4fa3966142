"""What a CJ/T 188 meter's answer says.

    FE .. | 68 | T | A0 .. A6 | C | L | DI DI SER field, field, ... | CS | 16
                                   03 | SER ST ST                        an error, C has bit 40h

Every byte behind SER stands in exactly one record. A field that can't be read keeps its digits and
the reason, and those around it are read; data of an unknown layout are one record, for a guess at
fields could give a false value. parse (frame.py) wants one whole frame; reader.py finds frames and
resynchronises after noise.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188 import fields, layouts
from nuan_protocols.cjt188.dialects import STANDARD, Dialect
from nuan_protocols.cjt188.frame import (
    ABNORMAL,
    ADDRESS_AT,
    ADDRESS_BYTES,
    ANSWER,
    CONTROL_AT,
    DATA_AT,
    READ_ADDRESS,
    READ_ADDRESS_VENDOR,
    Frame,
    parse,
    printed_address,
)
from nuan_protocols.errors import FrameError
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Record(NamedTuple):
        """One field: `length` bytes from byte `offset` of the frame; `data` is unmasked."""

        offset: int
        length: int
        data: bytes
        reading: Reading

    class Telegram(NamedTuple):
        """One answer.

        address   14 hexadecimal digits as printed on the meter, A6 first
        control   as on the wire; bit 40h: the meter refused, and `status` says how it is
        di        data identifier as it is written (0x901F), -1 where the answer has none
        ser       the master's running number, echoed; -1 where the answer has none
        status    both bytes of ST, b"" where the answer has none
        """

        protocol: str
        type: int
        address: str
        control: int
        di: int
        ser: int
        records: list[Record]
        status: bytes

else:
    from collections import namedtuple

    Record = namedtuple("Record", ("offset", "length", "data", "reading"))
    Telegram = namedtuple(
        "Telegram",
        ("protocol", "type", "address", "control", "di", "ser", "records", "status"),
    )

PROTOCOL = "cjt188"

_ERROR_DATA_BYTES = 3
HEAD_BYTES = 3

# Quantity and decimals of the values that carry a unit. The settlement day's are storage 1.
_VALUES = {
    "S": ("energy", 2, 1),
    "s": ("energy:cooling", 2, 1),
    "H": ("energy", 2, 0),
    "C": ("energy:cooling", 2, 0),
    "P": ("power", 2, 0),
    "F": ("volume_flow", 4, 0),
    "V": ("volume", 2, 0),
    "W": ("volume", 2, 1),
}


def decode(raw: "Buffer", dialect: Dialect = STANDARD) -> Telegram:
    """Read one whole frame that a meter sent, wake-up bytes before it allowed.

    Raises FrameError, naming the byte, when it isn't a whole checked answer.
    """
    frame = parse(raw, dialect.extra_bytes)
    if not frame.control & ANSWER:
        what = f"C {frame.control:02X} is a master's command, not an answer"
        raise FrameError(what, frame.start + CONTROL_AT)
    data = unmasked(frame.data, dialect)
    at = frame.start + DATA_AT
    address = printed_address(frame.address, dialect.address_high_first)
    di = ser = -1
    if frame.control & ABNORMAL:
        head = 1 if data else 0
        ser = data[0] if data else -1
        letters = "w" if len(data) == _ERROR_DATA_BYTES else ""
    elif len(data) < HEAD_BYTES:
        head, letters = 0, ""
    else:
        head = HEAD_BYTES
        di = layouts.identifier(data[0], data[1])
        ser = data[2]
        letters = layouts.layout(di, frame.type, len(data) - head, dialect)
    records = _records(data, head, at, letters, di, frame.type, dialect)
    if frame.control & ~ANSWER in (READ_ADDRESS, READ_ADDRESS_VENDOR):
        records.insert(0, _address_record(frame, address))
    status = b""
    if letters[-1:] == "w" and records:
        status = records[-1].data
    return Telegram(PROTOCOL, frame.type, address, frame.control, di, ser, records, status)


def find(telegram: Telegram, quantity: str, storage: int = 0) -> "Reading | None":
    """The first reading of a quantity and storage; None when the telegram has none."""
    for record in telegram.records:
        if record.reading.quantity == quantity and record.reading.storage == storage:
            return record.reading
    return None


def unmasked(data: bytes, dialect: Dialect) -> bytes:
    """DATA without what the dialect adds to every byte."""
    if not dialect.mask:
        return data
    return bytes([(byte - dialect.mask) & 0xFF for byte in data])


def _records(
    data: bytes, head: int, at: int, letters: str, di: int, kind: int, dialect: Dialect
) -> "list[Record]":
    found: list[Record] = []
    where = head
    for letter in letters:
        size = layouts.size_of(letter)
        part = data[where : where + size]
        if size:
            number = len(found)
            reading = _reading(letter, number, part, di, kind, dialect)
            found.append(Record(at + where, size, part, reading))
            where += size
    rest = data[where:]
    if rest:
        reason = "bytes of the vendor's own" if letters else "no layout is known for this answer"
        reading = fields.unreadable("unknown", reason, rest.hex().upper())
        found.append(Record(at + where, len(rest), rest, reading))
    return found


def _reading(
    letter: str, number: int, part: bytes, di: int, kind: int, dialect: Dialect
) -> Reading:
    high = di >> 8
    freeze = ""
    storage = 0
    if high in (layouts.TIMED_FREEZE, layouts.INSTANT_FREEZE):
        freeze = ":timed_freeze" if high == layouts.TIMED_FREEZE else ":instant_freeze"
        storage = layouts.storage(di)
    if letter in _VALUES:
        quantity, decimals, own = _VALUES[letter]
        return fields.value(part, dialect, quantity + freeze, decimals, storage or own)
    if letter == "x":
        return _settlement(number, part, di, kind, dialect)
    plain = fields.PLAIN.get(letter)
    if plain is None:
        # The rare ones stay off the board's heap until one comes.
        from nuan_protocols.cjt188 import odd

        plain = odd.PLAIN[letter]
    return plain(part, dialect, storage)


def _settlement(number: int, part: bytes, di: int, kind: int, dialect: Dialect) -> Reading:
    """One of the values of a past settlement day, which its unit names: heat, cooling, volume."""
    _, code = fields.split_value(part, dialect)
    known = fields.unit_of(code)
    quantity = "energy"
    if known is not None and known[0] == "m3":
        quantity = "volume"
    elif number or kind == layouts.TYPE_COOLING:
        quantity = "energy:cooling"
    return fields.value(part, dialect, quantity, 2, layouts.storage(di))


def _address_record(frame: Frame, address: str) -> Record:
    reading = Reading("bus_address", None, 0, "", 0, 0, 0, "instantaneous", "ok", address)
    at = frame.start + ADDRESS_AT
    return Record(at, ADDRESS_BYTES, frame.address, reading)
