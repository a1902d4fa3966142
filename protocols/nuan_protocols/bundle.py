"""Firmware bundles: what a node's update is made of, and whether it may run.

      0  "nuF1"
      4  u8 format, 1             8  u16 chip of a VM image; 0xFFFF any
      5  u8 kind: 1 app, 2 image 10  u8 least version of the VM: major
      6  u8 version of .mpy files 11 u8 minor
      7  u8 zero
     12  u32 build                16  u32 payload's place in the file, a multiple of 512;
                                  of 4096 for an image
     20  u32 payload's bytes      24  8 bytes: name of the key
     32  SHA-256 of the manifest and what fills up to the payload
     64  SHA-256 of the payload
     96  version, 32 bytes of UTF-8, filled with zeros
    128  RSA-3072 signature (PKCS #1 v1.5, SHA-256) over bytes 0 to 127
    512  manifest: canonical JSON, then FF up to the payload
      .  payload: a ROMFS image, or a VM image of the ESP32; the file ends with it

Big-endian. A file on a board is damaged or whole: nothing is looked for behind a bad byte.
sealed.py holds what a signature and a hash must be.
"""

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
        if (
            at % (HEAD_BYTES if self.kind == APP else BLOCK_BYTES)
            or not HEAD_BYTES < at <= PAYLOAD_AT_MAX
            or not self.size
        ):
            raise ValueError("the payload can't begin at byte %d" % at)
        if self.build >> 31:
            raise ValueError("build %d is too large" % self.build)

    def file_bytes(self) -> int:
        """The size of the whole file."""
        return int(self.payload_at + self.size)
