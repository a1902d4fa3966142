"""Bundles and signatures, on CPython and on the board: what isn't whole and signed is refused."""

import random
from hashlib import sha256
from struct import pack

from nuan_protocols import bundle, sealed
from nuan_protocols.key_change import DOCUMENT_BYTES, KeyChange

SEED = 20251101
# Signed by this key: "nuan" * 32; made by OpenSSL with a key thrown away since.
MODULUS = bytes.fromhex(
    "e9ce116423d88139385803ecc4991f5c52efd52296d88624c4068b4aba4aaa7d"
    "4d57b0c0fc4381807ac5dd2eddc37f03a21438b6f0ffa42333213a6bf6abef25"
    "aaa73fcc2d08edfe562c062ede676ca460145c3908899230897687fee31bea8f"
    "555cf14e3d3e2326077d0ae3724890d7243421790389e9ad6719854bb3879416"
    "3d6fea226f4fc3e4a86da92beca250caca53205361cfc7099d7442be4c262636"
    "17464e4b454b9af3374e2b6606e81a7fab81ada85bcc18e48cdf48bc657ac271"
    "99752fb1c50c6ace44428dfb596cb52fe84fe9c5055bedce8a504f03a3406440"
    "f03b7407bd2d622f8066b38c520e6d68ed2b900b8835a1760ec5a3a09992f0cc"
    "7d13a721aa8173a3240c62711a5506a257061241ffc0aeed4511c9f722b3854b"
    "a3bba2f1ef4ac06b6d68217e136a5556e688bf9b63a93dd175734f4897efc875"
    "04ecd0001ac7de2e4968dc31e826b9b1234eca1ce7c4a4ac950dcb65766a1c45"
    "138ab01fadafea5db30af41afad024de12b63ac245a5909fe51f27e2d1238a1d"
)
SIGNATURE = bytes.fromhex(
    "cba3b2c41fd9a8a1d4f2b40817dcdc1488a46556159d4e19003f1b2da435da60"
    "a02bea4c0c8d0123a8bf792ab422bca3893dbdcc0e0e8aac12f7c5fafa01eb52"
    "3899fcef85cc738ee999bf812a40898b5b1f9a6e409cf363cd3c667d35d38553"
    "051d6e6f627be227bac7832ff3b33684730da6028e51681c3a26da9778de1763"
    "7dfb62b04b56465bdef24569efacba3b100c628ca4c4c2498d82ff6e13cbf76e"
    "08418ad427943798900fe2016c44a2cce724238105d8d5aa082281f44201e167"
    "618deac6874a0757a446c9a8931b6baeec3000e7e9ef6367602265e36f13a91c"
    "04f67d6255090934f9fa9be438f3c95176f9a9abd47967cf888e9ea1529702ec"
    "d57f21d8359841e7f6885ee3d89b4b298e4e4ca65c691b78e978b2ca4968980c"
    "18d954f175b86855c3f98e0a09c0b9a1ff5187df659725b5e519e786a1b80a64"
    "45eee6b4754c1755c22f53ad2cc5080e57b3c19694c7a6524a542ffbf19a7d89"
    "7f86d385057bb670166989e4e16a7169c448e96a0f4ad85941072dd57e26ef1b"
)
SIGNED = b"nuan" * 32


def refusal(action):
    """The reason of a ValueError; anything else is a fault."""
    try:
        action()
    except ValueError as problem:
        return str(problem)
    return ""


def make_bundle(payload=b"payload", name=b"\x00" * 8):
    manifest = b"{}" + b"\xff" * (4096 - 512 - 2)
    head = b"nuF1" + pack(">BBBBHBBIII", 1, 1, 6, 0, 0xFFFF, 1, 25, 7, 4096, len(payload))
    head += name + sha256(manifest).digest() + sha256(payload).digest()
    head += b"1.2" + b"\x00" * 29
    return bytearray(head + b"\x00" * 384 + manifest + payload)


