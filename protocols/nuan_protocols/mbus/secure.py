"""Encrypted telegrams, given the meter's key: security modes 5 and 7 (EN 13757-7, OMS volume 2).

mode 5   72 | long header, configuration x5n0 | n blocks | rest
         7A | short header, configuration x5n0 | n blocks | rest
mode 7   90 | length | FCL2 | MCL | key2? | counter4 | MAC | length2? |
             72 or 7A | header, configuration x7n0 | extension | n blocks | rest

Blocks of 16 bytes are AES-128 in CBC; deciphered they begin with 2F 2F. The initial vector of mode
5 is manufacturer, identification, version, medium and eight times the access number. Mode 7 has
zeros, and a key for each message: the AES-CMAC over 00, counter, identification and seven times
07; with 01 it is the key of the MAC, which covers MCL, counter, length and all from CI 72 or 7A on.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError, RecordError
from nuan_protocols.mbus import frame
from nuan_protocols.mbus.aes import BLOCK_BYTES, cmac, decrypt_cbc
from nuan_protocols.mbus.secondary import ADDRESS_BYTES, IDENTIFICATION_BYTES

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

KEY_BYTES = 16

CI_AUTHENTICATION = 0x90
_CI_LONG = 0x72
_CI_SHORT = 0x7A
_LONG_HEADER_BYTES = 12
_SHORT_HEADER_BYTES = 4
_TAIL_BYTES = 2

_MODE_CBC_HEADER = 5
_MODE_CBC_COUNTER = 7
_FOR_ENCRYPTION = 0
_FOR_MAC = 1
_MARK = b"\x2f\x2f"

# Fragment control: what the layer holds, in this order.
_MORE_FRAGMENTS = 0x4000
_HAS_CONTROL = 0x2000
_HAS_LENGTH = 0x1000
_HAS_COUNTER = 0x0800
_HAS_MAC = 0x0400
_HAS_KEY = 0x0200
_MAC_BYTES_OF_TYPE = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}


def decrypted(raw: "Buffer", key: bytes, address: bytes = b"") -> bytes:
    """The same telegram without encryption, as a whole frame for telegram.decode.

    `address`: the meter's 8 bytes as on the wire, for headers that don't say it. A telegram that
    isn't encrypted comes back as it is. Raises FrameError for a frame or key that can't be used,
    RecordError when key and telegram don't belong together.
    """
    if len(key) != KEY_BYTES:
        raise FrameError(f"a key has 16 bytes, this one has {len(key)}", 0)
    data = frame.parse(raw).raw
    if len(data) < frame.LONG_BYTES_MIN:
        return data
    layer = _Layer(data)
    at = layer.end
    size = {_CI_LONG: _LONG_HEADER_BYTES, _CI_SHORT: _SHORT_HEADER_BYTES}.get(data[at], 0)
    if not size:
        return data
    start, end = at + 1 + size, len(data) - _TAIL_BYTES
    if start > end:
        raise FrameError(f"the telegram ends inside the header, which has {size} bytes", end)
    if size == _LONG_HEADER_BYTES:
        address = data[at + 1 : at + 1 + ADDRESS_BYTES]
    word = data[start - 2] | data[start - 1] << 8
    mode, count = word >> 8 & 0x1F, (word >> 4 & 0x0F) * BLOCK_BYTES
    if mode not in (_MODE_CBC_HEADER, _MODE_CBC_COUNTER) or (not count and not layer.present):
        return data
    if len(address) != ADDRESS_BYTES:
        raise FrameError("a short header doesn't say who sends: the meter's address is needed", at)
    if mode == _MODE_CBC_COUNTER:
        start += 1
        if start + count <= end:
            key = layer.message_key(data, key, address, start + count)
        vector = bytes(BLOCK_BYTES)
    else:
        vector = _vector(address, data[start - 4])
    if start + count > end:
        raise FrameError(f"{count} encrypted bytes don't fit the telegram", start)
    plain = decrypt_cbc(key, vector, data[start : start + count])
    if count and plain[:2] != _MARK:
        raise RecordError("deciphered, it doesn't begin with 2F 2F: this isn't its key", start)
    head = data[at + 1 : at + 1 + size - 2] + bytes((0, 0))
    records = plain + data[start + count : end]
    return frame.long_frame(data[4], data[5], data[at], head + records)


def message_key(key: bytes, purpose: int, counter: bytes, identification: bytes) -> bytes:
    """The key of one message in mode 7: `purpose` 0 to encrypt, 1 for its MAC."""
    return cmac(key, bytes((purpose,)) + counter + identification + b"\x07" * 7)


class _Layer:
    """The authentication layer in front of a message; `end` is where the message's CI stands."""

    def __init__(self, data: bytes) -> None:
        at = frame.USER_DATA_AT - 1
        self.present = data[at] == CI_AUTHENTICATION
        self.end = at
        self.mac_at = self.mac_bytes = 0
        self.counter = self.control = self.length = b""
        if not self.present:
            return
        self.end = at + 2 + data[at + 1]
        # FCL and MCL at least, and a CI behind.
        if data[at + 1] < 3 or self.end >= len(data) - _TAIL_BYTES:
            raise FrameError("the telegram ends inside the authentication layer", at + 1)
        holds = data[at + 2] | data[at + 3] << 8
        if holds & _MORE_FRAGMENTS or holds & 0xFF > 1:
            raise FrameError("a message in fragments, which no wired meter sends", at + 2)
        at += 4
        if holds & _HAS_CONTROL:
            self.control = data[at : at + 1]
            self.mac_bytes = _MAC_BYTES_OF_TYPE.get(data[at] & 0x0F, 0)
            at += 1
        if holds & _HAS_KEY:
            at += 2
        if holds & _HAS_COUNTER:
            self.counter = data[at : at + 4]
            at += 4
        if holds & _HAS_MAC:
            self.mac_at = at
            at += self.mac_bytes
        if holds & _HAS_LENGTH:
            self.length = data[at : at + 2]
            at += 2
        if at != self.end:
            raise FrameError(f"the authentication layer has {at - self.end} bytes too few", at)

    def message_key(self, data: bytes, key: bytes, address: bytes, end: int) -> bytes:
        """Check the MAC over the message up to `end`; gives the key to decipher it with."""
        if not self.counter:
            raise FrameError("mode 7 needs the message counter of an authentication layer", 6)
        identification = address[:IDENTIFICATION_BYTES]
        if self.mac_at:
            signed = self.control + self.counter + self.length + data[self.end : end]
            made = cmac(message_key(key, _FOR_MAC, self.counter, identification), signed)
            if made[: self.mac_bytes] != data[self.mac_at : self.mac_at + self.mac_bytes]:
                raise RecordError(
                    "the MAC is wrong: changed on the way, or not its key", self.mac_at
                )
        return message_key(key, _FOR_ENCRYPTION, self.counter, identification)


def _vector(address: bytes, access_number: int) -> bytes:
    return address[4:6] + address[:4] + address[6:] + bytes((access_number,)) * 8
