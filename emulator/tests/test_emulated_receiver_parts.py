"""The receiver's parts by themselves: store, keys, mood."""

import base64
import hashlib
import json
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.receiver import Mood
from nuan_emulator.receiver_keys import TrustedKeys
from nuan_emulator.receiver_store import FeedError, Message, MessageStore, parse_messages

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
NAME = hashlib.sha256(PUBLIC).digest()[:8].hex()


@pytest.fixture
def store(tmp_path):
    opened = MessageStore(tmp_path / "feed.sqlite")
    yield opened
    opened.close()


def message(number: int, payload: str = "1") -> Message:
    return Message(f"r-{number}", "readings", payload)


def test_a_request_is_stored_whole_or_not_at_all(store):
    store.accept([message(1)], "k")
    with pytest.raises(FeedError, match="409"):
        store.accept([message(2), message(1, "other"), message(3)], "k")
    assert [m.key for m in store.messages()] == ["r-1"]


def test_payloads_are_kept_as_they_came(store):
    store.accept([message(1, '{"暖":[1,2]}')], "k")
    assert store.messages() == [message(1, '{"暖":[1,2]}')]


def test_threads_do_not_lose_or_double_messages(store):
    def send(first):
        for number in range(first, first + 60):
            store.accept([message(number % 100)], "k")

    threads = [threading.Thread(target=send, args=(20 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = store.counts()
    assert counts["messages"] == 100
    assert counts["duplicates"] == 140


def test_counters_survive(tmp_path):
    first = MessageStore(tmp_path / "feed.sqlite")
    first.count("failed")
    first.count("failed")
    first.count("answers_lost")
    first.close()
    second = MessageStore(tmp_path / "feed.sqlite")
    assert second.counts()["failed"] == 2
    assert second.counts()["answers_lost"] == 1
    second.close()


def test_the_order_of_keys_in_a_payload_is_no_difference(store):
    one = parse_messages(b'{"messages":[{"key":"a","kind":"x","payload":{"p":1,"q":2}}]}')
    two = parse_messages(b'{"messages":[{"payload":{"q":2,"p":1},"kind":"x","key":"a"}]}')
    store.accept(one, "k")
    store.accept(two, "k")
    assert store.counts()["duplicates"] == 1


def refusal(body: bytes) -> int | None:
    """The status with which a body is refused, None when it is taken."""
    try:
        parse_messages(body)
    except FeedError as error:
        return error.status
    return None


@given(st.binary(max_size=60))
def test_any_body_is_parsed_or_refused_with_400(body):
    assert refusal(body) in {None, 400}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_parsed_or_refused_with_400(value):
    for content in (value, {"messages": value}, {"messages": [value]}):
        assert refusal(json.dumps(content).encode()) in {None, 400}


def signed(body: bytes) -> str:
    return "ed25519=" + base64.b64encode(KEY.sign(body)).decode()


@pytest.mark.parametrize("name", [NAME, NAME.upper(), PUBLIC.hex()])
def test_a_trusted_key_is_found_by_name_and_by_itself(name):
    TrustedKeys([PUBLIC.hex()]).check(name, signed(b"body"), b"body")


def test_an_untrusted_key_is_refused_even_with_a_good_signature():
    with pytest.raises(FeedError, match="--trust"):
        TrustedKeys([]).check(PUBLIC.hex(), signed(b"body"), b"body")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_any_changed_byte_breaks_the_signature(body, data):
    position = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FeedError, match="does not fit"):
        TrustedKeys([PUBLIC.hex()]).check(NAME, signed(body), bytes(changed))


def test_key_files(tmp_path):
    good, wrong, other = (tmp_path / name for name in ("good.pub", "wrong.pub", "other.pub"))
    good.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    wrong.write_text("not a key")
    curve = generate_private_key(SECP256R1()).public_key()
    other.write_bytes(curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    TrustedKeys([str(good)]).check(NAME, signed(b"x"), b"x")
    with pytest.raises(FeedError, match="holds no public key") as caught:
        TrustedKeys([str(wrong)]).check(NAME, signed(b"x"), b"x")
    assert caught.value.status == 500
    with pytest.raises(FeedError, match="not trusted"):
        TrustedKeys([str(other)]).check(NAME, signed(b"x"), b"x")
    with pytest.raises(FeedError, match="not trusted"):
        TrustedKeys([str(tmp_path / "none")]).check(NAME, signed(b"x"), b"x")


def test_moods_repeat_with_the_seed():
    def drawn(seed):
        mood = Mood(seed, 0.3, 0.2)
        return [mood.draw() for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    fails = sum(fail for fail, _ in drawn(1))
    loses = sum(lose for _, lose in drawn(1))
    assert 35 < fails < 85
    assert 20 < loses < 60


def test_moods_change_only_by_known_wishes():
    mood = Mood(0, 0.0, 0.0)
    mood.change({"down": True, "fail_rate": 1, "lose_answer_rate": 0.5})
    assert (mood.down, mood.fail_rate, mood.lose_answer_rate) == (True, 1.0, 0.5)
    assert mood.draw()[0]
    for wish in ({"up": True}, {"down": 1}, {"fail_rate": True}, {"fail_rate": -0.1}):
        with pytest.raises(FeedError) as caught:
            mood.change(wish)
        assert caught.value.status == 400
