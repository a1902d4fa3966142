"""A verifier written from docs/wire.md alone, with the standard library's tools only."""

import hashlib
import hmac
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.uplink import entry as entries
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.keys import NodeKeys

PAGE = Path(__file__).parents[2] / "docs" / "wire.md"


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def verify(message: bytes, key: bytes) -> list[tuple[int, bytes, bytes, bytes]]:
    """Check a BATCH; (seq, canonical entry, digest, chain value) of each entry."""
    k_up = hmac.digest(key, b"nuan up 1", "sha256")
    k_salt = hmac.digest(key, b"nuan salt 1", "sha256")
    signed, mac = message[:-32], message[-32:]
    assert hmac.compare_digest(hmac.digest(k_up, signed, "sha256"), mac), "not authentic"
    version, kind, node, epoch, _nonce, seq, count = struct.unpack_from(">BB8s8s8sIH", signed)
    assert (version, kind) == (1, 2), "not a batch of version 1"
    chain = signed[32:64]
    at = 64
    found = []
    for _ in range(count):
        (length,) = struct.unpack_from(">H", signed, at)
        part = signed[at + 2 : at + 2 + length]
        canonical = b"\x01" + part[:1] + node + epoch + struct.pack(">I", seq) + part[1:]
        salt = sha(k_salt, epoch, struct.pack(">I", seq))[:16]
        digest = sha(b"E", salt, canonical)
        chain = sha(b"C", chain, digest)
        found.append((seq, canonical, digest, chain))
        at += 2 + length
        seq += 1
    assert at == len(signed), "bytes left over"
    return found


def page_hex(title: str) -> bytes:
    """The bytes of the dump that follows a title in the page's example."""
    _, _, rest = PAGE.read_text().partition(f"\n{title}\n\n```\n")
    dump = rest.partition("```")[0]
    assert dump, f"the page has no dump titled {title!r}"
    rows = (re.match(r" *\d+  ([0-9a-f]+)|      ([0-9a-f]+)", row) for row in dump.splitlines())
    return bytes.fromhex("".join(row[1] or row[2] for row in rows if row))


def page_value(name: str) -> bytes:
    found = re.search(rf"^{name} +([0-9a-f]+)$", PAGE.read_text(), re.MULTILINE)
    assert found, f"the page has no value named {name}"
    return bytes.fromhex(found[1])


def test_the_example_of_the_page_verifies() -> None:
    key = page_value("K")
    first = verify(page_hex("BATCH of entries 1 to 3:"), key)
    assert [seq for seq, *_ in first] == [1, 2, 3]
    assert first[1][1] == page_hex("Entry 2, an exchange with a room sensor, canonical:")
    second = verify(page_hex("BATCH of the tombstone that follows a power cut:"), key)
    for seq, _, digest, chain in first + second:
        assert digest == page_value(f"digest_{seq}")
        assert chain == page_value(f"chain_{seq}")
    assert page_value("chain_0") == sha(b"G", page_value("node"), page_value("epoch"))


def test_a_changed_byte_of_the_example_is_found() -> None:
    message = page_hex("BATCH of entries 1 to 3:")
    key = page_value("K")
    for at in range(len(message)):
        changed = bytearray(message)
        changed[at] ^= 0x10
        with pytest.raises(AssertionError):
            verify(bytes(changed), key)


@given(
    key=st.binary(min_size=32, max_size=32),
    names=st.tuples(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8)),
    first=st.integers(1, 2**32 - 100),
    bodies=st.lists(st.binary(max_size=80), min_size=1, max_size=8),
)
def test_what_a_node_sends_verifies(
    key: bytes, names: tuple[bytes, bytes], first: int, bodies: list[bytes]
) -> None:
    node, epoch = names
    keys = NodeKeys(key)
    chain = entries.genesis(node, epoch)
    builder = BatchBuilder(bytearray(2048), keys, node, epoch)
    builder.begin(b"12345678", first, chain)
    expected = []
    for seq, body in enumerate(bodies, first):
        head = bytearray(entries.HEAD_BYTES)
        entries.put_head(head, 1 + seq % 4, node, epoch, seq, seq // 2, seq % 3)
        canonical = bytes(head) + body
        digest = entries.digest(keys.salt(epoch, seq), canonical)
        chain = entries.chain(chain, digest)
        expected.append((seq, canonical, digest, chain))
        assert builder.add(canonical)
    assert verify(bytes(builder.finish()), key) == expected
