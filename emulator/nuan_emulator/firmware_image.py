"""Firmware bundles from what was staged, and VM images as a chip takes them.

The format of a bundle is nuan_protocols.bundle's.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from nuan_emulator import romfs
from nuan_protocols import bundle

# mpy-cross of 1.25 writes version 6; its bytecode runs on every VM that reads this version.
MPY_VERSION = 6
VM_AT_LEAST = (1, 25)
VERSION_BYTES_MAX = bundle.SIGNED_BYTES - bundle.VERSION_AT

# Of a file's SHA-256 in the manifest: a whole one for each would cost a slot 4 KB more.
_DIGITS = 16

Sign = Callable[[bytes], bytes]


class Label(NamedTuple):
    """What a bundle says of itself: version, build (0 to 2**31 - 1), and the key's name."""

    version: str
    build: int
    key: bytes = bytes(bundle.KEY_NAME_BYTES)


def unsigned(signed: bytes) -> bytes:  # noqa: ARG001  # a signer that isn't one
    """No signature: for boards that know no key."""
    return bytes(bundle.MODULUS_BYTES)


def app_bundle(
    folder: Path,
    label: Label,
    sign: Sign = unsigned,
    joined: Mapping[str, list[str]] | None = None,
) -> bytes:
    """A folder as an application's bundle; equal files and labels give equal bytes.

    `joined`: which modules were joined into which, for whoever reads a node's tracebacks.
    """
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest: dict[str, object] = {"kind": "app", "files": files, "mpy": MPY_VERSION}
    if joined:
        manifest["joined"] = dict(joined)
    return _bundle(bundle.APP, romfs.image(folder), label, manifest, sign)


def image_bundle(
    image: bytes, label: Label, sign: Sign = unsigned, *, chip: int = bundle.ANY_CHIP
) -> bytes:
    """A VM image as a bundle; `chip` as in the image's own head."""
    return _bundle(bundle.IMAGE, image, label, {"kind": "image", "chip": chip}, sign, chip=chip)


def _bundle(
    kind: int,
    payload: bytes,
    label: Label,
    manifest: dict[str, object],
    sign: Sign,
    *,
    chip: int = bundle.ANY_CHIP,
) -> bytes:
    version = label.version.encode()
    if len(version) > VERSION_BYTES_MAX or not 0 <= label.build < 2**31:
        raise ValueError(f"version {label.version!r} or build {label.build} is too long")
    digest = hashlib.sha256(payload).digest()
    said = {
        **manifest,
        "format": bundle.FORMAT,
        "name": "nuan",
        "version": label.version,
        "build": label.build,
        "size": len(payload),
        "sha256": digest.hex(),
        "vm": "{}.{}".format(*VM_AT_LEAST),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    step = bundle.HEAD_BYTES if kind == bundle.APP else bundle.BLOCK_BYTES
    payload_at = -(-(bundle.HEAD_BYTES + len(text)) // step) * step
    if payload_at > bundle.PAYLOAD_AT_MAX:
        raise ValueError(f"the manifest of {len(text)} bytes is too long")
    text += b"\xff" * (payload_at - bundle.HEAD_BYTES - len(text))
    head = bundle.MAGIC + struct.pack(
        ">BBBBHBBIII", bundle.FORMAT, kind, MPY_VERSION, 0, chip, *VM_AT_LEAST, label.build,
        payload_at, len(payload),
    )  # fmt: skip
    head += label.key + hashlib.sha256(text).digest() + digest
    head += version + bytes(VERSION_BYTES_MAX - len(version))
    return head + sign(head) + text + payload


def vm_image(content: bytes, *, chip: int = 0) -> bytes:
    """An image that an ESP32 accepts for flashing: one segment, its checksum and its SHA-256."""
    content += bytes(-len(content) % 4)
    head = bytes([0xE9, 1, 2, 0x20]) + bytes(8) + struct.pack("<H", chip) + bytes(9) + b"\x01"
    checksum = 0xEF
    for byte in content:
        checksum ^= byte
    image = head + struct.pack("<II", 0x3F400020, len(content)) + content
    image += bytes(15 - len(image) % 16) + bytes([checksum])
    return image + hashlib.sha256(image).digest()
