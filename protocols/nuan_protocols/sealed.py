"""Whether a firmware bundle is whole and signed by a key one trusts; bundle.py has its format.

Needs nothing of ours: the loader of a board has a copy of its own, which no update ever touches.
Few names on purpose, for each is kept in a board's memory from boot on.
"""

from hashlib import sha256
from struct import unpack_from

_MAGIC = b"nuF1\x01"
_SIGNED_BYTES = 128
_HEAD_BYTES = 512
_MODULUS_BYTES = 384
_EXPONENT = 65537
# How a SHA-256 digest begins in a PKCS #1 v1.5 signature (RFC 8017, section 9.2).
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def key_name(modulus: "bytes | bytearray | memoryview") -> bytes:
    """The name of an update key, 8 bytes, from its modulus (384 bytes, big-endian)."""
    return sha256(modulus).digest()[:8]


def is_signed(
    signed: "bytes | bytearray | memoryview",
    signature: "bytes | bytearray | memoryview",
    modulus: "bytes | bytearray | memoryview",
) -> bool:
    """Whether the signature (384 bytes) over `signed` is of the key with this modulus."""
    number = int.from_bytes(signature, "big")
    limit = int.from_bytes(modulus, "big")
    if len(signature) != _MODULUS_BYTES or len(modulus) != _MODULUS_BYTES or number >= limit:
        return False
    tail = b"\x00" + _DIGEST_INFO + sha256(signed).digest()
    wanted = b"\x00\x01" + b"\xff" * (_MODULUS_BYTES - 2 - len(tail)) + tail
    return pow(number, _EXPONENT, limit).to_bytes(_MODULUS_BYTES, "big") == wanted


def signer(data: "bytes | bytearray | memoryview", moduli: "list[bytes]") -> bytes:
    """The modulus of whoever signed this head. Raises ValueError when it is none of these."""
    name = bytes(data[24:32])
    for modulus in moduli:
        if key_name(modulus) == name:
            if is_signed(data[:_SIGNED_BYTES], data[_SIGNED_BYTES:_HEAD_BYTES], modulus):
                return modulus
            raise ValueError("the signature doesn't fit")
    raise ValueError("signed by another key")


def payload(data: "memoryview", moduli: "list[bytes]") -> "memoryview":
    """What the bundle at the beginning of `data` brings. Raises ValueError unless it may be used.

    Without any key the signature isn't checked: a board that was never provisioned.
    """
    if len(data) < _HEAD_BYTES or bytes(data[:5]) != _MAGIC:
        raise ValueError("no firmware bundle of format 1")
    if moduli:
        signer(data, moduli)
    begin, size = unpack_from(">II", data, 16)
    if begin + size > len(data):
        raise ValueError("the bundle is cut off: %d bytes of %d" % (len(data), begin + size))
    if sha256(data[begin : begin + size]).digest() != bytes(data[64:96]):
        raise ValueError("the payload doesn't have the hash that its head gives")
    return data[begin : begin + size]
