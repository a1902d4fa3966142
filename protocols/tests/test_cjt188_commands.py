"""What changes a meter is asked for by name: no read-out reaches it, and some isn't there."""

import re
import subprocess
import sys
from collections.abc import Callable
from inspect import getmembers, isfunction
from pathlib import Path

import pytest

from nuan_protocols.cjt188 import commands, valve
from nuan_protocols.cjt188.frame import ANSWER, WRITE_DATA, parse
from nuan_protocols.cjt188.layouts import identifier
from nuan_protocols.cjt188.master import Address, ReadOut
from nuan_protocols.cjt188.probe import ways
from nuan_protocols.meters import registry

METER = Address(0x20, b"\x75\x36\x49\x59\x00\x11\x11", 0)
BUILDERS: dict[str, Callable[[], bytes]] = {
    "set_clock": lambda: commands.set_clock(METER, 1, "2026-01-15T08:30:00"),
    "open_valve": lambda: commands.open_valve(METER, 1),
    "close_valve": lambda: commands.close_valve(METER, 1),
    "set_settlement_day": lambda: commands.set_settlement_day(METER, 1, 25),
    "set_reading_day": lambda: commands.set_reading_day(METER, 1, 25),
}
ALLOWED = {0xA011, 0xA012, 0xA015, 0xA017}


def test_reading_never_loads_the_commands() -> None:
    program = (
        "import sys, nuan_protocols.cjt188.master, nuan_protocols.cjt188.telegram, "
        "nuan_protocols.cjt188.trial, nuan_protocols.meters.cjt188_readings;"
        "print([name for name in sys.modules if name.endswith(('88.commands', '88.valve'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_these_commands_and_no_others_exist() -> None:
    public = {
        name
        for module in (commands, valve)
        for name, each in getmembers(module, isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    }
    # What both write with.
    assert public - {"write"} == set(BUILDERS)


def test_the_board_knows_the_valves_commands_in_one_place_and_no_others() -> None:
    firmware = Path(__file__).parents[2] / "firmware" / "nuan_firmware"
    named = re.compile(r"cjt188\.(?:commands|valve)\b")
    users = {
        (path.name, found)
        for path in firmware.rglob("*.py")
        for found in named.findall(path.read_text("utf-8"))
    }
    assert users == {("valve_order.py", "cjt188.valve")}


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_a_command_writes_what_it_is_named_after_and_nothing_else(name: str) -> None:
    frame = parse(BUILDERS[name]())
    assert frame.control == WRITE_DATA
    assert identifier(frame.data[0], frame.data[1]) in ALLOWED
    assert frame.data[2] == 1


def test_models_and_probing_only_read() -> None:
    models = [registry.profile(name) for name in registry.models()]
    asked = [read for each in models if each.protocol == "cjt188" for read in each.reads]
    asked += [read for _, read in ways("11110059493675")]
    assert len(asked) > 20
    assert {control for control, _, _ in asked} == {1}
    for read in asked:
        question = ReadOut(METER, (read,), 0).request()
        assert question is not None
        assert not parse(question).control & ANSWER
