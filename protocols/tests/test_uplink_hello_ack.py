"""HELLO and ACK: read as written, refused when changed, bounds kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.ack import ACK_BYTES_MAX, GAPS_MAX, Ack, build_ack, parse_ack
from nuan_protocols.uplink.errors import UplinkMacError
from nuan_protocols.uplink.hello import HELLO_BYTES_MAX, Hello, build_hello, parse_hello
from nuan_protocols.uplink.keys import MAC_BYTES, NodeKeys
from nuan_protocols.uplink.message import put_mac

KEYS = NodeKeys(bytes(range(32)))
NAMES = (b"nuan\x00\x00\x00\x01", b"epoch--1", b"12345678")

eight = st.binary(min_size=8, max_size=8)
u32 = st.integers(0, 0xFFFFFFFF)


@st.composite
def hellos(draw: st.DrawFn) -> Hello:
    oldest, newest = sorted((draw(u32), draw(u32)))
    text = draw(st.text(max_size=16))
    return Hello(
        draw(eight), draw(eight), draw(eight), oldest, newest, draw(st.integers(0, 0xFFFF)), text
    )


@st.composite
def acks(draw: st.DrawFn) -> Ack:
    count = draw(st.integers(0, GAPS_MAX))
    bounds = sorted(draw(st.sets(u32, min_size=2 * count + 1, max_size=2 * count + 1)))
    gaps = tuple(zip(bounds[1::2], bounds[2::2], strict=True))
    credit = draw(st.integers(0, 255))
    return Ack(
        draw(eight),
        draw(eight),
        draw(eight),
        bounds[0],
        draw(st.booleans()),
        credit,
        draw(u32),
        gaps,
    )


@given(hellos())
def test_a_hello_is_read_as_written(hello: Hello) -> None:
    message = build_hello(hello, KEYS)
    assert len(message) <= HELLO_BYTES_MAX
    assert parse_hello(message, KEYS) == hello
    assert parse_hello(memoryview(message), KEYS) == hello


@given(acks())
def test_an_ack_is_read_as_written(ack: Ack) -> None:
    message = build_ack(ack, KEYS)
    assert len(message) <= ACK_BYTES_MAX
    assert parse_ack(message, KEYS) == ack
    assert parse_ack(memoryview(bytearray(message)), KEYS) == ack


@given(acks(), hellos(), st.data())
def test_nothing_changed_is_accepted(ack: Ack, hello: Hello, data: st.DataObject) -> None:
    for message, parse in (
        (build_ack(ack, KEYS), parse_ack),
        (build_hello(hello, KEYS), parse_hello),
    ):
        changed = bytearray(message)
        changed[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
        with pytest.raises(UplinkError):
            parse(bytes(changed), KEYS)
        with pytest.raises(UplinkError):
            parse(message[: data.draw(st.integers(0, len(message) - 1))], KEYS)


def test_a_node_cannot_be_answered_with_its_own_key_of_the_other_direction() -> None:
    ack = bytearray(build_ack(Ack(*NAMES, 1, False, 1, 0, ()), KEYS))
    put_mac(ack, len(ack) - MAC_BYTES, KEYS.up)
    with pytest.raises(UplinkMacError):
        parse_ack(bytes(ack), KEYS)


def test_more_gaps_than_fit_are_cut_to_the_lowest() -> None:
    gaps = tuple((10 * index, 10 * index + 3) for index in range(1, 12))
    said = parse_ack(build_ack(Ack(*NAMES, 5, False, 1, 0, gaps), KEYS), KEYS)
    assert said.gaps == gaps[:GAPS_MAX]


@pytest.mark.parametrize("gaps", [((3, 2),), ((0, 4),), ((5, 6),), ((7, 9), (9, 11))])
def test_gaps_that_make_no_sense_are_refused(gaps: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(UplinkError, match="gap"):
        build_ack(Ack(*NAMES, 5, False, 1, 0, gaps), KEYS)


@pytest.mark.parametrize(
    ("at", "value", "reason"), [(30, 2, "flags"), (36, 9, "gaps"), (36, 1, "gaps")]
)
def test_an_authentic_ack_with_nonsense_is_refused(at: int, value: int, reason: str) -> None:
    message = bytearray(build_ack(Ack(*NAMES, 5, False, 1, 0, ()), KEYS))
    message[at] = value
    put_mac(message, len(message) - MAC_BYTES, KEYS.down)
    with pytest.raises(UplinkError, match=reason):
        parse_ack(bytes(message), KEYS)


@pytest.mark.parametrize(
    "fields",
    [
        (3, 1, 1, "1.0"),
        (1, 2, 1 << 16, "1.0"),
        (1, 1 << 32, 1, "1.0"),
        (1, 2, 1, "v" * 65),
    ],
)
def test_a_hello_out_of_bounds_is_not_written(fields: tuple[int, int, int, str]) -> None:
    with pytest.raises(UplinkError):
        build_hello(Hello(*NAMES, *fields), KEYS)


@pytest.mark.parametrize(("oldest", "newest"), [(0, 0), (0, 7), (8, 7), (1, 0)])
def test_a_node_that_holds_nothing_says_so(oldest: int, newest: int) -> None:
    hello = Hello(*NAMES, oldest, newest, 1, "1.0")
    assert parse_hello(build_hello(hello, KEYS), KEYS) == hello


def test_an_authentic_hello_with_nonsense_is_refused() -> None:
    good = build_hello(Hello(*NAMES, 1, 2, 3, "abc"), KEYS)
    for at, value in ((36, 2), (36, 200), (37, 0xFF), (29, 9)):
        message = bytearray(good)
        message[at] = value
        put_mac(message, len(message) - MAC_BYTES, KEYS.up)
        with pytest.raises(UplinkError):
            parse_hello(bytes(message), KEYS)
