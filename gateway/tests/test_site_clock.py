"""[node.clock] of site.toml, and what a board gets of it."""

from pathlib import Path

import pytest
from gateway_kit import NODE, SITE

from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site


def config_with(folder: Path, line: str, zone: str = "Asia/Shanghai") -> dict[str, object]:
    text = SITE.replace("mqtt = {", f"{line}\nmqtt = {{")
    text = text.replace('name = "Test house"\n', f'name = "Test house"\ntimezone = "{zone}"\n')
    path = folder / "site.toml"
    path.write_text(text)
    return node_config(load_site(path), NODE)


def test_a_site_that_says_nothing_gives_the_board_its_defaults(tmp_path: Path) -> None:
    config = config_with(tmp_path, "")
    assert "clock" not in config
    assert "utc_offset_s" not in config


def test_everything_said_reaches_the_board(tmp_path: Path) -> None:
    servers = '["10.1.0.1", "ntp.example"]'
    line = f"clock = {{ ntp = {servers}, rtc = {{ sda = 21, scl = 22 }}, meters = false }}"
    assert config_with(tmp_path, line)["clock"] == {
        "ntp": ["10.1.0.1", "ntp.example"],
        "rtc": {"sda": 21, "scl": 22},
        "meters": False,
    }


def test_another_civil_time_than_chinas_is_told(tmp_path: Path) -> None:
    assert config_with(tmp_path, "", "Asia/Urumqi")["utc_offset_s"] == 21600


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('clock = { ntp = "x" }', "node[1].clock.ntp: write the names of the servers as a list"),
        ("clock = { rtc = { sda = 21, scl = 21 } }", "node[1].clock.rtc: sda and scl are one pin"),
        ("clock = { rtc = { sda = 21, scl = 49 } }", "node[1].clock.rtc.scl: 49"),
        ("clock = { rtc = { sda = 21 } }", "node[1].clock.rtc.scl"),
        ("clock = { gps = 1 }", "node[1].clock.gps: unknown key"),
        ('clock = { ntp = ["a", "b", "c", "d", "e"] }', "node[1].clock.ntp"),
    ],
)
def test_a_wrong_one_is_named_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(SiteError) as caught:
        config_with(tmp_path, line)
    number = 1 + (tmp_path / "site.toml").read_text().splitlines().index(line)
    assert any(f"site.toml:{number}: {reason}" in problem for problem in caught.value.problems)
