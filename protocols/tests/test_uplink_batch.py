"""Batches: whatever is put in comes out; nothing changed on the way is ever accepted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import entry as entries
from nuan_protocols.uplink.batch import BATCH_HEAD_BYTES, ENTRY_OVERHEAD_BYTES, BatchBuilder
from nuan_protocols.uplink.batch_reader import BatchEntry, parse_batch
from nuan_protocols.uplink.errors import UplinkMacError, UplinkVersionError
from nuan_protocols.uplink.keys import MAC_BYTES, NodeKeys
from nuan_protocols.uplink.message import TYPE_BATCH, parse_head, put_mac, put_message_head

KEYS = NodeKeys(bytes(range(32)))
OTHER = NodeKeys(bytes(32))
NODE = b"nuan\x00\x00\x00\x01"
EPOCH = b"epoch--1"
NONCE = b"12345678"

contents = st.tuples(
    st.integers(0, 255),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 2),
    st.binary(max_size=120),
)


def canonical(seq: int, kind: int = 1, time: int = 0, clock: int = 0, body: bytes = b"") -> bytes:
    head = bytearray(entries.HEAD_BYTES)
    entries.put_head(head, kind, NODE, EPOCH, seq, time, clock)
    return bytes(head) + body


def build(run: list[bytes], chain: bytes = bytes(32), keys: NodeKeys = KEYS) -> bytes:
    builder = BatchBuilder(bytearray(16384), keys, NODE, EPOCH)
    builder.begin(NONCE, int.from_bytes(run[0][18:22], "big"), chain)
    for data in run:
        assert builder.add(data)
    return bytes(builder.finish())


def sealed(message: bytearray) -> bytes:
    """The message with its last 32 bytes made its right MAC."""
    put_mac(message, len(message) - MAC_BYTES, KEYS.up)
    return bytes(message)


@given(
    st.integers(1, 0xFFFFFF00),
    st.lists(contents, min_size=1, max_size=20),
    st.binary(min_size=32, max_size=32),
)
def test_entries_come_out_as_they_went_in(first: int, run: list, chain: bytes) -> None:
    made = [canonical(first + index, *content) for index, content in enumerate(run)]
    batch = parse_batch(build(made, chain), KEYS)
    assert batch[:4] == (NODE, EPOCH, NONCE, chain)
    expected = []
    for index, (kind, time, clock, _) in enumerate(run):
        digest = entries.digest(KEYS.salt(EPOCH, first + index), made[index])
        chain = entries.chain(chain, digest)
        expected.append(BatchEntry(first + index, kind, time, clock, made[index], digest, chain))
    assert batch.entries == expected


@settings(max_examples=300)
@given(st.data())
def test_no_changed_batch_is_accepted(data: st.DataObject) -> None:
    message = build([canonical(5, 1, 7, 2, b"first"), canonical(6, 2, 8, 2, b"second")])
    mutated = bytearray(message)
    at = data.draw(st.integers(0, len(message) - 1))
    change = data.draw(st.sampled_from(["flip", "cut", "insert", "drop", "swap"]))
    if change == "flip":
        mutated[at] ^= data.draw(st.integers(1, 255))
    elif change == "cut":
        del mutated[at:]
    elif change == "insert":
        mutated.insert(at, data.draw(st.integers(0, 255)))
    elif change == "drop":
        del mutated[at]
    else:
        half = len(mutated) // 2
        mutated[:half], mutated[half:] = mutated[half:], mutated[:half]
    if bytes(mutated) != message:
        with pytest.raises(UplinkError):
            parse_batch(bytes(mutated), KEYS)


@given(st.binary(max_size=200))
def test_no_noise_is_accepted(noise: bytes) -> None:
    with pytest.raises(UplinkError):
        parse_batch(noise, KEYS)


@given(st.data())
def test_an_authentic_but_broken_batch_is_refused_not_misread(data: st.DataObject) -> None:
    """A node with a bug signs what it sends: lengths and counts are checked behind the MAC too."""
    message = bytearray(build([canonical(5, 1, 7, 2, b"first"), canonical(6, 2, 8, 2, b"second")]))
    mutated = bytearray(message)
    at = data.draw(st.sampled_from([*range(26, 32), 64, 65, 71, 77, 78, 84]))
    mutated[at] = data.draw(st.integers(0, 255))
    try:
        batch = parse_batch(sealed(mutated), KEYS)
    except UplinkError:
        return
    rebuilt = build([e.canonical for e in batch.entries], batch.chain_before)
    assert rebuilt == sealed(mutated)


def test_another_nodes_key_is_not_accepted() -> None:
    with pytest.raises(UplinkMacError):
        parse_batch(build([canonical(1)]), OTHER)
    with pytest.raises(UplinkMacError):
        parse_batch(build([canonical(1)], keys=OTHER), KEYS)


def test_versions_and_types_are_told_apart() -> None:
    message = bytearray(build([canonical(1)]))
    message[0] = 2
    with pytest.raises(UplinkVersionError, match="not version 2"):
        parse_batch(sealed(message), KEYS)
    message[0], message[1] = 1, 1
    with pytest.raises(UplinkError, match="type 0x2 expected, this is 0x1"):
        parse_batch(sealed(message), KEYS)


def test_the_head_tells_whose_keys_to_use() -> None:
    assert parse_head(build([canonical(1)])) == (TYPE_BATCH, NODE, EPOCH, NONCE)


def test_a_batch_stops_where_its_buffer_ends() -> None:
    body = bytes(84)
    part = ENTRY_OVERHEAD_BYTES + len(body)
    for room in (0, part - 1, part, 3 * part - 1, 3 * part):
        size = BATCH_HEAD_BYTES + MAC_BYTES + max(1, room)
        builder = BatchBuilder(bytearray(size), KEYS, NODE, EPOCH)
        builder.begin(NONCE, 1, bytes(32))
        taken = 0
        while builder.add(canonical(taken + 1, body=body)):
            taken += 1
        assert taken == builder.count == room // part
        if not taken:
            with pytest.raises(UplinkError, match="at least one"):
                builder.finish()
            continue
        message = bytes(builder.finish())
        assert len(message) <= size
        assert len(parse_batch(message, KEYS).entries) == taken


def test_a_builder_serves_one_batch_after_another() -> None:
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, EPOCH)
    for first in (1, 9, 4):
        builder.begin(NONCE, first, bytes(32))
        for seq in range(first, first + 3):
            assert builder.add(memoryview(canonical(seq, body=bytes(seq))))
        batch = parse_batch(bytes(builder.finish()), KEYS)
        assert [e.seq for e in batch.entries] == [first, first + 1, first + 2]


@pytest.mark.parametrize("seq", [3, 5, 1])
def test_only_the_next_number_follows(seq: int) -> None:
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, EPOCH)
    builder.begin(NONCE, 3, bytes(32))
    assert builder.add(canonical(3))
    with pytest.raises(UplinkError, match=f"entry {seq} follows entry 3"):
        builder.add(canonical(seq))


def test_entries_of_another_journal_are_not_taken() -> None:
    builder = BatchBuilder(bytearray(2048), KEYS, NODE, b"another1")
    builder.begin(NONCE, 1, bytes(32))
    with pytest.raises(UplinkError, match="another node or journal"):
        builder.add(canonical(1))


@pytest.mark.parametrize("size", [0, BATCH_HEAD_BYTES + MAC_BYTES, 16385])
def test_a_buffer_of_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(UplinkError, match="buffer"):
        BatchBuilder(bytearray(size), KEYS, NODE, EPOCH)


def test_an_empty_batch_is_refused() -> None:
    message = bytearray(BATCH_HEAD_BYTES + MAC_BYTES)
    put_message_head(message, TYPE_BATCH, NODE, EPOCH, NONCE)
    message[29] = 1
    with pytest.raises(UplinkError, match="at least one"):
        parse_batch(sealed(message), KEYS)


def test_the_last_numbers_of_an_epoch_fit() -> None:
    batch = parse_batch(build([canonical(0xFFFFFFFE), canonical(0xFFFFFFFF)]), KEYS)
    assert batch.entries[-1].seq == 0xFFFFFFFF
    message = bytearray(build([canonical(0xFFFFFFFE), canonical(0xFFFFFFFF)]))
    message[29] = 0xFF
    with pytest.raises(UplinkError, match="pass"):
        parse_batch(sealed(message), KEYS)
