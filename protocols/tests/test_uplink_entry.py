"""Entries and their bodies: what is written is read, what is out of bounds is refused."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink.entry_reader import (
    Control,
    Entry,
    Event,
    Exchange,
    Tombstone,
    parse_control,
    parse_entry,
    parse_event,
    parse_exchange,
    parse_tombstone,
)
from nuan_protocols.uplink.errors import UplinkVersionError

NODE = b"nuan\x00\x00\x00\x01"
EPOCH = b"epoch--1"

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
eight = st.binary(min_size=8, max_size=8)
temperature = st.integers(-0x7FFF, 0x7FFF)

heads = st.tuples(u8, eight, eight, st.integers(1, 0xFFFFFFFF), u32, st.integers(0, 2))
exchanges = st.builds(
    Exchange, u8, u16, u16, st.integers(0, 3), u8, st.binary(max_size=300), st.binary(max_size=600)
)
events = st.builds(
    Event, st.integers(1, 5), st.text(max_size=60).filter(lambda text: len(text.encode()) <= 240)
)
controls = st.builds(
    Control,
    u8,
    temperature,
    temperature,
    st.none() | temperature,
    st.integers(0, 100),
    st.integers(1, 4),
    u8,
)
tombstones = st.builds(
    lambda bounds, reason, chain: Tombstone(min(bounds), max(bounds), reason, chain),
    st.tuples(st.integers(1, 0xFFFFFFFF), st.integers(1, 0xFFFFFFFF)),
    st.integers(1, 2),
    st.binary(min_size=32, max_size=32),
)


def head(seq: int = 1) -> bytearray:
    buffer = bytearray(entry.ENTRY_BYTES_MAX)
    assert entry.put_head(buffer, 1, NODE, EPOCH, seq, 0, 0) == entry.HEAD_BYTES
    return buffer


@given(heads, st.binary(max_size=entry.BODY_BYTES_MAX))
def test_a_head_is_read_as_written(
    fields: tuple[int, bytes, bytes, int, int, int], rest: bytes
) -> None:
    buffer = bytearray(entry.HEAD_BYTES)
    assert entry.put_head(buffer, *fields) == entry.HEAD_BYTES
    assert parse_entry(bytes(buffer) + rest) == Entry(*fields, rest)


@given(exchanges, st.integers(0, 40))
def test_an_exchange_is_read_as_written(value: Exchange, at: int) -> None:
    buffer = bytearray(1000)
    end = body.put_exchange(buffer, at, *value)
    assert parse_exchange(memoryview(buffer)[at:end]) == value


@given(events)
def test_an_event_is_read_as_written(value: Event) -> None:
    buffer = bytearray(300)
    assert parse_event(buffer[: body.put_event(buffer, 0, *value)]) == value


@given(controls)
def test_a_control_decision_is_read_as_written(value: Control) -> None:
    buffer = bytearray(10)
    assert body.put_control(buffer, 0, *value) == 10
    assert parse_control(buffer) == value


@given(tombstones)
def test_a_tombstone_is_read_as_written(value: Tombstone) -> None:
    buffer = bytearray(41)
    assert body.put_tombstone(buffer, 0, *value) == 41
    assert parse_tombstone(buffer) == value


@pytest.mark.parametrize("parse", [parse_exchange, parse_event, parse_control, parse_tombstone])
@given(data=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(parse, data: bytes) -> None:
    with contextlib.suppress(UplinkError):
        assert parse(data)


@pytest.mark.parametrize(
    ("change", "reason", "offset"),
    [
        ({0: 0}, "not version 0", 0),
        ({0: 9}, "not version 9", 0),
        ({18: 0, 19: 0, 20: 0, 21: 0}, "sequence number 0", 18),
        ({26: 12}, "clock quality 12", 26),
    ],
)
def test_a_wrong_head_is_refused_with_its_offset(
    change: dict[int, int], reason: str, offset: int
) -> None:
    data = head()[: entry.HEAD_BYTES]
    for at, value in change.items():
        data[at] = value
    with pytest.raises(UplinkError, match=reason) as caught:
        parse_entry(data)
    assert caught.value.offset == offset


def test_a_future_version_is_told_apart() -> None:
    data = head()
    data[0] = 4
    with pytest.raises(UplinkVersionError) as caught:
        parse_entry(data)
    assert caught.value.version == 4


@pytest.mark.parametrize("size", [0, 26, entry.ENTRY_BYTES_MAX + 1])
def test_an_entry_of_impossible_length_is_refused(size: int) -> None:
    data = (head() + bytes(1))[:size]
    with pytest.raises(UplinkError, match="an entry has at "):
        parse_entry(data)


@pytest.mark.parametrize(
    "fields",
    [
        (256, NODE, EPOCH, 1, 0, 0),
        (-1, NODE, EPOCH, 1, 0, 0),
        (1, NODE[:7], EPOCH, 1, 0, 0),
        (1, NODE, EPOCH + b"x", 1, 0, 0),
        (1, NODE, EPOCH, 0, 0, 0),
        (1, NODE, EPOCH, 1 << 32, 0, 0),
        (1, NODE, EPOCH, 1, -1, 0),
        (1, NODE, EPOCH, 1, 1 << 32, 0),
        (1, NODE, EPOCH, 1, 0, 12),
    ],
)
def test_a_head_out_of_bounds_is_not_written(fields) -> None:
    with pytest.raises(UplinkError):
        entry.put_head(bytearray(100), *fields)


@pytest.mark.parametrize(
    ("put", "fields"),
    [
        (body.put_exchange, (256, 1, 1, 0, 1, b"", b"")),
        (body.put_exchange, (0, 1 << 16, 1, 0, 1, b"", b"")),
        (body.put_exchange, (0, 1, 1, 4, 1, b"", b"")),
        (body.put_exchange, (0, 1, 1, 0, 1, bytes(301), b"")),
        (body.put_exchange, (0, 1, 1, 0, 1, b"", bytes(601))),
        (body.put_event, (0, "")),
        (body.put_event, (13, "")),
        (body.put_event, (1, "暖" * 81)),
        (body.put_control, (0, 0x8000, 0, None, 0, 1, 0)),
        (body.put_control, (0, 0, 0, -0x8000, 0, 1, 0)),
        (body.put_control, (0, 0, 0, None, 101, 1, 0)),
        (body.put_control, (0, 0, 0, None, 0, 9, 0)),
        (body.put_tombstone, (0, 1, 1, bytes(32))),
        (body.put_tombstone, (3, 2, 1, bytes(32))),
        (body.put_tombstone, (1, 2, 3, bytes(32))),
        (body.put_tombstone, (1, 2, 1, bytes(31))),
    ],
)
def test_a_body_out_of_bounds_is_not_written(put, fields) -> None:
    with pytest.raises(UplinkError):
        put(bytearray(1200), 0, *fields)


def test_a_full_buffer_is_an_error_and_never_grows() -> None:
    buffer = bytearray(30)
    with pytest.raises(UplinkError, match="no room for"):
        body.put_exchange(buffer, 0, 0, 1, 1, 0, 1, bytes(10), bytes(12))
    assert len(buffer) == 30


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(UplinkError, match="UTF-8"):
        parse_event(b"\x01\xff\xfe")


def test_digest_and_chain_hash_what_they_say() -> None:
    salt, data, before = b"s" * 16, bytes(head()[:40]), b"c" * 32
    digest = hashlib.sha256(b"E" + salt + data).digest()
    assert entry.digest(salt, memoryview(data)) == digest
    assert entry.chain(before, digest) == hashlib.sha256(b"C" + before + digest).digest()
    assert entry.genesis(NODE, EPOCH) == hashlib.sha256(b"G" + NODE + EPOCH).digest()
