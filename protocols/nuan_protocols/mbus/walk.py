"""Where each record of a variable telegram begins and ends (EN 13757-3), without its meaning.

    DIF | DIFE 0..10 | VIF | VIFE 0..10 | data        DIF 0F, 1F: the rest is the manufacturer's
                                                      DIF 2F: filler, alone

The node needs no more than this to know whether another telegram follows (DIF 1F).

A plain-text unit (VIF 7C, FC) is a length byte and that many characters, the last one first. With
VIF FC it stands right behind the VIF in EN 1434-3, but behind the last VIFE in EN 13757-3, and
nothing in the telegram says which. Both are tried: the text must be printable and the record must
fit; if both do, the reading that lets the rest of the telegram parse to its end is the right one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Span(NamedTuple):
        """One record: data[offset:end], with kind RECORD, FILLER, MANUFACTURER or BROKEN.

        vib, data   offsets of the VIF and of the first data byte
        text        offset of the length byte of a plain-text unit, 0 without one
        reason, at  BROKEN: what is wrong and at which byte; the span reaches to the end
        """

        kind: int
        offset: int
        vib: int
        data: int
        end: int
        text: int
        reason: str
        at: int

else:
    from collections import namedtuple

    Span = namedtuple("Span", ("kind", "offset", "vib", "data", "end", "text", "reason", "at"))

RECORD = 0
FILLER = 1
MANUFACTURER = 2
BROKEN = 3

DIFES_MAX = 10
VIFES_MAX = 10

EXTENSION_BIT = 0x80
DIF_MANUFACTURER = 0x0F
DIF_MORE_FOLLOWS = 0x1F
DIF_FILLER = 0x2F
CODE_REAL = 0x05
CODE_VARIABLE = 0x0D
CODE_SPECIAL = 0x0F
VIF_PLAIN_TEXT = 0x7C

# Bytes of data for the low nibble of the DIF; 0D says its own length, 0F has none.
DATA_BYTES = b"\x00\x01\x02\x03\x04\x04\x06\x08\x00\x01\x02\x03\x04\x00\x06\x00"

# CI of answers made of records -> bytes of header before the first.
HEADER_BYTES_OF_CI = {0x72: 12, 0x78: 0, 0x7A: 4}
USER_DATA_AT = 7

_TRIALS_MAX = 3


def variable_bytes(length: int) -> int:
    """How many bytes follow the LVAR byte `length`; -1 for the reserved ones."""
    if length < 0xC0:
        return length
    if length < 0xF0:
        return length & 0x0F
    if length < 0xF5:
        return 4 * (length - 0xEC)
    return {0xF5: 48, 0xF6: 64}.get(length, -1)


def more_follows(frame: "Buffer") -> bool:
    """True when a checked answer ends with DIF 1F: ask again for the next telegram."""
    header = HEADER_BYTES_OF_CI.get(frame[6], -1)
    offset, end = USER_DATA_AT + header, len(frame) - 2
    if header < 0:
        return False
    if header:
        offset += _secret_bytes(frame, offset, end)
    while offset < end:
        span = next_span(frame, offset, end)
        if span.kind == MANUFACTURER:
            return frame[span.offset] == DIF_MORE_FOLLOWS
        offset = span.end
    return False


def _secret_bytes(frame: "Buffer", offset: int, end: int) -> int:
    """Bytes that the configuration word in front of `offset` calls encrypted, and truly are."""
    mode, size = frame[offset - 1] & 0x1F, (frame[offset - 2] >> 4) * 16
    if mode == 7 and size:
        # The configuration's extension.
        size += 1
    clear = bytes(frame[offset : offset + 2]) == b"\x2f\x2f"
    return 0 if mode not in (5, 7) or clear or size > end - offset else size


def next_span(data: "Buffer", offset: int, end: int, trials: int = 0) -> Span:
    """The record at `offset` of the user data that stops at `end`. Never raises."""
    if data[offset] & CODE_SPECIAL == CODE_SPECIAL:
        return _special(data, offset, end)
    vib = _chain_end(data, offset, end, DIFES_MAX)
    if vib < 0:
        return _broken(offset, end, end, f"more than {DIFES_MAX} DIFE", offset + DIFES_MAX + 1)
    if vib >= end:
        return _broken(offset, end, end, "the telegram ends before the VIF", end)
    if data[vib] & ~EXTENSION_BIT == VIF_PLAIN_TEXT:
        return _plain_text(data, offset, vib, end, trials)
    start = _chain_end(data, vib, end, VIFES_MAX)
    if start < 0:
        return _broken(offset, vib, end, f"more than {VIFES_MAX} VIFE", vib + VIFES_MAX + 1)
    return _with_data(data, offset, vib, start, end, 0)


def _special(data: "Buffer", offset: int, end: int) -> Span:
    dif = data[offset]
    if dif == DIF_FILLER:
        return Span(FILLER, offset, offset + 1, offset + 1, offset + 1, 0, "", 0)
    if dif in (DIF_MANUFACTURER, DIF_MORE_FOLLOWS):
        return Span(MANUFACTURER, offset, offset + 1, offset + 1, end, 0, "", 0)
    return _broken(offset, offset + 1, end, f"DIF {dif:02X} is reserved", offset)


def _chain_end(data: "Buffer", start: int, end: int, most: int) -> int:
    """Offset behind the byte at `start` and its extensions; -1: too many, > end: cut off."""
    offset = start
    while offset < end and data[offset] & EXTENSION_BIT:
        offset += 1
        if offset - start > most:
            return -1
    return offset + 1


def _with_data(data: "Buffer", offset: int, vib: int, start: int, end: int, text: int) -> Span:
    if start > end:
        return _broken(offset, vib, end, "the telegram ends inside the VIF and its VIFE", end)
    code = data[offset] & 0x0F
    if code == CODE_VARIABLE:
        if start == end:
            return _broken(offset, vib, end, "the telegram ends before the length of the data", end)
        size = variable_bytes(data[start])
        if size < 0:
            return _broken(offset, vib, end, f"data length {data[start]:02X} is reserved", start)
        size += 1
    else:
        size = DATA_BYTES[code]
    if start + size > end:
        reason = f"the telegram ends {start + size - end} bytes before the data does"
        return _broken(offset, vib, end, reason, end)
    return Span(RECORD, offset, vib, start, start + size, text, "", 0)


def _plain_text(data: "Buffer", offset: int, vib: int, end: int, trials: int) -> Span:
    early = _text_before_vife(data, offset, vib, end)
    if not data[vib] & EXTENSION_BIT:
        return early
    late = _text_behind_vife(data, offset, vib, end)
    if late.kind == BROKEN or not _printable(data, late.text):
        return early
    if early.kind == BROKEN or not _printable(data, early.text):
        return late
    if trials < _TRIALS_MAX and not _parses(data, early.end, end, trials + 1):
        return late if _parses(data, late.end, end, trials + 1) else early
    return early


def _text_before_vife(data: "Buffer", offset: int, vib: int, end: int) -> Span:
    text = vib + 1
    if text >= end or text + 1 + data[text] > end:
        return _broken(offset, vib, end, "the telegram ends inside the plain-text unit", end)
    start = text + 1 + data[text]
    if data[vib] & EXTENSION_BIT:
        start = _chain_end(data, start, end, VIFES_MAX - 1)
        if start < 0:
            return _broken(offset, vib, end, f"more than {VIFES_MAX} VIFE", text)
    return _with_data(data, offset, vib, start, end, text)


def _text_behind_vife(data: "Buffer", offset: int, vib: int, end: int) -> Span:
    text = _chain_end(data, vib, end, VIFES_MAX)
    if text < 0 or text >= end or text + 1 + data[text] > end:
        return _broken(offset, vib, end, "the telegram ends inside the plain-text unit", end)
    return _with_data(data, offset, vib, text + 1 + data[text], end, text)


def text_is_settled(data: "Buffer", span: Span, end: int) -> bool:
    """Whether the bytes in front of a record's data alone say where its plain-text unit stands.

    If so, a telegram with the same layout and other values is divided in the same way.
    """
    if not span.text or not data[span.vib] & EXTENSION_BIT:
        return True
    other = span.vib + 1
    if span.text == other:
        other = _chain_end(data, span.vib, end, VIFES_MAX)
    if not span.vib < other < span.data:
        return False
    text_end = other + 1 + data[other]
    if text_end > end or data[other] == 0:
        return True
    for index in range(other + 1, min(text_end, span.data)):
        if data[index] < 0x20 or 0x7F <= data[index] < 0xA0:
            return True
    return False


def _printable(data: "Buffer", text: int) -> bool:
    for index in range(text + 1, text + 1 + data[text]):
        if data[index] < 0x20 or 0x7F <= data[index] < 0xA0:
            return False
    return data[text] > 0


def _parses(data: "Buffer", offset: int, end: int, trials: int) -> bool:
    while offset < end:
        span = next_span(data, offset, end, trials)
        if span.kind == BROKEN:
            return False
        offset = span.end
    return True


def _broken(offset: int, vib: int, end: int, reason: str, at: int) -> Span:
    return Span(BROKEN, offset, vib, end, end, 0, reason, at)
