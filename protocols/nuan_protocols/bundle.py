"""Firmware bundles: what a node's update is made of, and whether it may run.

      0  "nuF1"
      4  u8 format, 1             8  u16 chip of a VM image; 0xFFFF any
      5  u8 kind: 1 app, 2 image 10  u8 least version of the VM: major
      6  u8 version of .mpy files 11 u8 minor
      7  u8 zero
     12  u32 build                16  u32 payload's place in the file, a multiple of 4096
     20  u32 payload's bytes      24  8 bytes: name of the key
     32  SHA-256 of the manifest and what fills up to the payload
     64  SHA-256 of the payload
     96  version, 32 bytes of UTF-8, filled with zeros
    128  RSA-3072 signature (PKCS #1 v1.5, SHA-256) over bytes 0 to 127
    512  manifest: canonical JSON, then FF up to the payload
      .  payload: a ROMFS image, or a VM image of the ESP32; the file ends with it

Big-endian. A file on a board is damaged or whole: nothing is looked for behind a bad byte.
Needs nothing of ours, so that the loader can have a copy of its own.
"""

from hashlib import sha256
from struct import unpack_from

MAGIC = b"nuF1"
FORMAT = 1
APP = 1
IMAGE = 2
ANY_CHIP = 0xFFFF
SIGNED_BYTES = 128
HEAD_BYTES = 512
MODULUS_BYTES = 384
BLOCK_BYTES = 4096
# A manifest is checked before the first 32 KB are on flash.
PAYLOAD_AT_MAX = 32768
KEY_NAME_BYTES = 8
VERSION_AT = 96
_EXPONENT = 65537
# How a SHA-256 digest begins in a PKCS #1 v1.5 signature (RFC 8017, section 9.2).
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


class Head:
    """The head of a bundle, 512 bytes, without its signature checked.

    Raises ValueError with the reason when it can't be one.
    """

    def __init__(self, data: "bytes | bytearray | memoryview") -> None:
        if len(data) < HEAD_BYTES:
            raise ValueError("the bundle ends within its head")
        if bytes(data[:4]) != MAGIC:
            raise ValueError("no firmware bundle: it doesn't begin with nuF1")
        if data[4] != FORMAT:
            raise ValueError("format %d; this version reads format %d" % (data[4], FORMAT))
        self.kind, self.mpy, zero = data[5], data[6], data[7]
        self.chip, major, minor, self.build = unpack_from(">HBBI", data, 8)
        self.vm = (major, minor)
        self.payload_at, self.size = unpack_from(">II", data, 16)
        self.key = bytes(data[24:32])
        self.manifest_digest = bytes(data[32:64])
        self.digest = bytes(data[64:96])
        text = bytes(data[VERSION_AT:SIGNED_BYTES])
        try:
            self.version = text.rstrip(b"\x00").decode()
        except UnicodeError:
            raise ValueError("the version is no UTF-8") from None
        if self.kind not in (APP, IMAGE) or zero:
            raise ValueError("kind %d is not known" % self.kind)
        at = self.payload_at
        if at % BLOCK_BYTES or not HEAD_BYTES < at <= PAYLOAD_AT_MAX or not self.size:
            raise ValueError("the payload can't begin at byte %d" % at)
        if self.build >> 31:
            raise ValueError("build %d is too large" % self.build)

    def file_bytes(self) -> int:
        """The size of the whole file."""
        return self.payload_at + self.size


def key_name(modulus: "bytes | bytearray | memoryview") -> bytes:
    """The name of an update key, 8 bytes, from its modulus (384 bytes, big-endian)."""
    return sha256(modulus).digest()[:KEY_NAME_BYTES]


def is_signed(
    signed: "bytes | bytearray | memoryview",
    signature: "bytes | bytearray | memoryview",
    modulus: "bytes | bytearray | memoryview",
) -> bool:
    """Whether the signature (384 bytes) over `signed` is of the key with this modulus."""
    number = int.from_bytes(signature, "big")
    limit = int.from_bytes(modulus, "big")
    if len(signature) != MODULUS_BYTES or len(modulus) != MODULUS_BYTES or number >= limit:
        return False
    tail = b"\x00" + _DIGEST_INFO + sha256(signed).digest()
    wanted = b"\x00\x01" + b"\xff" * (MODULUS_BYTES - 2 - len(tail)) + tail
    return pow(number, _EXPONENT, limit).to_bytes(MODULUS_BYTES, "big") == wanted


def signer(data: "bytes | bytearray | memoryview", moduli: "list[bytes]") -> bytes:
    """The modulus of whoever signed this head. Raises ValueError when it is none of these."""
    name = bytes(data[24:32])
    for modulus in moduli:
        if key_name(modulus) == name:
            if is_signed(data[:SIGNED_BYTES], data[SIGNED_BYTES:HEAD_BYTES], modulus):
                return modulus
            raise ValueError("the signature doesn't fit")
    raise ValueError("signed by another key")


def fault(data: "bytes | bytearray | memoryview", moduli: "list[bytes]") -> str:
    """Why this bundle, at the beginning of `data`, may not run; empty when it may.

    Without any key the signature isn't checked: a board that was never provisioned.
    """
    try:
        head = Head(data)
        if moduli:
            signer(data, moduli)
    except ValueError as problem:
        return str(problem)
    end = head.file_bytes()
    if end > len(data):
        return "the bundle is cut off: %d bytes of %d" % (len(data), end)
    if sha256(data[head.payload_at : end]).digest() != head.digest:
        return "the payload doesn't have the hash of the head"
    return ""
