"""The records of a variable telegram, read once with everything kept."""

import sys
from typing import TYPE_CHECKING

from nuan_protocols.mbus.field import Field
from nuan_protocols.mbus.vib import Meaning, meaning
from nuan_protocols.mbus.walk import (
    BROKEN,
    DIF_MORE_FOLLOWS,
    FILLER,
    MANUFACTURER,
    next_span,
)
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.mbus.walk import Span

    class Record(NamedTuple):
        """One record: `length` bytes from byte `offset` of the frame, and what they say.

        dib, vib, data are its bytes; those of an undividable record are all in `data`.
        """

        offset: int
        length: int
        dib: bytes
        vib: bytes
        data: bytes
        reading: Reading

else:
    from collections import namedtuple

    Record = namedtuple("Record", ("offset", "length", "dib", "vib", "data", "reading"))

# Meters repeat the same few VIB: each is understood once, and its words are kept once.
_MEANINGS_MAX = 1024 if sys.implementation.name == "cpython" else 8

_TAIL_BYTES = 2
_AES_BLOCK_BYTES = 16
# Encryption modes of the configuration word that meters on a wire use: AES-128, CBC.
_MODES_AES = (5, 7)
_DECRYPTED_MARK = b"\x2f\x2f"

_meanings: dict[tuple[bytes, int], Meaning] = {}


def read_records(data: bytes, start: int, signature: int) -> tuple[list[Record], bool]:
    """All records of the checked frame from byte `start`, and whether another telegram follows."""
    end = len(data) - _TAIL_BYTES
    records: list[Record] = []
    more = False
    secret = encrypted_bytes(data, start, signature)
    if secret:
        reason = f"unreadable:encrypted, mode {signature >> 8 & 0x1F}"
        records.append(_record(data, start, start + secret, reason))
        start += secret
    while start < end:
        span = next_span(data, start, end)
        if span.kind == MANUFACTURER:
            more = data[start] == DIF_MORE_FOLLOWS
        if span.kind != FILLER:
            records.append(read_record(data, span))
        start = span.end
    return records, more


def read_record(data: bytes, span: "Span") -> Record:
    """The record that `span` marks."""
    offset = span.offset
    if span.kind == BROKEN:
        reason = f"unreadable:{span.reason} (byte {span.at})"
        return _record(data, offset, span.end, reason)
    if span.kind == MANUFACTURER:
        reading = _unread("manufacturer_specific", "unreadable:manufacturer's own data", "")
        dib, rest = data[offset : offset + 1], data[offset + 1 : span.end]
        return Record(offset, span.end - offset, dib, b"", rest, reading)
    dib = data[offset : span.vib]
    value = data[span.data : span.end]
    found = meaning_at(data, span)
    reading = Field(dib, found).reading(value)
    return Record(offset, span.end - offset, dib, found.vib, value, reading)


def meaning_at(data: bytes, span: "Span") -> Meaning:
    """What the VIB of a record says."""
    vib = data[span.vib : span.data]
    text = span.text - span.vib if span.text else 0
    found = _meanings.get((vib, text))
    if found is None:
        if len(_meanings) >= _MEANINGS_MAX:
            _meanings.clear()
        found = _meanings[vib, text] = meaning(vib, text)
    return found


def encrypted_bytes(data: bytes, start: int, signature: int) -> int:
    """How many bytes from `start` are encrypted.

    Before 2010 the configuration word was an unused signature with any value. It means encryption
    only when mode, number of blocks and length agree and the decrypted mark 2F 2F isn't there.
    """
    if not may_be_encrypted(signature):
        return 0
    size = (signature >> 4 & 0x0F) * _AES_BLOCK_BYTES
    left = len(data) - _TAIL_BYTES - start
    if size == 0 or size > left or data[start : start + 2] == _DECRYPTED_MARK:
        return 0
    return size


def may_be_encrypted(signature: int) -> bool:
    """The configuration word names an encryption mode; -1: there is no such word."""
    return signature >= 0 and signature >> 8 & 0x1F in _MODES_AES


def whole(data: bytes, start: int, quantity: str, status: str, text: str) -> Record:
    """Everything from `start` to the checksum as one record without DIB and VIB."""
    end = len(data) - _TAIL_BYTES
    return Record(start, end - start, b"", b"", data[start:end], _unread(quantity, status, text))


def _record(data: bytes, start: int, end: int, status: str) -> Record:
    return Record(start, end - start, b"", b"", data[start:end], _unread("unknown", status, ""))


def _unread(quantity: str, status: str, text: str) -> Reading:
    return Reading(quantity, None, 0, "", 0, 0, 0, "instantaneous", status, text)
