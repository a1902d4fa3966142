"""Update keys: RSA-3072 in PEM files, the private one for its owner's eyes only.

A passphrase comes from the environment (NUAN_KEY_PASSPHRASE), else it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from nuan_protocols.bundle import MODULUS_BYTES
from nuan_protocols.sealed import key_name
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

BITS = 8 * MODULUS_BYTES
EXPONENT = 65537
VARIABLE = "NUAN_KEY_PASSPHRASE"
PUBLIC_SUFFIX = ".pub"

Ask = Callable[[], str]


class SigningKey:
    """A private update key; `modulus` has 384 bytes, `name` 8."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.modulus = _modulus(key.public_key())
        self.name = key_name(self.modulus)

    def sign(self, data: bytes) -> bytes:
        """The signature over the data, 384 bytes; the same each time."""
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def make_key(path: Path, passphrase: str) -> SigningKey:
    """Write a new key, mode 0600, and PATH.pub beside it; never over another. Raises UserError."""
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    for each in (path, public):
        if each.exists():
            raise UserError(tr("{file} exists; name another file", file=each))
    key = rsa.generate_private_key(EXPONENT, BITS)
    wrapped: KeySerializationEncryption = NoEncryption()
    if passphrase:
        wrapped = BestAvailableEncryption(passphrase.encode())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, wrapped)
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private)
        public.write_bytes(shown)
    except OSError as error:
        raise _unreadable(path, error) from error
    return SigningKey(key)


def read_key(path: Path, ask: Ask) -> SigningKey:
    """A private key from its file; `ask` gives the passphrase when one is needed."""
    data = _read(path)
    key: object
    try:
        key = load_pem_private_key(data, None)
    except TypeError:
        key = _protected(path, data, os.environ.get(VARIABLE) or ask())
    except ValueError as error:
        raise UserError(tr("{file}: no private key in PEM", file=path)) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise UserError(tr("{file}: no RSA key of {bits} bits", file=path, bits=BITS))
    return SigningKey(key)


def read_modulus(path: Path) -> bytes:
    """The modulus of a public key from its file, 384 bytes."""
    data = _read(path)
    try:
        key = load_pem_public_key(data)
    except ValueError as error:
        hint = tr("{file}: no public key in PEM; it ends in .pub", file=path)
        raise UserError(hint) from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != BITS:
        raise UserError(tr("{file}: no RSA key of {bits} bits", file=path, bits=BITS))
    return _modulus(key)


def _protected(path: Path, data: bytes, passphrase: str) -> object:
    try:
        return load_pem_private_key(data, passphrase.encode())
    except (TypeError, ValueError) as error:
        raise UserError(tr("{file}: the passphrase is wrong", file=path)) from error


def _modulus(key: rsa.RSAPublicKey) -> bytes:
    return key.public_numbers().n.to_bytes(MODULUS_BYTES, "big")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: {error.strerror}")
