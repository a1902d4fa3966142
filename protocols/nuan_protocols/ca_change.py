"""Replacing a certificate authority that a node trusts: signed by one of its update keys.

      0  "nuA1"
      4  u8 format, 1              8  u32 number, higher than that of the change before
      5  u8 slot of the authority 12  8 bytes: name of the update key that signs
      6  u16 size of the certificate, 64 to 1536
     20  the certificate, DER
     then  RSA-3072 signature (PKCS #1 v1.5, SHA-256) over all bytes before it, 384 bytes

Big-endian.
"""

from struct import pack, unpack_from

from nuan_protocols.sealed import is_signed, key_name

MAGIC = b"nuA1"
FORMAT = 1
HEAD_BYTES = 20
SIGNATURE_BYTES = 384
CERTIFICATE_BYTES_MIN = 64
# What a board's store holds.
CERTIFICATE_BYTES_MAX = 1536
DOCUMENT_BYTES_MAX = HEAD_BYTES + CERTIFICATE_BYTES_MAX + SIGNATURE_BYTES
_SEQUENCE = 0x30


class AuthorityChange:
    """A document, read. Raises ValueError with the reason when it is none."""

    def __init__(self, data: "bytes | bytearray | memoryview") -> None:
        view = memoryview(data)
        if len(view) < HEAD_BYTES or bytes(view[:4]) != MAGIC:
            raise ValueError("no change of an authority: it begins with nuA1")
        kind, self.slot, size, self.number = unpack_from(">BBHI", view, 4)
        if kind != FORMAT or self.slot > 1:
            raise ValueError("a change of format %d for slot %d is not known" % (kind, self.slot))
        if self.number >> 31:
            raise ValueError("number %d is too large" % self.number)
        end = HEAD_BYTES + size
        if len(view) != end + SIGNATURE_BYTES:
            raise ValueError("%d bytes, but %d announced" % (len(view), end + SIGNATURE_BYTES))
        if not CERTIFICATE_BYTES_MIN <= size <= CERTIFICATE_BYTES_MAX or view[20] != _SEQUENCE:
            raise ValueError("it holds no certificate of at most %d bytes" % CERTIFICATE_BYTES_MAX)
        self.signer = bytes(view[12:20])
        self.certificate = bytes(view[HEAD_BYTES:end])
        self._signed = view[:end]
        self._signature = view[end:]

    def is_signed_by(self, modulus: bytes) -> bool:
        """Whether the update key with this modulus has signed it."""
        return key_name(modulus) == self.signer and is_signed(
            self._signed, self._signature, modulus
        )


def unsigned_authority(slot: int, number: int, signer: bytes, certificate: bytes) -> bytes:
    """What is signed: the signature follows it. The fields are those of the document."""
    head = MAGIC + pack(">BBHI", FORMAT, slot, len(certificate), number)
    return head + signer + certificate
