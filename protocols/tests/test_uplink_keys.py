"""HMAC against the standard library's and RFC 4231, and the keys derived from a node's key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.keys import MacKey, NodeKeys, equal

# RFC 4231, test cases 1, 2 and 4: key, data, HMAC-SHA-256.
RFC4231 = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
]


@pytest.mark.parametrize(("key", "data", "mac"), RFC4231)
def test_published_vectors(key: bytes, data: bytes, mac: str) -> None:
    assert MacKey(key).mac(data).hex() == mac


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=5))
def test_parts_are_taken_one_after_another(key: bytes, parts: list[bytes]) -> None:
    expected = hmac.digest(key, b"".join(parts), "sha256")
    made = MacKey(key)
    assert made.mac(*parts) == expected
    assert made.mac(*map(memoryview, parts)) == expected, "a key serves many messages"


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8), st.integers(1, 99))
def test_keys_and_salts_are_derived_as_written_down(key: bytes, epoch: bytes, seq: int) -> None:
    keys = NodeKeys(key)
    assert keys.up.mac(b"x") == hmac.digest(
        hmac.digest(key, b"nuan up 1", "sha256"), b"x", "sha256"
    )
    down = hmac.digest(key, b"nuan down 1", "sha256")
    assert keys.down.mac(b"x") == hmac.digest(down, b"x", "sha256")
    salted = hmac.digest(key, b"nuan salt 1", "sha256") + epoch + seq.to_bytes(4, "big")
    assert keys.salt(epoch, seq) == hashlib.sha256(salted).digest()[:16]


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_node_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(UplinkError, match=f"32 bytes, this one has {size}"):
        NodeKeys(bytes(size))


def test_a_mac_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(UplinkError, match="at most 64"):
        MacKey(bytes(65))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal_is_equality(left: bytes, right: bytes) -> None:
    assert equal(left, right) is (left == right)
    assert equal(left, bytearray(left))
