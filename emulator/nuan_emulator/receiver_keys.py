"""Whom the receiver believes: public keys it was given beforehand, never one that came along."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from nuan_emulator.receiver_store import FeedError

SIGNATURE_PREFIX = "ed25519="
KEY_NAME_BYTES = 8


class TrustedKeys:
    """Public keys by hex or by PEM file; a file may appear after the receiver has started."""

    def __init__(self, specs: Sequence[str]) -> None:
        """`specs`: 64 hex digits or the path of a PEM file each."""
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._files: list[Path] = []
        for spec in specs:
            if len(spec) == 64 and all(c in "0123456789abcdefABCDEF" for c in spec):
                self._add(Ed25519PublicKey.from_public_bytes(bytes.fromhex(spec)))
            else:
                self._files.append(Path(spec))

    def check(self, key_id: str, header: str, body: bytes) -> None:
        """FeedError 401 unless the trusted key `key_id` (16 or 64 hex digits) signed `body`."""
        if not header.startswith(SIGNATURE_PREFIX):
            raise FeedError(401, "Nuan-Signature must read ed25519=<base64>")
        try:
            signature = base64.b64decode(header[len(SIGNATURE_PREFIX) :], validate=True)
        except (ValueError, binascii.Error):
            raise FeedError(401, "Nuan-Signature is not base64") from None
        try:
            self._find(key_id.lower()).verify(signature, body)
        except InvalidSignature:
            raise FeedError(401, "the signature does not fit the body") from None

    def _find(self, key_id: str) -> Ed25519PublicKey:
        if key_id not in self._keys:
            for path in self._files:
                self._load(path)
        if key_id not in self._keys:
            raise FeedError(401, f"the key {key_id!r} is not trusted: name it with --trust")
        return self._keys[key_id]

    def _load(self, path: Path) -> None:
        try:
            key = load_pem_public_key(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            raise FeedError(500, f"{path} holds no public key in PEM") from None
        if isinstance(key, Ed25519PublicKey):
            self._add(key)

    def _add(self, key: Ed25519PublicKey) -> None:
        raw = key.public_bytes_raw()
        self._keys[raw.hex()] = key
        self._keys[hashlib.sha256(raw).digest()[:KEY_NAME_BYTES].hex()] = key
