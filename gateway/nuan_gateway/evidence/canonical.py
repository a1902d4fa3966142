"""Canonical JSON: the one byte string that stands for a document when it is signed or digested.

Sorted keys, separators "," and ":", UTF-8 without escapes, whole numbers only, no key twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NoReturn, cast

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

INTEGER_DIGITS_MAX = 40
SHOWN_CHARACTERS_MAX = 60


class CanonicalError(ValueError):
    """The text isn't JSON as nuan signs it; the message names the offence and its place."""


def canonical_text(document: object) -> str:
    """Return the canonical JSON text of `document`; a float in it raises CanonicalError."""
    try:
        _check(document, "$")
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except RecursionError as error:
        raise CanonicalError("nested too deeply") from error


def canonical_bytes(document: object) -> bytes:
    """Return the canonical JSON of `document` as UTF-8 bytes: what signatures and digests cover."""
    try:
        return canonical_text(document).encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError(f"text isn't Unicode: {error}") from error


def digest_hex(document: object) -> str:
    """Return SHA-256 over the canonical bytes of `document`, in lower-case hex."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def parse_strict(text: str) -> Json:
    """Parse JSON, refusing what readers could take differently: floats, NaN, -0, a key twice."""
    try:
        parsed: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_plain_int,
        )
    except json.JSONDecodeError as error:
        raise CanonicalError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise CanonicalError("nested too deeply") from error
    return parsed


def _check(document: object, path: str) -> None:
    if isinstance(document, dict):
        for key, value in cast(dict[object, object], document).items():
            if not isinstance(key, str):
                raise CanonicalError(f"{path}: the key {key!r} isn't text")
            _check(value, f"{path}.{key}")
    elif isinstance(document, list | tuple):
        for index, value in enumerate(cast(Sequence[object], document)):
            _check(value, f"{path}[{index}]")
    elif document is not None and not isinstance(document, bool | int | str):
        raise CanonicalError(f"{path}: a {type(document).__name__} has no place in signed JSON")


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise CanonicalError(f"key {key!r} appears twice in one object")
        found[key] = value
    return found


def _refuse_number(text: str) -> NoReturn:
    shown = text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
    raise CanonicalError(
        f"number {shown!r}: only whole numbers of at most {INTEGER_DIGITS_MAX} digits are allowed, "
        "decimals are text"
    )


def _plain_int(text: str) -> int:
    if text == "-0" or len(text) > INTEGER_DIGITS_MAX:
        _refuse_number(text)
    return int(text)
