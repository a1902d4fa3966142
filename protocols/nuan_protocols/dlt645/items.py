"""What a data identifier's data are made of, from the rows of di_tables.py.

A block identifier has FF (1997: a last digit F) where its items have a number. An energy block
holds the total and as many tariffs as the meter has, so its tail may be missing; a block of unlike
items is known only when it is complete.
"""

import sys
from typing import TYPE_CHECKING

from nuan_protocols.dlt645.di_tables import DI_2007
from nuan_protocols.dlt645.frame import VERSION_1997

if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    class Item(NamedTuple):
        """One value within an identifier's data; kinds are those of di_tables.py."""

        size: int
        kind: str
        exponent: int
        factor: int
        quantity: str
        unit: str
        function: str

    # Storage number, tariff, and the items that have them.
    Group: TypeAlias = tuple[int, int, list[Item]]

    class Layout(NamedTuple):
        """The items of an identifier.

        groups   one for each number in turn, most that there can be
        open     a tail of whole groups may be missing
        block    more than one group
        """

        groups: list[Group]
        open: bool
        block: bool

else:
    from collections import namedtuple

    Item = namedtuple(
        "Item", ("size", "kind", "exponent", "factor", "quantity", "unit", "function")
    )
    Layout = namedtuple("Layout", ("groups", "open", "block"))

# Meters are asked the same few things for ever; the board's heap is worth more than its time.
_LAYOUTS_MAX = 512 if sys.implementation.name == "cpython" else 0

# Numbers that a letter in a key stands for: first and last. 1997 has tariffs up to 14 (E).
_RANGES = {"t": (0, 63), "s": (0, 12), "p": (0, 3), "q": (1, 3), "h": (1, 21), "n": (1, 254)}
_TARIFF_LAST_1997 = 14

_GROUP_VARIABLES = 0x02
_GROUP_EVENTS = 0x03
_GROUP_FREEZES = 0x05
# 03dd0p01..0A, dd up to 04: the last ten times a phase was in trouble, 131 bytes each.
_RECORDED_LAST = 0x04
_RECORDS = 10
# Where the energy types (DI2) of the phases begin: those of phase n are n * 14h further on.
_PHASE_STEP = 0x14
_PHASED = ((0x15, 0x1E), (0x29, 0x32), (0x3D, 0x46), (0x94, 0x9A), (0xA8, 0xAE), (0xBC, 0xC2))
_ENERGY_AND_DEMAND = 0x01

_layouts: "dict[tuple[int, int], Layout | str]" = {}


def layout(version: int, di: int) -> "Layout | str":
    """The layout of an identifier, or why it isn't known."""
    found = _layouts.get((version, di))
    if found is None:
        found = _layout(version, di)
        if len(_layouts) >= _LAYOUTS_MAX:
            _layouts.clear()
        if _LAYOUTS_MAX:
            _layouts[version, di] = found
    return found


def di_text(version: int, di: int) -> str:
    """An identifier as it is written: "00010000", or "9010" for 1997."""
    return f"{di:04X}" if version == VERSION_1997 else f"{di:08X}"


def _layout(version: int, di: int) -> "Layout | str":
    if version == VERSION_1997:
        return _layout_1997(di)
    group, kind = di >> 24, di >> 16 & 0xFF
    if group > _GROUP_VARIABLES:
        return _layout_rare(di)
    phase = 0
    if group <= _ENERGY_AND_DEMAND:
        for index in range(len(_PHASED)):
            first, last = _PHASED[index]
            if first <= kind <= last:
                phase = index % 3 + 1
                di -= phase * _PHASE_STEP << 16
    return _from_rows(DI_2007, f"{di:08X}", 2, 0, phase)


def _layout_rare(di: int) -> "Layout | str":
    from nuan_protocols.dlt645.di_rare import DI_2007_RARE, PHASE_EVENTS

    group = di >> 24
    if group == _GROUP_FREEZES:
        return _freeze(di)
    name = _named(PHASE_EVENTS, di >> 16 & 0xFF) if group == _GROUP_EVENTS else ""
    if name and di & 0xFFFF == 0:
        return Layout([(0, 0, _phase_event(name))], False, False)
    phase, ago = di >> 8 & 0xFF, di & 0xFF
    if name and di >> 16 & 0xFF <= _RECORDED_LAST and 1 <= phase <= 3 and 1 <= ago <= _RECORDS:
        row = f"6t0=datetime:{name}_start 6t0=datetime:{name}_end 119x0=any:{name}"
        return Layout([(ago, 0, _items(row, "", phase))], False, False)
    return _from_rows(DI_2007_RARE, f"{di:08X}", 2, 0, 0)


def _layout_1997(di: int) -> "Layout | str":
    from nuan_protocols.dlt645.di_1997 import DI_1997

    key = f"{di:04X}"
    storage = 0
    month = di >> 8 & 0x0F
    # 9, A and B: the second digit counts months in fours, but B2, B3 and B6 are other things.
    if di >> 12 in (0x9, 0xA, 0xB) and month <= 0x9 and month & 0x03 <= 1:
        storage = month >> 2
        key = f"{di & 0xF0FF | (month & 0x03) << 8:04X}"
    return _from_rows(DI_1997, key, 1, storage, 0)


