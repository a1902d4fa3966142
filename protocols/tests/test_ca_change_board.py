"""The document that replaces a node's certificate authority."""

from nuan_protocols.ca_change import (
    CERTIFICATE_BYTES_MAX,
    SIGNATURE_BYTES,
    AuthorityChange,
    unsigned_authority,
)

CERTIFICATE = b"\x30" + bytes(range(200))
SIGNER = b"signer-1"


def document(slot=1, number=7, certificate=CERTIFICATE):
    return unsigned_authority(slot, number, SIGNER, certificate) + bytes(SIGNATURE_BYTES)


def refusal(data):
    try:
        AuthorityChange(data)
    except ValueError as problem:
        return str(problem)
    return ""


def test_what_was_written_is_read():
    found = AuthorityChange(document())
    assert (found.slot, found.number, found.signer) == (1, 7, SIGNER)
    assert found.certificate == CERTIFICATE


def test_a_signature_that_doesnt_fit_is_none():
    modulus = b"\xff" * 384
    assert not AuthorityChange(document()).is_signed_by(modulus)


def test_what_is_no_document_is_refused_with_its_reason():
    assert "begins with nuA1" in refusal(b"")
    assert "begins with nuA1" in refusal(b"nuK1" + document()[4:])
    assert "format 2" in refusal(b"nuA1\x02" + document()[5:])
    assert "slot 2" in refusal(document(slot=2))
    assert "announced" in refusal(document() + b"x")
    assert "announced" in refusal(document()[:-1])
    assert "no certificate" in refusal(document(certificate=b"\x31" + CERTIFICATE[1:]))
    assert "no certificate" in refusal(document(certificate=b"\x30" * 10))
    big = b"\x30" * (CERTIFICATE_BYTES_MAX + 1)
    assert "no certificate" in refusal(document(certificate=big))
    assert "too large" in refusal(document(number=1 << 31))


def test_every_prefix_of_a_document_is_refused():
    whole = document()
    for size in range(0, len(whole), 7):
        assert refusal(whole[:size])
