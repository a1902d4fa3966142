"""The boards nuan knows, and how a site's node takes its pins from one."""

from pathlib import Path

import pytest

from nuan_gateway.board_files import board, board_names
from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_gateway.site_links import Link

NODE = "6e75616e00000001"
# The pins that the ESP32's own Ethernet MAC takes, whatever the PHY.
RMII = {19, 21, 22, 25, 26, 27}
# Flash, and on an ESP32-S3 with octal memory that, too.
TAKEN = {"esp32": set(range(6, 12)), "esp32s3": set(range(26, 38))}
INPUTS_ONLY = {"esp32": set(range(34, 40)), "esp32s3": set[int]()}
SITE = """\
format = 1
site = {{ id = "s", name = "S" }}
season = {{ name = "2025", start = 2025-11-01, end = 2026-04-01 }}
tariff = {{ file = "tariff.toml" }}
[[node]]
id = "6e75616e00000001"
config_version = 1
mqtt = {{ host = "10.1.0.1" }}
{node}
[[node.bus]]
name = "a"
protocol = "modbus"
baud = 9600
parity = "N"
timeout_ms = 300
{bus}
[[meter]]
serial = "1"
model = "room_rs485"
node = "6e75616e00000001"
bus = "a"
slot = 1
address = 1
every_s = 300
"""


def site(folder: Path, node: str, bus: str) -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.format(node=node, bus=bus), "utf-8")
    return path


@pytest.mark.parametrize("name", board_names())
def test_a_board_names_no_pin_twice_and_none_it_does_not_have(name: str) -> None:
    found = board(name)
    links = [
        Link(kind=kind, **keys)  # type: ignore[arg-type]
        for kind, keys in (("ethernet", found.ethernet), ("ppp", found.modem))
        if keys
    ]
    own = [pin for link in links for _, pin in link.pins()] + list(found.pins.values())
    own += list(found.rtc.values())
    if found.ethernet.get("mdc") is not None:
        own += sorted(RMII)
    assert len(own) == len(set(own)), own
    outputs = [port.tx for port in found.ports.values()]
    outputs += [port.de for port in found.ports.values() if port.de >= 0]
    for port in found.ports.values():
        used = {port.tx, port.rx, port.de} - {-1}
        assert not used & set(own), port
        assert not used & TAKEN[found.chip], port
    assert not set(outputs) & INPUTS_ONLY[found.chip]
    assert found.source


def test_a_bus_takes_its_pins_from_a_port_of_the_board(tmp_path: Path) -> None:
    path = site(tmp_path, 'board = "wt32-eth01"\nlink = [{ kind = "ethernet" }]', 'port = "rs485"')
    config = node_config(load_site(path), NODE)
    bus = config["buses"][0]
    assert {key: bus[key] for key in ("uart", "tx", "rx", "de")} == {
        "uart": 2, "tx": 17, "rx": 5, "de": 33,
    }  # fmt: skip
    assert "port" not in bus
    assert config["links"][0]["phy"] == "LAN8720"
    assert config["links"][0]["power_pin"] == 16


def test_what_the_site_says_itself_stands(tmp_path: Path) -> None:
    path = site(tmp_path, 'board = "esp32-devkit"', 'port = "rs485"\nde = 32')
    assert node_config(load_site(path), NODE)["buses"][0]["de"] == 32


def test_a_board_with_more_flash_keeps_a_larger_journal(tmp_path: Path) -> None:
    small, large = (
        node_config(load_site(site(tmp_path, f'board = "{name}"', 'port = "rs485"')), NODE)
        for name in ("esp32-devkit", "esp32-s3-devkit")
    )
    assert large["journal"]["max_bytes"] > 12 * small["journal"].get("max_bytes", 880_000)


@pytest.mark.parametrize(
    ("node", "bus", "wanted"),
    [
        ('board = "wt32"', 'port = "rs485"', "'wt32' is no board nuan knows; known are esp32-"),
        (
            'board = "wt32-eth01"',
            'port = "usb"',
            "wt32-eth01 has no port 'usb'; it has mbus, rs485",
        ),
        (
            'board = "esp32-devkit"\nlink = [{ kind = "ethernet" }]',
            'port = "rs485"',
            "esp32-devkit has no ethernet",
        ),
    ],
)
def test_a_wrong_name_is_said_with_those_there_are(
    tmp_path: Path, node: str, bus: str, wanted: str
) -> None:
    with pytest.raises(SiteError, match=r"site\.toml:5") as raised:
        load_site(site(tmp_path, node, bus))
    assert wanted in str(raised.value)
