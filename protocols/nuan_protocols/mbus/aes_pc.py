"""AES-128 on the PC, from `cryptography`; the board has its own (aes.py)."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def decrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Whole blocks of 16 bytes."""
    machine = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return machine.update(data) + machine.finalize()


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes: what the standard's CMAC is made of."""
    machine = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - one block only
    return machine.update(block) + machine.finalize()
