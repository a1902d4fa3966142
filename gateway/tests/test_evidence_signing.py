"""Signing keys on disk, signatures, and the one canonical form that they cover."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.evidence.canonical import (
    CanonicalError,
    canonical_bytes,
    canonical_text,
    digest_hex,
    parse_strict,
)
from nuan_gateway.evidence.signing import (
    KeyFileError,
    key_id,
    open_signer,
    public_pem,
    read_public_key,
    signature_holds,
)

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = open_signer(tmp_path)
    key = tmp_path / "signing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = open_signer(tmp_path)
    assert again.public == first.public
    assert read_public_key((tmp_path / "signing.pub").read_text()) == first.public
    assert sorted(path.name for path in tmp_path.iterdir()) == ["signing.key", "signing.pub"]


def test_a_lost_public_key_is_written_again(tmp_path: Path) -> None:
    first = open_signer(tmp_path)
    (tmp_path / "signing.pub").unlink()
    open_signer(tmp_path)
    assert read_public_key((tmp_path / "signing.pub").read_text()) == first.public


def test_a_half_written_key_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "signing.key.new").write_bytes(b"half")
    signer = open_signer(tmp_path)
    assert signature_holds(signer.public, signer.sign(b"x"), b"x")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_signer(tmp_path)
    (tmp_path / "signing.key").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        open_signer(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe"])
def test_a_spoilt_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"signing\.key: not a private key"):
        open_signer(tmp_path)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    path = tmp_path / "signing.key"
    path.write_bytes(
        X25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        open_signer(tmp_path)


def test_signatures_hold_for_their_bytes_and_key_only(tmp_path: Path) -> None:
    signer = open_signer(tmp_path)
    signature = signer.sign(b"heat")
    assert signature_holds(signer.public, signature, b"heat")
    assert not signature_holds(signer.public, signature, b"heap")
    assert not signature_holds(signer.public, signature[:-1], b"heat")
    assert not signature_holds(signer.public, b"", b"heat")
    assert not signature_holds(signer.public[:-1], signature, b"heat")
    assert not signature_holds(bytes(32), signature, b"heat")
    assert len(key_id(signer.public)) == 16


def test_public_keys_are_read_as_pem_and_hex(tmp_path: Path) -> None:
    public = open_signer(tmp_path).public
    assert read_public_key(public_pem(public).decode()) == public
    assert read_public_key(f" {public.hex()}\n") == public
    for text in ("", "zz", public.hex()[:-2], "-----BEGIN PUBLIC KEY-----\nAAAA\n"):
        with pytest.raises(KeyFileError, match="expected an Ed25519 public key"):
            read_public_key(text)


@given(documents)
def test_canonical_json_reads_back(document: object) -> None:
    text = canonical_text(document)
    assert parse_strict(text) == document
    assert canonical_text(parse_strict(text)) == text


def test_canonical_json_is_one_byte_string() -> None:
    document = {"b": [1, None, True], "a": "暖\n"}
    assert canonical_bytes(document) == '{"a":"暖\\n","b":[1,null,true]}'.encode()
    assert digest_hex({"a": 1, "b": 2}) == digest_hex({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a":1,"a":2}', "appears twice"),
        ('{"a":1.0}', "only whole numbers"),
        ('{"a":1e3}', "only whole numbers"),
        ('{"a":NaN}', "only whole numbers"),
        ('{"a":-Infinity}', "only whole numbers"),
        ('{"a":-0}', "only whole numbers"),
        ("1" * 5000, r"^number '1{60}...': only whole numbers of at most 40 digits"),
        ('{"a":1', "line 1, column 7"),
        ("", "line 1, column 1"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_ambiguous_json_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(CanonicalError, match=complaint):
        parse_strict(text)


def test_no_float_is_signed() -> None:
    with pytest.raises(CanonicalError, match=r"\$\.a\[1\]: a float"):
        canonical_text({"a": [1, 1.5]})
    with pytest.raises(CanonicalError, match="key 1 isn't text"):
        canonical_text({1: "a"})
    with pytest.raises(CanonicalError, match="a bytes has no place"):
        canonical_text([b"a"])


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(CanonicalError, match="isn't Unicode"):
        canonical_bytes("\ud800")