def _freeze(di: int) -> "Layout | str":
    from nuan_protocols.dlt645.di_rare import FREEZE_DATA, FREEZES

    ago = di & 0xFF
    name = _named(FREEZES, di >> 16 & 0xFF)
    row = _named(FREEZE_DATA, di >> 8 & 0xFF)
    if not name or ago in (0, 0xFF):
        return f"data identifier {di:08X} is unknown"
    if not row:
        return f"the layout of freeze {di:08X} isn't known"
    if row[0] != "+":
        return Layout([(ago, 0, _items(row, ":" + name, 0))], False, False)
    items = _items(row[1:], ":" + name, 0)
    last = _RANGES["t"][1]
    return Layout([(ago, tariff, items) for tariff in range(last + 1)], True, True)


def _phase_event(name: str) -> "list[Item]":
    found: list[Item] = []
    for phase in (1, 2, 3):
        row = f"3u0=count:{name}=1 3u0*60=duration:{name}=s"
        found.extend(_items(row, "", phase))
    return found


def _from_rows(table: str, key: str, width: int, storage: int, phase: int) -> "Layout | str":
    """All rows that `key` names, FF (1997: a last F) standing for every number."""
    wild = "FF" if width == 2 else "F"
    pairs = [key[at : at + width] for at in range(0, len(key), width)]
    # FF in front, or twice: nothing says in which order a meter sends such a block.
    first = 2 if width == 2 else 3
    blocks = [at for at in range(first, len(pairs)) if pairs[at] == wild]
    if len(blocks) > 1:
        return f"the order within block {key} isn't known"
    groups: list[Group] = []
    counted = False
    rows = _matching(table, pairs, blocks, width)
    for row in rows:
        letter = row[blocks[0] * width] if blocks else ""
        numbers = [-1]
        if letter in _RANGES:
            counted = True
            low, high = _RANGES[letter]
            if width == 1 and letter == "t":
                high = _TARIFF_LAST_1997
            numbers = list(range(low, high + 1))
        groups.extend(_groups(row, pairs, width, numbers, storage, phase))
    if not groups:
        return f"data identifier {key} is unknown"
    return Layout(groups, counted and len(rows) == 1, bool(blocks))


def _matching(table: str, pairs: "list[str]", blocks: "list[int]", width: int) -> "list[str]":
    found: list[str] = []
    start = 0
    while start < len(table):
        end = table.find("\n", start)
        if _matches(table, start, pairs, blocks, width):
            row = table[start:end]
            # A row that counts is a block by itself: what else begins alike isn't part of it.
            if not blocks or row[blocks[0] * width] in _RANGES:
                return [row]
            found.append(row)
        start = end + 1
    return found


def _matches(table: str, start: int, pairs: "list[str]", blocks: "list[int]", width: int) -> bool:
    for index in range(len(pairs)):
        at = start + index * width
        if index in blocks:
            continue
        letter = table[at]
        if letter in _RANGES:
            low, high = _RANGES[letter]
            if width == 1 and letter == "t":
                high = _TARIFF_LAST_1997
            if not low <= int(pairs[index], 16) <= high:
                return False
        elif table[at : at + width] != pairs[index]:
            return False
    return True


def _groups(
    row: str, pairs: "list[str]", width: int, numbers: "list[int]", storage: int, phase: int
) -> "list[Group]":
    """A row's groups for these numbers of a block (-1: the number is in the identifier)."""
    found: list[Group] = []
    words = row[len(pairs) * width + 1 :]
    items: list[Item] = []
    said = ""
    for number in numbers:
        tariff, qualifier = 0, ""
        for index in range(len(pairs)):
            letter = row[index * width]
            if letter not in _RANGES:
                continue
            wild = number >= 0 and pairs[index] == ("FF" if width == 2 else "F")
            value = number if wild else int(pairs[index], 16)
            if letter == "t":
                tariff = value
            elif letter in "sn":
                storage = value
            elif letter == "h":
                qualifier = f":h{value}"
            else:
                phase = value
        # Tariffs and settlements share their items: only their numbers differ.
        if not items or said != f"{phase}{qualifier}":
            said = f"{phase}{qualifier}"
            items = _items(words, qualifier, phase)
        found.append((storage, tariff, items))
    return found


def _items(words: str, qualifier: str, phase: int) -> "list[Item]":
    found: list[Item] = []
    for word in words.split(" "):
        fields = word.split("=")
        form, name = fields[0], fields[1]
        factor = 1
        star = form.find("*")
        if star > 0:
            factor = int(form[star + 1 :])
            form = form[:star]
        digits = 1
        while form[digits].isdigit():
            digits += 1
        function = "maximum" if name[0] == "^" else "instantaneous"
        if name[0] == "^":
            name = name[1:]
        if phase:
            name += f":l{phase}"
        found.append(
            Item(
                int(form[:digits]),
                form[digits],
                int(form[digits + 1 :]),
                factor,
                name + qualifier,
                fields[2] if len(fields) > 2 else "",
                function,
            )
        )
    return found


def _named(table: str, code: int) -> str:
    """What stands behind a code at the start of a row, "" when no row starts with it."""
    key = f"{code:02X} "
    at = 0 if table[: len(key)] == key else table.find("\n" + key) + 1
    if at == 0 and table[: len(key)] != key:
        return ""
    at += len(key)
    return table[at : table.find("\n", at)]
