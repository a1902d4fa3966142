"""The node's firmware on several links: it falls back, comes back, and loses nothing on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from test_node_in_world import (
    KEY,
    NODE_ID,
    SETTINGS,
    START_MS,
    TARIFF,
    Room,
    Season,
    heat,
    start_gateway,
)

from nuan_emulator.line import Line
from nuan_emulator.meters import MBusHeatMeter
from nuan_emulator.modem import Modem
from nuan_emulator.network import PPP as PPP_LINK
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
EVERY_S = 900
METERS = 2

HEAD = f"""
format = 1
site = {{ id = "small", name = "small", timezone = "Asia/Shanghai" }}
season = {{ name = "2026", start = 2026-11-01, end = 2026-11-30 }}
tariff = {{ file = "tariff.toml" }}
[[node]]
id = "{NODE_ID}"
config_version = 3
mqtt = {{ host = "gateway.example", port = 1883 }}
"""
BUS = """
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100
"""
METER = """
[[meter]]
serial = "1000000{slot}"
model = "mbus_heat"
node = "6e75616e00000001"
bus = "mbus"
slot = {slot}
address = {slot}
every_s = 900
"""
WIFI = '[[node.link]]\nkind = "wifi"\nssid = "house"\n'
ETHERNET = '[[node.link]]\nkind = "ethernet"\nphy = "LAN8720"\nmdc = 23\nmdio = 18\n'
PPP = '[[node.link]]\nkind = "ppp"\nuart = 2\ntx = 4\nrx = 5\napn = "cmnet"\npower_pin = 12\n'


def hours(*spans: tuple[float, float]) -> list[tuple[int, int]]:
    """Outages, as hours since the start."""
    return [tuple(START_MS + int(h * HOUR_MS) for h in span) for span in spans]  # type: ignore[misc]


@pytest.fixture
def begin(tmp_path: Path, vm: Path, seed: int) -> Iterator[Callable[..., Season]]:
    """begin(links, **parts of the node): a node on these links, and its gateway."""
    seasons: list[Season] = []

    def make(links: str, **parts: Any) -> Season:
        (tmp_path / "data").mkdir(parents=True)
        meters = "".join(METER.format(slot=slot) for slot in range(1, METERS + 1))
        (tmp_path / "site.toml").write_text(HEAD + links + BUS + meters)
        (tmp_path / "tariff.toml").write_text(TARIFF)
        (tmp_path / "keys.toml").write_text(f'"{NODE_ID}" = "{KEY.hex()}"\n')
        (tmp_path / "gateway.toml").write_text(SETTINGS)
        world = World(seed=seed, start_ms=START_MS, clock_file=tmp_path / "data" / "clock", vm=vm)
        gateway, port = start_gateway(tmp_path)
        line = [MBusHeatMeter(f"1000000{slot}", slot, heat) for slot in range(1, METERS + 1)]
        spec: dict[str, Any] = {
            "node_id": NODE_ID,
            "key": KEY,
            "config": node_config(load_site(tmp_path / "site.toml"), NODE_ID),
            "image": tmp_path / "flash.img",
            "broker": ("127.0.0.1", port),
            "lines": {1: Line(2400, 11, line, seed=seed)},
        }
        node = world.add_node(NodeSpec(**{**spec, **parts}))
        seasons.append(Season(tmp_path, world, node, gateway, Room(), vm))
        return seasons[-1]

    yield make
    for season in seasons:
        season.close()


def changes(season: Season) -> list[str]:
    """What the node said of its links, in order: event 9, without the times."""
    rows = season.rows("select raw from entry where kind = 2 order by id")
    return [raw[28:].decode() for (raw,) in rows if raw[27] == 9]


def assert_nothing_lost(season: Season, hours_lived: int) -> None:
    """Every entry arrived once, and every meter was read on time, whatever the links did."""
    numbers = season.numbers()
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert season.node.tunnel.stats.backlog == 0
    times = season.rows("select slot, time from entry where kind = 1 and clock > 0 order by id")
    for slot in range(1, METERS + 1):
        late = [time % EVERY_S for each, time in times if each == slot]
        assert max(late) < 30
        assert len(late) >= hours_lived * 4 - 1
    assert not season.node.resets


def test_from_wifi_to_a_modem_and_back_over_days(begin: Callable[..., Season], seed: int) -> None:
    modem = Modem(Random(seed), hours((50, 52)), has_key=True)
    season = begin(WIFI + PPP, outages=hours((5, 23), (49, 51)), modem=modem)
    season.world.run_until(START_MS + 73 * HOUR_MS)
    said = [re.sub(r"; .*", "", text) for text in changes(season)]
    assert said == [
        "wifi -> ppp: no access point house",
        "ppp -> wifi: it works again",
        "wifi -> ppp: no access point house",
        "ppp -> wifi: no network",
    ]
    assert (modem.dials, modem.presses) == (2, 1)
    assert_nothing_lost(season, 73)


def test_a_link_that_flaps_is_not_followed(begin: Callable[..., Season], seed: int) -> None:
    flapping = hours(*((2 + third / 3, 2 + third / 3 + 0.2) for third in range(66)))
    modem = Modem(Random(seed))
    season = begin(WIFI + PPP, outages=flapping, modem=modem)
    season.world.run_until(START_MS + 25 * HOUR_MS)
    # Down for 12 minutes three times an hour: 66 times, and each change to it is paid for.
    assert 1 <= len(changes(season)) <= 24
    assert modem.dials <= 12
    assert_nothing_lost(season, 25)


def test_from_ethernet_to_wifi_and_back(begin: Callable[..., Season]) -> None:
    season = begin(ETHERNET + WIFI, lan_outages=hours((1, 3)))
    season.world.run_until(START_MS + 9 * HOUR_MS)
    said = [re.sub(r"; .*", "", text) for text in changes(season)]
    assert said == ["ethernet -> wifi: no cable", "wifi -> ethernet: it works again"]
    assert_nothing_lost(season, 9)


def test_a_modem_may_be_the_preferred_link(begin: Callable[..., Season], seed: int) -> None:
    modem = Modem(Random(seed), hours((1, 3)))
    season = begin(PPP.replace("power_pin = 12\n", "") + WIFI, modem=modem)
    season.world.run_until(START_MS + 6 * HOUR_MS)
    said = [re.sub(r"; .*", "", text) for text in changes(season)]
    assert said == ["ppp -> wifi: no network", "wifi -> ppp: it works again"]
    assert_nothing_lost(season, 6)


def test_a_modem_with_a_locked_sim_that_hangs(begin: Callable[..., Season], seed: int) -> None:
    modem = Modem(Random(seed), pin="1234", has_key=True)
    season = begin(PPP, modem=modem, nvs={"nuan/sim_pin": b"1234"})

    def hang() -> None:
        modem.hang()
        season.node.lose_link(PPP_LINK)

    season.world.at(START_MS + 3 * HOUR_MS, hang)
    season.world.run_until(START_MS + 6 * HOUR_MS)
    assert modem.pin_tries == 3
    assert modem.presses == 2
    assert modem.dials == 2
    assert_nothing_lost(season, 6)


def test_a_wrong_pin_is_tried_once(begin: Callable[..., Season], seed: int) -> None:
    modem = Modem(Random(seed), pin="1234")
    season = begin(WIFI + PPP, modem=modem, nvs={"nuan/sim_pin": b"4321"}, outages=hours((0, 5)))
    season.world.run_until(START_MS + 7 * HOUR_MS)
    assert modem.pin_tries == 2
    assert modem.dials == 0
    assert season.node.tunnel.stats.backlog == 0


def test_an_unreachable_gateway_is_sought_over_every_link(
    begin: Callable[..., Season], seed: int
) -> None:
    modem = Modem(Random(seed))
    season = begin(WIFI + PPP, modem=modem)
    real = season.node.tunnel.broker
    season.world.at(START_MS + HOUR_MS, lambda: deaf(season, ("127.0.0.1", 9)))
    season.world.at(START_MS + 4 * HOUR_MS, lambda: deaf(season, real))
    season.world.run_until(START_MS + 6 * HOUR_MS)
    # Every link has its five minutes, in turn, then ten, and so on: dialling costs money.
    assert 3 <= modem.dials <= 8
    assert_nothing_lost(season, 6)


def deaf(season: Season, broker: tuple[str, int]) -> None:
    """From now on the broker is somewhere else."""
    season.node.tunnel.broker = broker
    for ident in season.node.tunnel.open_idents():
        season.node.tunnel.close(ident)
        season.node.socket_ended(ident, season.world.now_ms)
