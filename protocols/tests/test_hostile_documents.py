"""Signed documents and messages of the uplink, mutated: refused with a reason, or not signed.

10,000 of each kind.
"""

from collections.abc import Callable
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from nuan_protocols.ca_change import AuthorityChange, unsigned_authority
from nuan_protocols.errors import UplinkError
from nuan_protocols.key_change import KeyChange, unsigned_change
from nuan_protocols.sealed import is_signed, key_name
from nuan_protocols.uplink import command as commands
from nuan_protocols.uplink.ack import Ack, build_ack, parse_ack
from nuan_protocols.uplink.command import Command, build_command, parse_command
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import HEAD_BYTES, put_mac
from nuan_protocols.uplink.result import Result, build_result, parse_result

SEED = 20261121
COUNT = 10_000
KEYS = NodeKeys(bytes(range(32)))
WHO = (b"nuan\x00\x00\x00\x01", b"epoch--1", b"nonce--1")


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def modulus_of(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(384, "big")


def signed(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    return data + key.sign(data, padding.PKCS1v15(), SHA256())


def mutated(random: Random, data: bytes) -> bytes:
    """One to three changes, half of them in the first 40 bytes, now and then a cut or a tail."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(40) if random.random() < 0.5 else random.randrange(len(data))
        changed[at] ^= random.randrange(1, 256)
    kind = random.randrange(10)
    if kind == 0:
        return bytes(changed[: random.randrange(len(data))])
    if kind == 1:
        return bytes(changed) + random.randbytes(random.randrange(1, 40))
    return bytes(changed)


def documents(key: rsa.RSAPrivateKey) -> list[bytes]:
    name = key_name(modulus_of(key))
    certificate = b"\x30" + bytes(range(200))
    return [
        signed(key, unsigned_change(1, 7, name, b"\x81" + bytes(382) + b"\x01")),
        signed(key, unsigned_authority(1, 7, name, certificate)),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_no_mutated_document_is_taken_for_signed(signer: rsa.RSAPrivateKey, which: int) -> None:
    read: type[KeyChange | AuthorityChange] = (KeyChange, AuthorityChange)[which]
    document, modulus = documents(signer)[which], modulus_of(signer)
    assert read(document).is_signed_by(modulus)
    random = Random(SEED)
    reasons = 0
    for _ in range(COUNT):
        changed = mutated(random, document)
        if changed == document:
            continue
        try:
            found = read(changed)
        except ValueError as problem:
            reasons += bool(str(problem))
            continue
        assert not found.is_signed_by(modulus), (SEED, changed.hex())
    assert reasons > COUNT // 10


def test_a_signature_is_compared_as_a_whole(signer: rsa.RSAPrivateKey) -> None:
    """What lax checks of PKCS #1 v1.5 take: anything behind the digest, less or other padding."""
    modulus, numbers = modulus_of(signer), signer.private_numbers()
    n, d = numbers.public_numbers.n, numbers.d
    data = b"what is signed"
    good = signer.sign(data, padding.PKCS1v15(), SHA256())
    assert is_signed(data, good, modulus)
    block = pow(int.from_bytes(good, "big"), 65537, n).to_bytes(384, "big")
    tail = block[block.index(b"\x00", 2) :]
    forms = [
        b"\x00\x01" + b"\xff" * 8 + tail + bytes(384 - 10 - len(tail)),
        b"\x00\x01" + b"\xff" * 200 + tail + b"\xff" * (384 - 202 - len(tail)),
        b"\x00\x02" + block[2:],
        b"\x01" + block[1:],
        b"\x00\x01" + b"\xfe" + block[3:],
        # The digest without saying of which kind, and with the NULL left out.
        b"\x00\x01" + b"\xff" * (384 - 35) + b"\x00" + block[-32:],
        b"\x00\x01\xff\xff" + block[2:-51] + b"\x00\x30\x2f\x30\x0b" + block[-47:-34] + block[-32:],
    ]
    for each in forms:
        form = (each + bytes(384))[:384]
        forged = pow(int.from_bytes(form, "big") % n, d, n).to_bytes(384, "big")
        assert not is_signed(data, forged, modulus), form.hex()
    for number in (0, 1, n - 1, n, n + 1):
        assert not is_signed(data, number.to_bytes(384, "big"), modulus)
    assert not is_signed(data, b"\x00" + good, modulus)
    assert not is_signed(data, good, bytes(384))
    assert not is_signed(data, b"", b"")


MESSAGES: list[tuple[bytes, Callable[[bytes, NodeKeys], object], bool]] = [
    (
        build_command(Command(*WHO, 7, 6, commands.setpoint_payload(1, 195, 9, "me", "why")), KEYS),
        parse_command,
        False,
    ),
    (build_result(Result(*WHO, 7, 1, 0, "no zone 1"), KEYS), parse_result, True),
    (build_ack(Ack(*WHO, 7, False, 4, 1793500800, ((9, 12), (14, 14))), KEYS), parse_ack, False),
]


@pytest.mark.parametrize(("message", "parse", "is_up"), MESSAGES, ids=["command", "result", "ack"])
def test_mutated_messages_are_refused_and_authentic_nonsense_raises_nothing_else(
    message: bytes, parse: Callable[[bytes, NodeKeys], object], is_up: bool
) -> None:
    random = Random(SEED)
    key = KEYS.up if is_up else KEYS.down
    reasons: list[str] = []
    for number in range(COUNT):
        changed = bytearray(mutated(random, message))
        if number % 2:
            with pytest.raises(UplinkError):
                parse(bytes(changed), KEYS)
        elif len(changed) > HEAD_BYTES + 32:
            put_mac(changed, len(changed) - 32, key)
            try:
                found = parse(bytes(changed), KEYS)
            except UplinkError as problem:
                reasons.append(problem.reason)
            else:
                reasons += read_payload(found)
    assert reasons
    assert all(reasons)


def read_payload(found: object) -> list[str]:
    """What a node reads of an authentic command: its payload, by any code."""
    reasons: list[str] = []
    if isinstance(found, Command):
        for read in (
            commands.parse_begin,
            commands.parse_data,
            commands.parse_number,
            commands.parse_read,
            commands.parse_setpoint,
        ):
            try:
                read(found.payload)
            except UplinkError as problem:
                reasons.append(problem.reason)
    return reasons
