"""Secondary addresses: a meter is selected by who it is, and then answers at FD (EN 13757-7).

    68 0B 0B 68 53 FD 52 | id4 | manufacturer2 | version | medium | sum 16        -> E5

Nibble F of the identification, FF in any other byte: matches anything. Whoever doesn't match is
deselected. On the wire every field goes low byte first; as text an address is what is printed on
the meter, 16 digits: identification, manufacturer's code, version, medium.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.frame import ADDRESS_SELECTED, SND_UD, USER_DATA_AT, long_frame

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

CI_SELECT = 0x52
ADDRESS_BYTES = 8
IDENTIFICATION_BYTES = 4
ANY = 0xFF
ANY_NIBBLE = 0x0F

_MANUFACTURER_AT = 4
_VERSION_AT = 6
_TAIL_BYTES = 2
_CI_VARIABLE = 0x72
_CI_FIXED = 0x73
_CI_VARIABLE_HIGH_FIRST = 0x76
_CI_FIXED_HIGH_FIRST = 0x77


def wire(text: str) -> bytes:
    """The 8 bytes of a printed address of 16 hex digits. Raises FrameError at the wrong digit."""
    for at, digit in enumerate(text):
        if digit not in "0123456789abcdefABCDEF":
            raise FrameError(f"{digit!r} of secondary address {text!r} is no hex digit", at)
    if len(text) != 2 * ADDRESS_BYTES:
        reason = f"secondary address {text!r} has {len(text)} digits instead of 16"
        raise FrameError(reason, min(len(text), 2 * ADDRESS_BYTES))
    return _turned(bytes.fromhex(text))


def printed(address: "Buffer") -> str:
    """The 16 digits, in capitals, of 8 bytes as they go over the wire."""
    return "".join([f"{byte:02X}" for byte in _turned(address)])


def select_frame(address: bytes, control: int = SND_UD) -> bytes:
    """Selects whoever matches the 8 bytes; `control` is 53, or 73 with the frame count bit."""
    return long_frame(control, ADDRESS_SELECTED, CI_SELECT, address)


def who(raw: "Buffer") -> bytes:
    """The address that a checked answer's header shows, 8 bytes as on the wire.

    An old fixed structure has its identification only, FF for the rest; b"" without a header.
    """
    ci = raw[6]
    size = len(raw) - _TAIL_BYTES - USER_DATA_AT
    head = bytes(raw[USER_DATA_AT : USER_DATA_AT + ADDRESS_BYTES])
    if ci in (_CI_FIXED, _CI_FIXED_HIGH_FIRST):
        head = head[:IDENTIFICATION_BYTES] + bytes((ANY,)) * (ADDRESS_BYTES - IDENTIFICATION_BYTES)
    elif ci not in (_CI_VARIABLE, _CI_VARIABLE_HIGH_FIRST):
        return b""
    if size < ADDRESS_BYTES:
        return b""
    if ci in (_CI_VARIABLE_HIGH_FIRST, _CI_FIXED_HIGH_FIRST):
        head = _high_first(head)
    return head


def matches(mask: bytes, address: bytes) -> bool:
    """Whether a meter at `address` is selected by `mask`; what `address` doesn't know passes."""
    for at in range(ADDRESS_BYTES):
        wanted, shown = mask[at], address[at]
        if at >= IDENTIFICATION_BYTES:
            if ANY not in (wanted, shown) and wanted != shown:
                return False
        elif not _nibble(wanted >> 4, shown >> 4) or not _nibble(wanted & 15, shown & 15):
            return False
    return True


def is_meant(mask: bytes, raw: "Buffer") -> bool:
    """Whether a checked answer may come from who was selected; one that names nobody may."""
    shown = who(raw)
    return not shown or matches(mask, shown)


def _nibble(wanted: int, shown: int) -> bool:
    return wanted in (ANY_NIBBLE, shown)


def _high_first(head: bytes) -> bytes:
    identification = bytes((head[3], head[2], head[1], head[0]))
    return identification + bytes((head[5], head[4])) + head[_VERSION_AT:]


def _turned(address: "Buffer") -> bytes:
    """Wire order from printed order and back."""
    return _high_first(bytes(address))
