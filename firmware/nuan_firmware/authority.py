"""Replaces a certificate authority by a document that an update key has signed. Loaded on demand.

The other slot stays as it is, so nodes are given the new authority first, then the broker its
certificate under it; when that works, the old authority may be replaced in its turn.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from nuan_firmware.hal import chip
from nuan_firmware.trust import CA_SLOTS
from nuan_protocols.ca_change import DOCUMENT_BYTES_MAX, AuthorityChange
from nuan_protocols.uplink.body import EVENT_LINK

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer


def change(document: bytes, moduli: "tuple[bytes, ...] | list[bytes]") -> str:
    """Put the authority into its slot; what was done, for people. ValueErrors are refusals.

    `moduli` are the update keys, empty ones where a slot has none. It is trusted from the next
    start on.
    """
    asked = AuthorityChange(document)
    if not [modulus for modulus in moduli if modulus and asked.is_signed_by(modulus)]:
        raise ValueError("it is not signed by an update key of this node")
    if asked.number <= chip.number("ca_change", 0):
        raise ValueError("change %d is not newer than the last one" % asked.number)
    _check(asked.certificate)
    chip.set_blob(CA_SLOTS[asked.slot], asked.certificate)
    chip.set_number("ca_change", asked.number)
    name = sha256(asked.certificate).digest()[:8].hex()
    return "authority %d is now %s" % (asked.slot, name)


def _check(certificate: bytes) -> None:
    """Have mbedTLS read it: what it can't read would end every connection from now on."""
    import tls

    try:
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except (ValueError, OSError) as problem:
        raise ValueError("the certificate can't be read: " + repr(problem)) from None


class Change:
    """Receives such a document in pieces. ValueErrors are refusals."""

    def __init__(self, journal: "Journal | None" = None) -> None:
        self._journal = journal
        self._digest = b""
        self._size = 0
        self._data = bytearray(0)

    def begin(self, size: int, digest: bytes) -> int:
        """Begin anew, with a document of this SHA-256; the offset wanted next."""
        if not 0 < size <= DOCUMENT_BYTES_MAX:
            raise ValueError("a change of an authority has at most %d bytes" % DOCUMENT_BYTES_MAX)
        self._size = size
        self._digest = bytes(digest)
        self._data = bytearray(0)
        return 0

    def data(self, offset: int, piece: "Buffer") -> int:
        """Keep the piece that is wanted, no other; the offset wanted next."""
        if offset == len(self._data):
            if offset + len(piece) > self._size:
                raise ValueError("more than the %d bytes announced" % self._size)
            self._data += piece
        return len(self._data)

    def end(self) -> None:
        """Check and carry it out."""
        if len(self._data) != self._size or sha256(self._data).digest() != self._digest:
            raise ValueError("the document is not the one announced; send it again")
        from nuan_firmware.hal import flash

        text = change(bytes(self._data), flash.moduli())
        if self._journal is not None:
            self._journal.event(EVENT_LINK, text)
            self._journal.flush()
