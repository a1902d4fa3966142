"""Encrypted M-Bus telegrams, made by EN 13757-7: security modes 5 and 7.

Mode 5   CI 72, header with the configuration word 05x0h, AES-128-CBC over 2F 2F records 2F ...;
         initial vector: manufacturer, identification, version, medium, 8 x access number
Mode 7   CI 90 and the authentication layer (counter, CMAC) in front, configuration word 07x0h and
         its extension 10h; keys of the message: CMAC over 00 or 01, counter, identification, 7 x 07
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK_BYTES = 16
HEADER_END = 15
"""Control, address, CI and the 12 bytes of the long header."""
CI_AUTHENTICATION = 0x90
FRAGMENT_CONTROL = 0x2C00
"""One fragment with message control, message counter and CMAC."""
MESSAGE_CONTROL = 0x25
"""The message has a counter, and 8 bytes of an AES-CMAC."""
KEY_DERIVED = 0x10


@dataclass
class Secret:
    """A meter's key of 16 bytes, its security mode (5 or 7) and its message counter."""

    key: bytes
    mode: int
    counter: int = 0
    filler: bytes = field(default=b"\x2f")

    def hide(self, user_data: bytes, access_number: int) -> bytes:
        """The same telegram, its records encrypted."""
        records = b"\x2f\x2f" + user_data[HEADER_END:]
        records += self.filler * (-len(records) % BLOCK_BYTES)
        blocks = len(records) // BLOCK_BYTES
        word = struct.pack("<H", self.mode << 8 | blocks << 4)
        identity = user_data[3:11]
        head = user_data[2 : HEADER_END - 2] + word
        if self.mode == 5:
            vector = identity[4:6] + identity[:4] + identity[6:] + bytes([access_number]) * 8
            return user_data[:2] + head + _encrypt(self.key, vector, records)
        self.counter += 1
        counter = struct.pack("<I", self.counter)
        message = head + bytes([KEY_DERIVED])
        message += _encrypt(self._key(0, counter, identity), bytes(BLOCK_BYTES), records)
        mac_key = self._key(1, counter, identity)
        mac = _cmac(mac_key, bytes([MESSAGE_CONTROL]) + counter + message)[:8]
        layer = struct.pack("<HB", FRAGMENT_CONTROL, MESSAGE_CONTROL) + counter + mac
        return user_data[:2] + bytes([CI_AUTHENTICATION, len(layer)]) + layer + message

    def _key(self, purpose: int, counter: bytes, identity: bytes) -> bytes:
        return _cmac(self.key, bytes([purpose]) + counter + identity[:4] + b"\x07" * 7)


def _encrypt(key: bytes, vector: bytes, plain: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def _cmac(key: bytes, message: bytes) -> bytes:
    made = CMAC(algorithms.AES(key))
    made.update(message)
    return made.finalize()
