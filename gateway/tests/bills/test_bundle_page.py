"""A verifier written from docs/wire.md and docs/billing.md alone, with the standard library's tools
and Ed25519; and the worked example on the page."""

import hashlib
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from nuan_gateway.bundle_export import bundle_text, export_bundle

PAGE = (Path(__file__).parents[3] / "docs" / "wire.md").read_text("utf-8")
NODE_KEYS = {"6e75616e00000001": bytes(range(32))}


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(document: Any) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def proved(digest: bytes, index: int, count: int, steps: list[bytes], root: bytes) -> bool:
    value, last, left = sha256(b"\0", digest), count - 1, list(steps)
    while last > 0:
        if index % 2:
            value = sha256(b"\1", left.pop(0), value)
        elif index < last:
            value = sha256(b"\1", value, left.pop(0))
        index, last = index // 2, last // 2
    return not left and value == root


def kilowatt_hours(raw: bytes) -> Fraction:
    """The energy register of the telegram in an exchange entry: DIF 0C, VIF 05, 8 BCD digits."""
    body = raw[27:]
    answer = body[9 + int.from_bytes(body[7:9], "big") :]
    assert answer[0] == answer[3] == 0x68
    assert answer[-2] == sum(answer[4:-2]) % 256
    records = answer[19:]
    assert records[:2] == b"\x0c\x05"
    return Fraction(int(records[5:1:-1].hex()) * 100, 1000)


def fen(yuan: Fraction) -> int:
    return int(yuan * 100 + Fraction(1, 2))


def check(bundle: dict[str, Any]) -> None:
    statement, tariff = bundle["statement"], bundle["tariff"]
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(bundle["public_key"]))
    key.verify(bytes.fromhex(bundle["signature"]), canonical(statement))
    assert sha256(canonical(tariff)).hex() == statement["tariff"]["digest"]
    roots: dict[str, dict[str, Any]] = {}
    previous = None
    for root in bundle["roots"]:
        key.verify(bytes.fromhex(root["signature"]), canonical(root["statement"]))
        assert previous in (None, root["statement"]["previous"])
        previous = sha256(canonical(root["statement"])).hex()
        roots[root["statement"]["day"]] = root["statement"]
    assert [entry["digest"] for entry in bundle["entries"]] == statement["entries"]
    for entry in bundle["entries"]:
        raw, root = bytes.fromhex(entry["raw"]), roots[entry["day"]]
        digest = sha256(b"E", bytes.fromhex(entry["salt"]), raw)
        assert digest.hex() == entry["digest"]
        steps = [bytes.fromhex(step) for step in entry["proof"]]
        assert proved(digest, entry["leaf"], root["leaf_count"], steps, bytes.fromhex(root["root"]))
    first, last = (bytes.fromhex(bundle["entries"][at]["raw"]) for at in (0, -1))
    heat = kilowatt_hours(last) - kilowatt_hours(first)
    area = Fraction(statement["unit"]["area_m2"])
    total = fen(area * Fraction(tariff["base"]["price"]))
    total += fen(heat * Fraction(tariff["metered"]["price"]))
    prepaid = fen(area * Fraction(tariff["prepayment"]["price"]))
    assert Fraction(statement["heat_kwh"]) == heat
    assert statement["total_fen"] == total
    assert statement["settlement_fen"] == total - prepaid


@pytest.mark.parametrize("unit", ["101", "102", "201"])
def test_the_page_is_enough_to_verify_a_bundle(world: Any, unit: str) -> None:
    world.run()
    made = export_bundle(world.bench.engine, "2025-2026", unit, NODE_KEYS, world.signer.public)
    bundle = json.loads(bundle_text(made))
    check(bundle)
    bundle["statement"]["total_fen"] += 1
    with pytest.raises(InvalidSignature):
        check(bundle)


def test_the_worked_example() -> None:
    example = PAGE.split("Example: a day of three entries", 1)[1]
    said = dict(re.findall(r"^(\S.*?) +([0-9a-f]{64,128}|\{.*\})$", example, re.MULTILINE))
    digests = [sha256(text) for text in (b"1", b"2", b"3")]
    hashes = [sha256(b"\0", digest) for digest in digests]
    pair = sha256(b"\1", hashes[0], hashes[1])
    root = sha256(b"\1", pair, hashes[2])
    for index in range(3):
        assert said[f"digest {index}"] == digests[index].hex()
        assert said[f"hash {index}"] == hashes[index].hex()
    assert said["hash 01"] == pair.hex()
    assert said["root"] == root.hex()
    assert proved(digests[1], 1, 3, [hashes[0], hashes[2]], root)
    assert proved(digests[2], 2, 3, [pair], root)
    statement = {
        "kind": "root",
        "format": 1,
        "site": "yq-07",
        "day": "2025-11-01",
        "leaf_count": 3,
        "root": root.hex(),
        "previous": "00" * 32,
    }
    assert said["statement"].encode() == canonical(statement)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert said["public key"] == private.public_key().public_bytes_raw().hex()
    assert said["signature"] == private.sign(canonical(statement)).hex()
    assert sha256(canonical(statement)).hex() in example
