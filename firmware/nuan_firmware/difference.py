"""The difference between two byte strings of one length: what a meter's next telegram costs.

    one code:  bits 7..3 skip (0..31 equal bytes)   bits 2..0 count (0..7)   then `count` new bytes

Equal bytes at the end need no code. A code with count 0 and skip 31 stretches a longer skip. Codes
lie inside a block whose CRC was checked, so there is nothing to resynchronise to.
"""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

_SKIP_MAX = const(31)
_RUN_MAX = const(7)


def encode(old: "Buffer", new: "Buffer", out: "bytearray | memoryview", at: int, end: int) -> int:
    """Write at out[at:end] what turns `old` into `new`; return the offset behind, -1 = no room."""
    length = len(new)
    position = index = 0
    while True:
        while index < length and old[index] == new[index]:
            index += 1
        if index == length:
            return at
        skip = index - position
        position = index
        limit = min(length, index + _RUN_MAX)
        while index < limit and old[index] != new[index]:
            index += 1
        if at + skip // _SKIP_MAX + 1 + index - position > end:
            return -1
        while skip > _SKIP_MAX:
            out[at] = _SKIP_MAX << 3
            at += 1
            skip -= _SKIP_MAX
        out[at] = skip << 3 | index - position
        at += 1
        while position < index:
            out[at] = new[position]
            at += 1
            position += 1


def apply(codes: "Buffer", at: int, end: int, target: "bytearray | memoryview") -> bool:
    """Turn `target` in place from old to new; False when the codes lead out of it."""
    position = 0
    length = len(target)
    while at < end:
        code = codes[at]
        at += 1
        position += code >> 3
        count = code & _RUN_MAX
        if position + count > length or at + count > end:
            return False
        while count:
            target[position] = codes[at]
            at += 1
            position += 1
            count -= 1
    return True
