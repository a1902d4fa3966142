"""Where two JSON documents differ, as paths like $.lines[1].amount_fen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

SHOWN_CHARACTERS_MAX = 60


def differences(found: object, expected: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, "says X, recomputed Y") for every place where `found` isn't `expected`."""
    said, wanted = _object(found), _object(expected)
    listed, needed = _list(found), _list(expected)
    if said is not None and wanted is not None:
        yield from _in_objects(said, wanted, path)
    elif listed is not None and needed is not None:
        yield from _in_lists(listed, needed, path)
    elif not _same(found, expected):
        yield path, f"says {_shown(found)}, recomputed {_shown(expected)}"


def _object(value: object) -> dict[str, object] | None:
    return cast(dict[str, object], value) if isinstance(value, dict) else None


def _list(value: object) -> list[object] | None:
    return cast(list[object], value) if isinstance(value, list) else None


def _in_objects(
    found: dict[str, object], expected: dict[str, object], path: str
) -> Iterator[tuple[str, str]]:
    for key in sorted({*found, *expected}):
        if key not in expected:
            yield f"{path}.{key}", "has no meaning here"
        elif key not in found:
            yield f"{path}.{key}", "is missing"
        else:
            yield from differences(found[key], expected[key], f"{path}.{key}")


def _in_lists(found: list[object], expected: list[object], path: str) -> Iterator[tuple[str, str]]:
    if len(found) != len(expected):
        yield path, f"has {len(found)} items, recomputed {len(expected)}"
        return
    for index, (said, wanted) in enumerate(zip(found, expected, strict=True)):
        yield from differences(said, wanted, f"{path}[{index}]")


def _same(found: object, expected: object) -> bool:
    # In Python True equals 1; in a document they are different things.
    return type(found) is type(expected) and found == expected


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
