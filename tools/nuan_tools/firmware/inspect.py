"""What a bundle says, and whether that is true."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple, cast

from nuan_emulator.board_link import LINES_PER_FILE
from nuan_protocols.bundle import HEAD_BYTES, Head
from nuan_protocols.sealed import signer
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr


class Inspected(NamedTuple):
    """A bundle that is whole: its bytes, head and manifest, and whether a known key signed it."""

    data: bytes
    head: Head
    manifest: dict[str, Any]
    is_signed: bool


def inspect_bundle(path: Path, moduli: list[bytes]) -> Inspected:
    """Check all of a bundle. Raises UserError when it isn't one, CheckFailed when it is damaged.

    Without moduli no signature is checked.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    try:
        head = Head(data)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    manifest = data[HEAD_BYTES : head.payload_at]
    if len(data) != head.file_bytes():
        text = tr(
            "{path}: {size} bytes, and its head says {wanted}; fetch the file again",
            path=path,
            size=len(data),
            wanted=head.file_bytes(),
        )
        raise CheckFailed(text)
    digests = ((manifest, head.manifest_digest), (data[head.payload_at :], head.digest))
    if any(hashlib.sha256(part).digest() != digest for part, digest in digests):
        raise CheckFailed(tr("{path}: damaged; fetch the file again", path=path))
    if moduli:
        try:
            signer(data[:HEAD_BYTES], moduli)
        except ValueError as error:
            raise CheckFailed(f"{path}: {error}") from error
    said = cast("dict[str, Any]", json.loads(manifest.rstrip(b"\xff")))
    return Inspected(data, head, said, bool(moduli))


def places_of(manifest: dict[str, Any], number: int) -> list[str]:
    """Where a line that a node's traceback names stands: "file:line" for each joined module that
    has it. A joined module counts 1000 lines a file."""
    joined = cast("dict[str, list[str]]", manifest.get("joined", {}))
    at, line = divmod(number, LINES_PER_FILE)
    return [
        f"{modules[at - 1].replace('.', '/')}.py:{line}"
        for _, modules in sorted(joined.items())
        if 1 <= at <= len(modules)
    ]
