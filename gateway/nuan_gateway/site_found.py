"""What checks of a site file find: (key path, sentence), the path in the file's own names."""

from collections.abc import Hashable, Iterable, Iterator

from nuan_gateway.toml_lines import KeyPath

Found = Iterator[tuple[KeyPath, str]]


def twice(
    table: str, key: str, values: Iterable[tuple[Hashable, str]], place: KeyPath = ()
) -> Found:
    """Complain about every (value, its name) that came before; at place.table[i].key."""
    seen: dict[Hashable, int] = {}
    for position, (value, name) in enumerate(values):
        first = seen.setdefault(value, position)
        if first != position:
            yield (
                (*place, table, position, key),
                f"{name} is used by {table}[{first + 1}] already; write another",
            )


def named(values: Iterable[str | int]) -> Iterator[tuple[Hashable, str]]:
    """Values, each with itself as its name."""
    return ((value, repr(value)) for value in values)
