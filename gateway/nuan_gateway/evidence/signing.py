"""Ed25519 signatures of the gateway: key files, signing, checking.

signing.key   PKCS#8 PEM, mode 0600, made once at first start
signing.pub   SubjectPublicKeyInfo PEM, for everybody who checks bills or feeds
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nuan_gateway.errors import GatewayError
from nuan_gateway.whole_file import write_whole

PUBLIC_KEY_BYTES = 32
KEY_ID_BYTES = 8


class KeyFileError(GatewayError):
    """A key file can't be used; the message names the file and how to mend it."""


class Signer:
    """Holds the gateway's private key and signs bytes with it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        """The public key, 32 raw bytes."""

    @property
    def key_id(self) -> str:
        """The public key's short name in feeds: see `key_id`."""
        return key_id(self.public)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `data`."""
        return self._private.sign(data)


def key_id(public: bytes) -> str:
    """Return the first 8 bytes of SHA-256 over the raw public key, in hex: a name, no proof."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES].hex()


def signature_holds(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether `signature` (64 bytes) over `data` was made by the owner of `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_signer(data_dir: Path) -> Signer:
    """Load `data_dir`/signing.key, or make it with signing.pub beside it when there is none yet."""
    path = data_dir / "signing.key"
    if not path.exists():
        _create_key(path)
    signer = Signer(_load_private(path))
    public_path = data_dir / "signing.pub"
    if not public_path.exists():
        write_whole(public_path, public_pem(signer.public), mode=0o644)
    return signer


def public_pem(public: bytes) -> bytes:
    """Return the raw public key as SubjectPublicKeyInfo PEM, as openssl reads it."""
    return Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_public_key(text: str) -> bytes:
    """Return the raw public key from `text`, PEM or 64 hex digits; else raise KeyFileError."""
    stripped = text.strip()
    try:
        if stripped.startswith("-----BEGIN"):
            loaded = serialization.load_pem_public_key(stripped.encode())
            if isinstance(loaded, Ed25519PublicKey):
                return loaded.public_bytes_raw()
        elif len(raw := bytes.fromhex(stripped)) == PUBLIC_KEY_BYTES:
            return raw
    except ValueError:
        pass
    raise KeyFileError("expected an Ed25519 public key: a PEM file (signing.pub) or 64 hex digits")


def _create_key(path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_whole(path, pem, mode=0o600)


def _load_private(path: Path) -> Ed25519PrivateKey:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileError(f"{path}: mode {mode:o} lets others read the signing key; chmod 600 it")
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(
            f"{path}: not a private key in PKCS#8 PEM; restore it from the backup"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: not an Ed25519 key; restore it from the backup")
    return private
