"""Provisioning: a board as `nuan flash` leaves it becomes a node of a site, over its console."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nuan_emulator.console_port import ConsolePort
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_gateway.settings import load_keys
from nuan_tools.errors import UserError
from nuan_tools.flashing.provisioning import Wish, provision
from nuan_tools.node_link.client import ConsoleClient

NODE_ID = "6e75616e00000001"
OTHER_KEY = bytes(range(32))
START_MS = 1_793_462_400_000
HOUR_S = 3600
CONFIG = {
    "format": 1,
    "version": 4,
    "node": NODE_ID,
    "wifi": {"ssid": "cellar"},
    "mqtt": {"host": "10.1.0.1", "port": 1883},
    "buses": [
        {"name": "mbus", "protocol": "mbus", "uart": 1, "tx": 17, "rx": 16}
        | {"baud": 2400, "parity": "E", "timeout_ms": 300}
    ],
    "journal": {"flush_s": 300},
    "meters": [{"slot": 1, "bus": 0, "address": 1, "every_s": 300}],
    "zones": [],
}


def heat(now_ms: int) -> HeatState:
    passed_s = (now_ms - START_MS) // 1000
    return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, 5510, 4030, passed_s)


class Cellar:
    """A board that has nuan and nothing else, with a meter on its line."""

    def __init__(self, folder: Path, vm: Path, seed: int, key: bytes = b"") -> None:
        self.keys_file = folder / "keys.toml"
        self.world = World(seed=seed, start_ms=START_MS, vm=vm)
        line = Line(2400, 11, [MBusHeatMeter("12345671", 1, heat)], seed=seed)
        self.node = self.world.add_node(
            NodeSpec(NODE_ID, key, {}, folder / "flash.img", ("127.0.0.1", 9), lines={1: line})
        )
        self.world.run_until(START_MS + 10_000)
        self.client = ConsoleClient(ConsolePort(self.world, self.node))
        self.told: list[str] = []

    def wish(self) -> Wish:
        return Wish(NODE_ID, CONFIG, self.keys_file, {}, {"wifi_key": "warm and dry"})

    def provision(self, wish: Wish) -> None:
        provision(self.client, wish, self.told.append)

    def live(self, seconds: int) -> None:
        self.world.run_until(self.world.now_ms + seconds * 1000)


@pytest.fixture
def cellar(tmp_path: Path, vm: Path, seed: int) -> Iterator[Cellar]:
    made = Cellar(tmp_path, vm, seed)
    yield made
    made.world.close()


def test_a_new_board_becomes_a_node_that_reads_and_is_locked(cellar: Cellar) -> None:
    assert cellar.client.request("status")["locked"] is False
    cellar.provision(cellar.wish())
    key = load_keys(cellar.keys_file)[NODE_ID]
    cellar.live(30)
    status = cellar.client.request("status", tries=3)
    assert (status["node"], status["locked"]) == (NODE_ID, True)
    assert "config_version" not in status
    cellar.client.unlock(key)
    # Without a gateway in reach it keeps its first configuration, and reads.
    cellar.live(2 * HOUR_S)
    cellar.client.unlock(key)
    status = cellar.client.request("status")
    assert (status["config_version"], status["config_on_trial"]) == (4, False)
    assert cellar.client.request("meters")["meters"][0]["result"] == "ok"
    assert status["newest"] > 10
    assert "warm" not in cellar.node.console_tail()


def test_done_again_it_keeps_the_key_that_is_registered(cellar: Cellar) -> None:
    cellar.provision(cellar.wish())
    key = load_keys(cellar.keys_file)[NODE_ID]
    cellar.live(30)
    again = replace(cellar.wish(), config={**CONFIG, "version": 5}, confirm=True)
    cellar.provision(again)
    cellar.live(30)
    assert load_keys(cellar.keys_file) == {NODE_ID: key}
    cellar.client.unlock(key)
    assert cellar.client.request("status")["config_version"] == 5


def test_a_run_that_broke_off_is_made_good_by_the_next(cellar: Cellar) -> None:
    def fail_at(step: str) -> None:
        if step == "wifi_key":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        provision(cellar.client, cellar.wish(), fail_at)
    registered = load_keys(cellar.keys_file)
    cellar.provision(cellar.wish())
    assert load_keys(cellar.keys_file) == registered


def test_a_board_of_somebody_else_is_left_alone(tmp_path: Path, vm: Path, seed: int) -> None:
    cellar = Cellar(tmp_path, vm, seed, OTHER_KEY)
    try:
        with pytest.raises(UserError, match="belongs to another node"):
            cellar.provision(cellar.wish())
        assert not cellar.keys_file.exists()
    finally:
        cellar.world.close()


def test_a_configuration_the_board_refuses_leaves_it_open_for_the_next_try(cellar: Cellar) -> None:
    wrong = {**CONFIG, "buses": [{**CONFIG["buses"][0], "baud": 2401}]}  # type: ignore[index]
    with pytest.raises(UserError, match=r"buses\[0\]\.baud"):
        cellar.provision(replace(cellar.wish(), config=wrong))
    assert cellar.client.request("status")["locked"] is False
    cellar.provision(cellar.wish())
