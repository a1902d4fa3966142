"""No builder of the DL/T 645 package can make a frame that writes, clears, freezes or switches."""

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import nuan_protocols.dlt645
from nuan_protocols.dlt645 import clock, frame, master
from nuan_protocols.errors import FrameError

# Whatever changes a meter: 2007's write to switch, 1997's write, address, speed, password, demand.
CHANGING = (*range(0x14, 0x1D), 0x04, 0x0A, 0x0C, 0x0F, 0x10)
READING = {0x01, 0x02, 0x11, 0x12, 0x13}
FOLDER = Path(nuan_protocols.dlt645.__file__).parent


def test_the_builder_refuses_every_control_code_but_the_named() -> None:
    allowed = set()
    for control in range(256):
        for address in ("123456789012", frame.ALL_METERS):
            try:
                raw = frame.request(address, control, b"\x00" * 6)
            except FrameError:
                continue
            assert raw[4 + frame.CONTROL_AT] == control
            allowed.add(control)
    assert allowed == READING | {0x08}
    assert not allowed & set(CHANGING)


def test_the_clock_is_set_by_broadcast_only() -> None:
    with pytest.raises(FrameError, match="broadcast to all meters"):
        frame.request("123456789012", 0x08, b"\x00" * 6)
    assert clock.time_broadcast(2025, 11, 20, 8, 0, 0)[5:11] == b"\x99" * 6


def test_read_requests_and_turns_take_reads_only() -> None:
    for control in range(256):
        try:
            raw = frame.read_request("123456789012", control, 0, 1)
        except FrameError:
            continue
        assert raw[4 + frame.CONTROL_AT] in READING
    for control in (*CHANGING, 0x08):
        with pytest.raises(FrameError):
            master.ReadOut("123456789012", ((control, 0, 0),))


def test_nothing_else_in_the_package_makes_frames() -> None:
    """Start and stop bytes are put together in one function, and no changing code is a constant."""
    for module in pkgutil.iter_modules([str(FOLDER)]):
        loaded = import_module(f"nuan_protocols.dlt645.{module.name}")
        tree = ast.parse(inspect.getsource(loaded))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name != "request":
                names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                assert not {"START", "STOP", "sum8", "bytearray"} <= names, node.name
        for name, value in vars(loaded).items():
            if name.startswith(("READ", "WRITE", "BROADCAST", "TRIP", "CLOSE", "CLEAR")) and (
                isinstance(value, int) and not name.endswith(("_MAX", "_MIN"))
            ):
                assert value in READING | {0x08}, name
