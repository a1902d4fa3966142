"""What a meter's answer says: header and records (EN 13757-3).

    68 L L 68 C A | CI | header | record, record, ... | sum 16

    record   DIF DIFE* VIF VIFE* data      see walk.py for its bounds, field.py for its value

Nothing is dropped: a record that can't be understood is kept with its bytes and the reason, and the
records around it are read. Only bytes that make the rest impossible to divide (a reserved DIF, a
record that is longer than the telegram) swallow what follows them, as one last record.
Layouts are remembered (plan.py), so that the same meter's next telegram is read at once.
"""

import sys
from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import frame, header
from nuan_protocols.mbus.records import Record, read_records

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from nuan_protocols.mbus import plan
    from nuan_protocols.mbus.columns import LateRecords, known_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.header import Header
    from nuan_protocols.reading import Reading

    class Telegram(NamedTuple):
        """One answer.

        header     None where the CI has none
        records    each record with its bytes; `readings` is what they say, in the same order
        more       another telegram follows
        """

        protocol: str
        control: int
        address: int
        ci: int
        header: Header | None
        records: Sequence[Record]
        more: bool
        readings: list[Reading]

    def _new_telegram(kind: type[Telegram], values: tuple[object, ...]) -> Telegram: ...

else:
    from collections import namedtuple

    # A namedtuple from its values at once, three times as fast as calling its type.
    _new_telegram = getattr(tuple, "__new__", None)
    Telegram = namedtuple(
        "Telegram",
        ("protocol", "control", "address", "ci", "header", "records", "more", "readings"),
    )

CI_VARIABLE = 0x72
CI_NO_HEADER = 0x78
CI_SHORT_HEADER = 0x7A

PROTOCOL = "mbus"

_REMEMBER = sys.implementation.name == "cpython"
_DATA_AT = 7


def decode(raw: "Buffer") -> Telegram:
    """Read one whole frame that a meter sent.

    Raises FrameError, naming the byte, when it isn't a whole checked answer with user data.
    """
    if not isinstance(raw, bytes):
        raw = bytes(raw)
    if _REMEMBER:
        layout = plan.match(raw)
        if layout is not None:
            return _from_plan(raw, layout)
    parsed = frame.parse(raw)
    if parsed.ci < 0:
        what = "an acknowledgement" if raw[0] == frame.ACK else "a master's short frame"
        raise FrameError(f"{what} carries no records; a meter's answer begins with 68", 0)
    if parsed.control & frame.FROM_MASTER:
        raise FrameError(f"C {parsed.control:02X} is a master's command, not an answer", 4)
    if parsed.ci in (CI_VARIABLE, CI_NO_HEADER, CI_SHORT_HEADER):
        known, records, more = _variable(parsed.raw, parsed.ci)
    else:
        # The rare ones stay off the board's heap until one comes.
        from nuan_protocols.mbus.special import read_special

        known, records = read_special(parsed.raw, parsed.ci)
        more = False
    readings = [record.reading for record in records]
    return Telegram(
        PROTOCOL, parsed.control, parsed.address, parsed.ci, known, records, more, readings
    )


def find(
    telegram: Telegram,
    quantity: str,
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
    function: str = "instantaneous",
) -> "Reading | None":
    """The first reading that is exactly this register; None when the telegram has none."""
    for reading in telegram.readings:
        if (
            reading.quantity == quantity
            and reading.storage == storage
            and reading.tariff == tariff
            and reading.subunit == subunit
            and reading.function == function
        ):
            return reading
    return None


def _from_plan(raw: bytes, layout: "plan.Plan") -> Telegram:
    columns = layout.columns or plan.columns_of(layout, raw)
    readings = columns.readings(raw)
    records = LateRecords(columns, raw, readings)
    known = known_header(raw)
    values = (PROTOCOL, raw[4], raw[5], CI_VARIABLE, known, records, layout.more, readings)
    return _new_telegram(Telegram, values)


def _variable(data: bytes, ci: int) -> "tuple[Header | None, list[Record], bool]":
    known = None
    start = _DATA_AT
    signature = -1
    if ci == CI_VARIABLE:
        known = header.long_header(data, _DATA_AT)
        start += header.LONG_HEADER_BYTES
    elif ci == CI_SHORT_HEADER:
        known = header.short_header(data, _DATA_AT)
        start += header.SHORT_HEADER_BYTES
    if known is not None:
        signature = known.signature
    records, more = read_records(data, start, signature)
    if _REMEMBER and ci == CI_VARIABLE:
        plan.remember(data)
    return known, records, more
