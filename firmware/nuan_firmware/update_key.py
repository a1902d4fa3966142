"""Replaces an update key by a document that the other key has signed. Loaded on demand."""

from hashlib import sha256
from typing import TYPE_CHECKING

from nuan_firmware.hal import chip, flash
from nuan_protocols.bundle import Head
from nuan_protocols.key_change import DOCUMENT_BYTES, KeyChange
from nuan_protocols.sealed import key_name
from nuan_protocols.uplink.body import EVENT_UPDATE

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

_NAMES = ("fw_key0", "fw_key1")


def change(document: bytes) -> str:
    """Put the new key into its slot; what was done, for people. Raises ValueError with the reason.

    The firmware that runs must be signed by the key that stays: else the next start would refuse
    it. What the idle slot holds may be refused from now on, until the next update.
    """
    asked = KeyChange(document)
    moduli = flash.moduli()
    other = moduli[1 - asked.slot]
    if not other:
        raise ValueError("slot %d has no key that could sign a change" % (1 - asked.slot))
    if not asked.is_signed_by(other):
        raise ValueError("it is not signed by the key of slot %d" % (1 - asked.slot))
    if asked.number < chip.number("fw_change", 0):
        raise ValueError("change %d is older than the last one" % asked.number)
    if flash.is_armed():
        raise ValueError("an update is on trial; wait for its end")
    if Head(flash.slots()[flash.good_slot()]).key != key_name(other):
        raise ValueError("what runs is not signed by the key that stays: update first")
    chip.set_blob(_NAMES[asked.slot], asked.modulus)
    chip.set_number("fw_change", asked.number)
    return "update key %d is now %s" % (asked.slot, key_name(asked.modulus).hex())


class Change:
    """Receives such a document in pieces. ValueErrors are refusals."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        self._journal = journal
        self._digest = b""
        self._data = bytearray(0)

    def begin(self, size: int, digest: bytes) -> int:
        """Begin anew, with a document of this SHA-256; the offset wanted next."""
        if size != DOCUMENT_BYTES:
            raise ValueError("a change of an update key has %d bytes" % DOCUMENT_BYTES)
        self._digest = bytes(digest)
        self._data = bytearray(0)
        return 0

    def data(self, offset: int, piece: "Buffer") -> int:
        """Keep the piece that is wanted, no other; the offset wanted next."""
        if offset == len(self._data):
            if offset + len(piece) > DOCUMENT_BYTES:
                raise ValueError("more than the %d bytes announced" % DOCUMENT_BYTES)
            self._data += piece
        return len(self._data)

    def end(self) -> None:
        """Check and carry it out."""
        if len(self._data) != DOCUMENT_BYTES or sha256(self._data).digest() != self._digest:
            raise ValueError("the document is not the one announced; send it again")
        text = change(bytes(self._data))
        if self._journal is not None:
            self._journal.event(EVENT_UPDATE, text)
            self._journal.flush()
