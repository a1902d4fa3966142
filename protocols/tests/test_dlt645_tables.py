"""The rows of the DL/T 645 tables: each is reachable, whole, and in the closed vocabulary."""

import pytest

from nuan_protocols.dlt645 import di_1997, di_rare, di_tables
from nuan_protocols.dlt645.items import Layout, layout
from nuan_protocols.dlt645.status import error_names, flag_name
from nuan_protocols.quantity import UNITS_OF, base

FIRST = {"t": 0, "s": 0, "p": 0, "q": 1, "h": 1, "n": 1}
ROWS = [(2007, row) for row in (di_tables.DI_2007 + di_rare.DI_2007_RARE).splitlines()]
ROWS += [(1997, row) for row in di_1997.DI_1997.splitlines()]


def identifiers(key: str) -> list[int]:
    """The identifiers with the first and the second number in a row's first free place."""
    width = 1 if len(key) == 4 else 2
    low = "".join(
        f"{FIRST[pair[0]]:0{width}X}" if pair[0] in FIRST else pair
        for pair in (key[at : at + width] for at in range(0, len(key), width))
    )
    return [int(low, 16)]


def checked(found: "Layout | str") -> Layout:
    assert not isinstance(found, str), found
    for _, _, items in found.groups:
        for item in items:
            assert item.kind in "usbfriatmdhex"
            assert item.size > 0
            assert item.function in ("instantaneous", "maximum")
            assert item.unit in UNITS_OF[base(item.quantity)], item
    return found


@pytest.mark.parametrize(("version", "row"), ROWS, ids=[row.split(" ")[0] for _, row in ROWS])
def test_every_row_can_be_reached(version: int, row: str) -> None:
    key, *words = row.split(" ")
    for di in identifiers(key):
        found = checked(layout(version, di))
        assert len(found.groups) == 1
        (_, _, items) = found.groups[0]
        assert len(items) == len(words)
        for item, word in zip(items, words, strict=True):
            name = word.split("=")[1].lstrip("^")
            assert item.quantity.startswith(name)


def test_rows_are_in_order_and_named_once() -> None:
    for table in (di_tables.DI_2007, di_rare.DI_2007_RARE, di_1997.DI_1997):
        keys = [row.split(" ")[0] for row in table.splitlines()]
        assert len(set(keys)) == len(keys)


def test_freezes_and_phase_events_are_known() -> None:
    for kind in range(7):
        for data in range(0x0B):
            checked(layout(2007, 0x05000001 | kind << 16 | data << 8))
    for kind in (1, 2, 3, 4, 0x0B, 0x0C, 0x0D):
        assert len(checked(layout(2007, 0x03000000 | kind << 16)).groups[0][2]) == 6
    record = checked(layout(2007, 0x0302030A)).groups[0]
    assert record[0] == 10
    assert sum(item.size for item in record[2]) == 131
    assert record[2][0].quantity == "datetime:voltage_low_start:l3"
    for unknown in (0x05070001, 0x05060000, 0x050600FF, 0x0302030B, 0x03050101, 0x0506FF01):
        assert isinstance(layout(2007, unknown), str)


def test_blocks_know_how_long_they_may_be() -> None:
    for version, di, groups, open_ended in (
        (2007, 0x0001FF00, 64, True),
        (2007, 0x000100FF, 13, True),
        (2007, 0x0101FF0C, 64, True),
        (2007, 0x0201FF00, 3, True),
        (2007, 0x0203FF00, 4, True),
        (2007, 0x020A02FF, 21, True),
        (2007, 0x040005FF, 7, False),
        (2007, 0x05060105, 64, True),
        (1997, 0x901F, 15, True),
        (1997, 0xB63F, 4, True),
        (1997, 0xC01F, 2, False),
    ):
        found = checked(layout(version, di))
        assert (len(found.groups), found.open, found.block) == (groups, open_ended, True), hex(di)


def test_bits_have_names() -> None:
    assert flag_name("word_5", 0) == "phase 2 voltage lost"
    assert flag_name("word_1", 2) == "clock battery low"
    assert flag_name("word_7", 8) == "current badly unbalanced"
    assert flag_name("word_7", 9) == "bit 9"
    assert flag_name("word_6", 12) == "bit 12"
    assert error_names(2007, 0x01) == "other error"
    assert error_names(2007, 0x40) == "too many tariffs"
    assert error_names(1997, 0x08) == "bit 3"
    assert error_names(2007, 0) == "no reason given"
