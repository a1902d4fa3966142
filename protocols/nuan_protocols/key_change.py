"""Replacing an update key: signed by the other key, so that a lost one can be shut out.

      0  "nuK1"
      4  u8 format, 1              8  u32 number, higher than that of the change before
      5  u8 slot of the new key   12  8 bytes: name of the key that signs, of the other slot
      6  u16 zero                 20  modulus of the new key, 384 bytes
    404  RSA-3072 signature (PKCS #1 v1.5, SHA-256) over bytes 0 to 403

Big-endian, 788 bytes.
"""

from struct import pack, unpack_from

from nuan_protocols.sealed import is_signed, key_name

MAGIC = b"nuK1"
FORMAT = 1
MODULUS_BYTES = 384
SIGNED_BYTES = 20 + MODULUS_BYTES
DOCUMENT_BYTES = SIGNED_BYTES + MODULUS_BYTES


class KeyChange:
    """A document, read. Raises ValueError with the reason when it is none."""

    def __init__(self, data: "bytes | bytearray | memoryview") -> None:
        if len(data) != DOCUMENT_BYTES or bytes(data[:4]) != MAGIC:
            raise ValueError("no change of an update key: %d bytes from nuK1 on" % DOCUMENT_BYTES)
        kind, self.slot, zero, self.number = unpack_from(">BBHI", data, 4)
        if kind != FORMAT or self.slot > 1 or zero:
            raise ValueError("a change of format %d for slot %d is not known" % (kind, self.slot))
        self.signer = bytes(data[12:20])
        self.modulus = bytes(data[20:SIGNED_BYTES])
        if self.number >> 31:
            raise ValueError("number %d is too large" % self.number)
        if not self.modulus[0] & 0x80 or not self.modulus[-1] & 1:
            raise ValueError("the new key is no modulus of 3072 bits")
        self._data = bytes(data)

    def is_signed_by(self, modulus: bytes) -> bool:
        """Whether the key with this modulus has signed it."""
        data = self._data
        return key_name(modulus) == self.signer and is_signed(
            data[:SIGNED_BYTES], data[SIGNED_BYTES:], modulus
        )


def unsigned_change(slot: int, number: int, signer: bytes, modulus: bytes) -> bytes:
    """What is signed: the signature follows it. The fields are those of the document."""
    return MAGIC + pack(">BBHI", FORMAT, slot, 0, number) + signer + modulus
