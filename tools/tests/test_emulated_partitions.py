"""The emulated board's flash is laid out as `nuan flash` lays out a board with 4 MB."""

import re

from nuan_emulator import flash
from nuan_emulator.board_tree import SHIMS
from nuan_tools.flashing.partitions import find, layout


def test_the_emulated_partitions_are_those_of_a_small_board() -> None:
    table = layout(4)
    assert find(table, "romfs").size == flash.ROM_BYTES
    assert find(table, "vfs").size == flash.BLOCKS * flash.BLOCK_BYTES
    text = (SHIMS / "partitions.py").read_text("utf-8")
    rows = re.findall(r'"(\w+)": \((\d), (0x\w+), (0x\w+), (0x\w+)\)', text)
    assert len(rows) == 4
    for name, kind, subtype, offset, size in rows:
        found = find(table, name)
        assert (found.type, found.subtype) == (int(kind), int(subtype, 16))
        assert (found.offset, found.size) == (int(offset, 16), int(size, 16))
