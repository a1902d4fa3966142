"""Binary coded decimal, two digits a byte, least significant byte first (EN 13757-3, type A)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer


def integer(data: "Buffer") -> int | None:
    """The number; F in the highest digit is a minus sign. None when any other digit is above 9."""
    text = digits(data)
    try:
        return -int(text[1:]) if text[:1] == "F" and len(text) > 1 else int(text)
    except ValueError:
        return None


def digits(data: "Buffer") -> str:
    """All digits, the highest first, leading zeros and A-F kept: b"\\x78\\x56" -> "5678"."""
    if not data:
        return ""
    return f"{int.from_bytes(data, 'little'):0{2 * len(data)}X}"
