"""Where two JSON documents differ, as paths like $.lines[1].amount_fen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

SHOWN_CHARACTERS_MAX = 60


def differences(found: object, expected: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, "says X, recomputed Y") for every place where `found` isn't `expected`."""
    if isinstance(found, dict) and isinstance(expected, dict):
        said = cast(dict[str, object], found)
        wanted = cast(dict[str, object], expected)
        for key in sorted({*said, *wanted}):
            if key not in wanted:
                yield f"{path}.{key}", "has no meaning here"
            elif key not in said:
                yield f"{path}.{key}", "is missing"
            else:
                yield from differences(said[key], wanted[key], f"{path}.{key}")
    elif isinstance(found, list) and isinstance(expected, list | tuple):
        yield from _in_lists(cast(list[object], found), list(cast(list[object], expected)), path)
    elif type(found) is not type(expected) or found != expected:
        yield path, f"says {_shown(found)}, recomputed {_shown(expected)}"


def _in_lists(found: list[object], expected: list[object], path: str) -> Iterator[tuple[str, str]]:
    if len(found) != len(expected):
        yield path, f"has {len(found)} items, recomputed {len(expected)}"
        return
    for index, (said, wanted) in enumerate(zip(found, expected, strict=True)):
        yield from differences(said, wanted, f"{path}[{index}]")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
