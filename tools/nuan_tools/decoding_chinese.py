"""CJ/T 188 and DL/T 645 telegrams in the form that all protocols have in decoding.py."""

from typing import TYPE_CHECKING, Any

from nuan_tools.decoding import Decoded, Record

if TYPE_CHECKING:
    from nuan_protocols.cjt188.probe import Verdict


def decode_cjt188(frame: bytes, dialect: str | None = None) -> Decoded:
    """Decodes a CJ/T 188 answer in a named dialect, else in the most credible one, which it says.

    Raises FrameError with the offset of the first wrong byte.
    """
    from nuan_protocols.cjt188.dialects import DIALECTS
    from nuan_protocols.cjt188.telegram import decode

    verdict = cjt188_verdict(frame, dialect)
    decoded = decode(frame, DIALECTS[verdict.dialect])
    header: dict[str, Any] = {
        "address": decoded.address,
        "type": decoded.type,
        "control": decoded.control,
        "di": None if decoded.di < 0 else f"{decoded.di:04X}",
        "ser": None if decoded.ser < 0 else decoded.ser,
        "status": decoded.status.hex() or None,
        "dialect": verdict.dialect,
        "state": verdict.state,
        "reason": verdict.reason,
    }
    records = [
        Record(each.offset, frame[each.offset : each.offset + each.length], each.reading)
        for each in decoded.records
    ]
    return Decoded("cjt188", header, records)


def cjt188_verdict(frame: bytes, dialect: str | None = None) -> "Verdict":
    """The verdict on a dialect, or on the most credible one, by this answer alone."""
    from nuan_protocols.cjt188 import probe
    from nuan_protocols.cjt188.dialects import DIALECTS

    if dialect is not None:
        return probe.judge(frame, DIALECTS[dialect])
    return probe.rank(frame)[0]


def decode_dlt645(frame: bytes) -> Decoded:
    """Decodes a DL/T 645 answer. Raises FrameError with the offset of the first wrong byte."""
    from nuan_protocols.dlt645.items import di_text
    from nuan_protocols.dlt645.telegram import decode

    decoded = decode(frame)
    header: dict[str, Any] = {
        "address": decoded.address,
        "version": decoded.version,
        "control": decoded.control,
        "di": None if decoded.di < 0 else di_text(decoded.version, decoded.di),
        "part": decoded.seq if decoded.seq > 0 else None,
        "more": decoded.more,
        "error": None if decoded.error < 0 else decoded.error,
    }
    records = [
        Record(each.offset, frame[each.offset : each.offset + each.length], each.reading)
        for each in decoded.records
    ]
    return Decoded("dlt645", header, records)
