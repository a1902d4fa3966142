"""AES-128, from the board's cryptolib or from `cryptography` on the PC, and the CMAC made of it."""

import sys

__all__ = ("BLOCK_BYTES", "cmac", "decrypt_cbc", "encrypt_block")

BLOCK_BYTES = 16

_CMAC_CONSTANT = 0x87

if sys.implementation.name == "micropython":
    # Not by a statement: no other Python knows this module.
    _aes = __import__("cryptolib").aes
    _ECB = 1
    _CBC = 2

    def decrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
        """Whole blocks of 16 bytes."""
        plain: bytes = _aes(key, _CBC, vector).decrypt(data)
        return plain

    def encrypt_block(key: bytes, block: bytes) -> bytes:
        """One block of 16 bytes."""
        secret: bytes = _aes(key, _ECB).encrypt(block)
        return secret

else:
    from nuan_protocols.mbus.aes_pc import decrypt_cbc, encrypt_block


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC (RFC 4493), 16 bytes."""
    last = _doubled(encrypt_block(key, bytes(BLOCK_BYTES)))
    rest = len(message) % BLOCK_BYTES
    if rest or not message:
        last = _doubled(last)
        message += b"\x80" + bytes(BLOCK_BYTES - 1 - rest)
    state = bytes(BLOCK_BYTES)
    for at in range(0, len(message), BLOCK_BYTES):
        block = _xor(state, message[at : at + BLOCK_BYTES])
        if at + BLOCK_BYTES == len(message):
            block = _xor(block, last)
        state = encrypt_block(key, block)
    return state


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if block[0] & 0x80:
        number ^= 1 << 128 | _CMAC_CONSTANT
    return number.to_bytes(BLOCK_BYTES, "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes([one[at] ^ other[at] for at in range(BLOCK_BYTES)])