def test_a_signature_made_elsewhere_holds():
    assert sealed.is_signed(SIGNED, SIGNATURE, MODULUS)


def test_any_other_signature_text_or_key_does_not_hold():
    random.seed(SEED)
    for number in range(12):
        at = random.randrange(384)
        bit = 1 << random.randrange(8)
        signature, modulus, signed = bytearray(SIGNATURE), bytearray(MODULUS), bytearray(SIGNED)
        changed = (signature, modulus, signed)[number % 3]
        changed[at % len(changed)] ^= bit
        assert not sealed.is_signed(signed, signature, modulus), (number, at, bit)
    assert not sealed.is_signed(SIGNED, b"\xff" * 384, MODULUS)
    assert not sealed.is_signed(SIGNED, SIGNATURE[:-1], MODULUS)
    assert not sealed.is_signed(SIGNED, SIGNATURE, MODULUS[1:])
    assert not sealed.is_signed(SIGNED, bytes(384), MODULUS)


def test_a_head_says_what_a_bundle_is():
    head = bundle.Head(make_bundle())
    assert (head.kind, head.mpy, head.chip, head.vm) == (bundle.APP, 6, bundle.ANY_CHIP, (1, 25))
    assert (head.build, head.payload_at, head.size, head.version) == (7, 4096, 7, "1.2")
    assert head.file_bytes() == 4103


def test_the_payload_is_given_only_when_it_is_whole():
    data = make_bundle()
    assert bytes(sealed.payload(memoryview(data), [])) == b"payload"
    assert bytes(sealed.payload(memoryview(data + b"\xff" * 100), [])) == b"payload"
    assert "cut off" in refusal(lambda: sealed.payload(memoryview(data)[:-1], []))
    assert "no firmware" in refusal(lambda: sealed.payload(memoryview(data)[:511], []))
    assert "another key" in refusal(lambda: sealed.payload(memoryview(data), [MODULUS]))
    named = make_bundle(name=sealed.key_name(MODULUS))
    assert "doesn't fit" in refusal(lambda: sealed.payload(memoryview(named), [MODULUS]))
    data[-1] ^= 1
    assert "hash" in refusal(lambda: sealed.payload(memoryview(data), []))


def test_a_mutated_head_is_read_or_refused_with_a_reason():
    random.seed(SEED)
    original = make_bundle()[:512]
    refused = 0
    for _ in range(5000):
        data = bytearray(original)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(128)] = random.randrange(256)
        if random.randrange(10) == 0:
            data = data[: random.randrange(512)]
        reason = refusal(lambda data=data: bundle.Head(data))
        refused += 1 if reason else 0
    assert refused > 1000


def test_a_mutated_bundle_never_gives_another_payload():
    random.seed(SEED)
    original = make_bundle()
    for _ in range(2000):
        data = bytearray(original)
        for _ in range(random.randrange(1, 4)):
            data[random.choice((random.randrange(128), random.randrange(len(data))))] ^= (
                1 << random.randrange(8)
            )
        try:
            found = bytes(sealed.payload(memoryview(data), []))
        except ValueError:
            continue
        assert found == b"payload"


def test_a_change_of_keys_is_read_or_refused_with_a_reason():
    document = b"nuK1" + pack(">BBHI", 1, 0, 0, 3) + sealed.key_name(MODULUS) + MODULUS + bytes(384)
    assert len(document) == DOCUMENT_BYTES
    change = KeyChange(document)
    assert (change.slot, change.number, change.modulus) == (0, 3, MODULUS)
    assert not change.is_signed_by(MODULUS)
    for at, value in ((0, 0), (4, 2), (5, 2), (6, 1), (8, 0x80), (20, 0), (403, 2)):
        assert refusal(lambda at=at, value=value: KeyChange(with_byte(document, at, value)))
    assert refusal(lambda: KeyChange(document[:-1]))


def with_byte(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1 :]
