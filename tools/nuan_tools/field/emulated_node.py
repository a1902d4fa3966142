"""A node to try the console on without a board: the real firmware, two heat meters, real time."""

from __future__ import annotations

import fcntl
import secrets
import signal
import sys
import time
from pathlib import Path

import typer

from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.serve_node import serve_console
from nuan_emulator.world import World
from nuan_gateway.key_file import register
from nuan_gateway.node_config import node_config
from nuan_gateway.settings import load_keys
from nuan_gateway.site import load_site
from nuan_gateway.workspace import SETTINGS_NAME
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

NODE = "6e75616e00000001"
# Where a gateway of one's own listens; the node finds it there by itself.
BROKER = ("127.0.0.1", 1883)
HEAP_KB = 128
_BAUD = 2400
_BITS = 11
_KEY_BYTES = 32
# Without [mqtt] the gateway's own broker listens at BROKER.
_SETTINGS = """\
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
"""
_SITE = f"""\
format = 1
[site]
id = "sample"
name = "sample"
[season]
name = "sample"
start = 2026-11-01
end = 2027-04-01
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE}"
config_version = 1
mqtt = {{ host = "10.1.0.1" }}
wifi = {{ ssid = "nuan" }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = {_BAUD}
parity = "E"
timeout_ms = 500
[[unit]]
id = "101"
area_m2 = "80"
"""
_METER = f"""\
[[meter]]
serial = "{{serial}}"
model = "mbus_heat"
node = "{NODE}"
bus = "mbus"
slot = {{slot}}
address = {{slot}}
every_s = 60
[[point]]
id = "heat-{{slot}}"
role = "household_heat"
meter = "{{serial}}"
unit = "101"
"""
_SERIALS = ("10000001", "10000002")


def serve_node(folder: Path, seed: int) -> None:
    """Run it until Ctrl-C; what it journals stays in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(tr("{folder}: a node runs there already", folder=folder)) from None
    site, keys = folder / "site.toml", folder / "keys.toml"
    if not site.exists():
        meters = [_METER.format(serial=each, slot=at) for at, each in enumerate(_SERIALS, 1)]
        site.write_text(_SITE + "".join(meters), "utf-8")
    if not keys.exists():
        register(keys, NODE, secrets.token_bytes(_KEY_BYTES))
    settings = folder / SETTINGS_NAME
    if not settings.exists():
        settings.write_text(_SETTINGS, "utf-8")
    begun_ms = time.time_ns() // 1_000_000
    meters_on = [MBusHeatMeter(serial, at, _heat) for at, serial in enumerate(_SERIALS, 1)]
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: stopped.append(got))
    with World(seed=seed, start_ms=begun_ms, pin=False) as world:
        spec = NodeSpec(
            NODE,
            load_keys(keys)[NODE],
            node_config(load_site(site), NODE),
            folder / "flash.bin",
            BROKER,
            lines={1: Line(_BAUD, _BITS, meters_on, seed=seed)},
            heap_kb=HEAP_KB,
        )
        node = world.add_node(spec)
        serve_console(world, node, lambda port: _tell(port, keys, settings), lambda: bool(stopped))


def _heat(now_ms: int) -> HeatState:
    """3 kW since November 2023."""
    passed_s = now_ms // 1000 - 1_700_000_000
    return HeatState(3000 * passed_s, 40 * passed_s, 3000, 144, 5510, 4030, passed_s)


def _tell(port: str, keys: Path, settings: Path) -> None:
    typer.echo(tr("A node runs here until Ctrl-C. Talk to it in another terminal:"))
    typer.echo(f"  nuan console {port} --keys {keys}")
    typer.echo(f"  nuan gateway run {settings}")
    sys.stdout.flush()
