"""key [NAME VALUE]: what the chip's store keeps secret or trusts; nothing secret is ever shown.

    key, fw_key0, fw_key1, ca0, ca1    shown by a fingerprint: 8 hex digits of a SHA-256
    wifi_key, mqtt_key, sim_pin ...    only whether it is there: a password could be guessed from it

Short ones are given in the line; authorities and update keys come as a transfer (transfer.py).
Who has unlocked the console has the node's key, and may replace any. A new node key is used from
the next restart on, by the console at once.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console import transfer
from nuan_firmware.console.locking import IDLE_S
from nuan_firmware.console.reply import Refused
from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_CONSOLE

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply
    from nuan_protocols.uplink.keys import Buffer

NAMES = ("name", "value", "do", "size", "sha256", "at", "data")
NODE_KEY = "key"
PASSWORDS = ("wifi_key", "mqtt_key", "ppp_key", "sim_pin")
_LARGE = ("fw_key0", "fw_key1", "ca0", "ca1")
_ALL = (NODE_KEY,) + PASSWORDS + _LARGE  # noqa: RUF005 - the board has no stars in tuples
_PASSWORD_BYTES_MAX = const(64)
# RSA-3072.
_MODULUS_BYTES = const(384)
_FINGERPRINT_DIGITS = const(8)


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """As asked."""
    if arguments.has("do"):
        if arguments.choice("do", transfer.STEPS) == "begin":
            name = arguments.choice("name", _LARGE)
            await transfer.begin(console, "key", LargeKey(name), arguments, reply)
        elif await transfer.go_on(console, "key", arguments, reply):
            _note(console, "replaced")
        return
    if arguments.has("name"):
        name = arguments.choice("name", _ALL)
        _set(console, name, arguments)
    await reply.rows("keys", "name", "set", "fingerprint")
    for name in _ALL:
        value = chip.blob(name)
        await reply.row(name, bool(value), fingerprint(value) if name not in PASSWORDS else "")
    await reply.end_rows()


def fingerprint(value: bytes) -> str:
    """Enough to tell keys apart, of no use to find one."""
    if not value:
        return ""
    digits: str = sha256(b"nuan fingerprint 1" + value).digest().hex()
    return digits[:_FINGERPRINT_DIGITS]


def _set(console: "Console", name: str, arguments: "Arguments") -> None:
    if name in _LARGE:
        raise Refused("%s comes as a transfer: do=begin" % name)
    if name == NODE_KEY:
        chip.set_blob(NODE_KEY, arguments.hexadecimal("value", chip.NODE_KEY_BYTES))
        # Whoever gave it is there, and may go on.
        console.open_s = console.node.clock.uptime() + IDLE_S
    else:
        chip.set_blob(name, arguments.text("value", _PASSWORD_BYTES_MAX).encode())
        if name == "sim_pin":
            # The card may have been mended: see hal/modem.py.
            chip.set_number("pin_refused", 0)
    _note(console, name + " set")


def _note(console: "Console", what: str) -> None:
    journal = getattr(console.node, "journal", None)
    if journal is not None:
        journal.event(EVENT_CONSOLE, "key: " + what)
        journal.flush()


class LargeKey:
    """Receives a certificate authority (DER) or an update key's modulus for one slot."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._digest = b""
        self._buffer = bytearray(0)
        self._at = 0

    def begin(self, size: int, digest: bytes) -> int:
        """As Receiver says; a transfer that broke off begins anew."""
        if size > chip.BLOB_BYTES_MAX:
            raise ValueError("%s has at most %d bytes" % (self._name, chip.BLOB_BYTES_MAX))
        if self._name.startswith("fw") and size != _MODULUS_BYTES:
            raise ValueError("an update key is a modulus of %d bytes" % _MODULUS_BYTES)
        self._digest = digest
        self._buffer = bytearray(size)
        self._at = 0
        return 0

    def data(self, offset: int, piece: "Buffer") -> int:
        """As Receiver says."""
        if offset == self._at:
            end = offset + len(piece)
            if end > len(self._buffer):
                raise ValueError("more than the %d bytes announced" % len(self._buffer))
            self._buffer[offset:end] = piece
            self._at = end
        return self._at

    def end(self) -> None:
        """As Receiver says; on flash when this returns."""
        if self._at != len(self._buffer):
            raise ValueError("%d of %d bytes are there" % (self._at, len(self._buffer)))
        if sha256(self._buffer).digest() != self._digest:
            raise ValueError("the SHA-256 doesn't match what has come")
        if self._name.startswith("ca") and self._buffer[0] != 0x30:
            raise ValueError("no certificate in DER: it would begin with 30")
        chip.set_blob(self._name, memoryview(self._buffer))
