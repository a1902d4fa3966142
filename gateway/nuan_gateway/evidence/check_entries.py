"""The links between a statement, its entries and the daily roots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from nuan_gateway.evidence.differences import differences
from nuan_gateway.evidence.documents import BundleDoc, EntryDoc, RootStatementDoc
from nuan_gateway.evidence.finding import Finding
from nuan_gateway.evidence.merkle import proof_holds
from nuan_gateway.evidence.reread import Reread, RereadError, follows, reread
from nuan_protocols.uplink.entry import digest


def check_list(bundle: BundleDoc) -> Iterator[Finding]:
    """The bundle holds exactly the entries that the statement names, in its order."""
    named = bundle.statement.entries
    held = [entry.digest for entry in bundle.entries]
    for index, wanted in enumerate(named, 1):
        if wanted not in held:
            yield Finding(f"entry {index}", "the statement names it, the bundle doesn't hold it")
    common = [digest for digest in named if digest in held]
    for index, found in enumerate(held, 1):
        link = f"entry {index}"
        if found not in named:
            yield Finding(link, "the statement doesn't name it")
        elif found in held[: index - 1]:
            yield Finding(link, "is in the bundle twice")
        elif common.pop(0) != found:
            place = named.index(found) + 1
            yield Finding(link, f"out of place: the statement names it as entry {place}")


def check_entries(raw: list[dict[str, Any]], bundle: BundleDoc) -> Iterator[Finding]:
    """Each entry: bytes to digest, digest to root, bytes to meaning; all in order of time."""
    roots = {root.statement.day: root.statement for root in bundle.roots}
    before: Reread | None = None
    for index, (document, entry) in enumerate(zip(raw, bundle.entries, strict=True), 1):
        link = f"entry {index}"
        computed = digest(bytes.fromhex(entry.salt), bytes.fromhex(entry.raw)).hex()
        if computed != entry.digest:
            yield Finding(link, "digest does not match its bytes")
        yield from _check_proof(link, entry, roots)
        reads = _reread(entry, bundle)
        if isinstance(reads, Finding):
            yield Finding(link, reads.detail)
            continue
        for path, detail in differences(document["reads"], reads.document(), "reads"):
            yield Finding(link, f"{path} {detail}")
        yield from _check_origin(link, reads, bundle)
        if before is not None and not follows(before, reads):
            yield Finding(link, "out of order: not later than the entry before it")
        before = reads


def _check_proof(
    link: str, entry: EntryDoc, roots: dict[date, RootStatementDoc]
) -> Iterator[Finding]:
    root = roots.get(entry.day)
    if root is None:
        yield Finding(link, f"proof: the bundle holds no root of {entry.day}")
        return
    path = [bytes.fromhex(step) for step in entry.proof]
    leaf = bytes.fromhex(entry.digest)
    if not proof_holds(leaf, entry.leaf, root.leaf_count, path, bytes.fromhex(root.root)):
        yield Finding(link, f"proof does not lead to the root of {entry.day}")


def _reread(entry: EntryDoc, bundle: BundleDoc) -> Reread | Finding:
    meter = bundle.statement.meter
    if meter is None:
        return Finding("", "the statement names no meter that it could be from")
    try:
        return reread(bytes.fromhex(entry.raw), meter.model, bundle.statement.versions.profile)
    except RereadError as error:
        return Finding("", f"can't be read: {error}")


def _check_origin(link: str, reads: Reread, bundle: BundleDoc) -> Iterator[Finding]:
    meter = bundle.statement.meter
    assert meter is not None
    places = {(place.node, place.config_version, place.slot) for place in meter.places}
    place = reads.place
    if (place.node, place.config_version, place.slot) not in places:
        yield Finding(link, f"is from slot {place.slot} of node {place.node}, not from the meter's")
    mismatch_told = any(found.code == "serial_mismatch" for found in bundle.statement.problems)
    if reads.serial and not meter.serial.endswith(reads.serial) and not mismatch_told:
        yield Finding(link, f"is from meter {reads.serial}, not {meter.serial}")
