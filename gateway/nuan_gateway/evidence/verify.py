"""Checks a bundle from its bytes alone: no database, no network, no trust in who sent it.

The chain, link by link, in the order of the checks:

    structure -> gateway key -> statement signature -> tariff digest -> roots (signature, chain)
    -> the list of entries -> each entry (digest, proof, what it says, order)
    -> the two registers -> consumption -> lines -> totals

Every byte of a bundle is bound: by a signature, by a digest that a signature covers, or because
it is derived again here and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import ValidationError

from nuan_gateway.evidence.canonical import (
    CanonicalError,
    canonical_bytes,
    digest_hex,
    parse_strict,
)
from nuan_gateway.evidence.check_bill import check_bill
from nuan_gateway.evidence.check_entries import check_entries, check_list
from nuan_gateway.evidence.documents import BUNDLE_BYTES_MAX, BundleDoc
from nuan_gateway.evidence.finding import Finding
from nuan_gateway.evidence.roots import NO_PREVIOUS
from nuan_gateway.evidence.signing import key_id, signature_holds


@dataclass(frozen=True)
class Verdict:
    """What a check found: no findings means that every link holds.

    `bundle` is None when the structure is broken; `raw` is the parsed JSON.
    """

    findings: tuple[Finding, ...]
    bundle: BundleDoc | None = None
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def holds(self) -> bool:
        """Whether the bill is proved."""
        return not self.findings

    @property
    def key_id(self) -> str:
        """The name of the key that the bundle's signatures were checked with."""
        return key_id(bytes.fromhex(self.bundle.public_key)) if self.bundle else ""


def verify(text: str, trusted_key: bytes | None = None) -> Verdict:
    """Check a bundle's JSON text; `trusted_key` is the gateway's public key from elsewhere.

    Without it the bundle is checked against the key it carries: sound in itself, but only a key
    from another source (an invoice, a web page, an earlier bill) says whose it is.
    """
    try:
        raw, bundle = _read(text)
    except _BadStructure as error:
        return Verdict(tuple(error.findings))
    return Verdict(tuple(_check(raw, bundle, trusted_key)), bundle, raw)


class _BadStructure(Exception):  # noqa: N818  # never leaves this module
    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = findings


def _read(text: str) -> tuple[dict[str, Any], BundleDoc]:
    if len(text) > BUNDLE_BYTES_MAX:
        raise _BadStructure([Finding("structure", f"more than {BUNDLE_BYTES_MAX} characters")])
    try:
        raw = parse_strict(text)
        bundle = BundleDoc.model_validate_json(canonical_bytes(raw))
    except CanonicalError as error:
        raise _BadStructure([Finding("structure", str(error))]) from error
    except ValidationError as error:
        raise _BadStructure(
            [Finding("structure", f"{_path(e['loc'])}: {e['msg']}") for e in error.errors()]
        ) from error
    return cast(dict[str, Any], raw), bundle


def _path(steps: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _check(raw: dict[str, Any], bundle: BundleDoc, trusted: bytes | None) -> Iterator[Finding]:
    public = bytes.fromhex(bundle.public_key)
    if trusted is not None and trusted != public:
        yield Finding("gateway key", "the bundle names another key than the one you trust")
    signature = bytes.fromhex(bundle.signature)
    if not signature_holds(public, signature, canonical_bytes(raw["statement"])):
        yield Finding("statement signature", "does not hold over the statement")
    if digest_hex(raw["tariff"]) != bundle.statement.tariff.digest:
        yield Finding("tariff digest", "the tariff isn't the one the statement was made with")
    yield from _check_roots(raw["roots"], bundle, public)
    yield from check_list(bundle)
    yield from check_entries(raw["entries"], bundle)
    yield from check_bill(raw["statement"], bundle)


def _check_roots(raw: list[dict[str, Any]], bundle: BundleDoc, public: bytes) -> Iterator[Finding]:
    expected = None
    before = None
    for root, parsed in zip(raw, bundle.roots, strict=True):
        day = parsed.statement.day
        statement = canonical_bytes(root["statement"])
        link = f"root {day}"
        if not signature_holds(public, bytes.fromhex(parsed.signature), statement):
            yield Finding(link, "signature does not hold over the root statement")
        if parsed.statement.site != bundle.statement.site:
            yield Finding(link, f"is of site {parsed.statement.site!r}")
        if expected is not None and parsed.statement.previous != expected:
            yield Finding(link, "does not name the root statement before it: the chain is broken")
        if before is not None and day <= before:
            yield Finding(link, f"comes after {before}")
        if parsed.statement.previous == NO_PREVIOUS.hex() and before is not None:
            yield Finding(link, "says that it is the site's first")
        expected, before = digest_hex(root["statement"]), day
