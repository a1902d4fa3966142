"""Updates and configurations in the soak: two good updates, a deaf one, and cuts around them.

Three days with 10 cuts and more in CI; thirty days with 100 and more at night.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from chain_cuts import check_cuts
from chain_orders import change_site, events, order, outcome, push, run_minutes
from chain_site import NODE
from chain_soak import CYCLE_MS, READINGS_PER_CYCLE, SITE, Soak
from chain_world import HOUR_MS, MINUTE_MS, Chain, MakeChain
from test_chain_soak import check_stored, report

from nuan_emulator import flash
from nuan_emulator.board_tree import BoardSources, checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, app_bundle
from nuan_gateway.command_queue import Orders
from nuan_gateway.store import commands
from nuan_protocols.uplink.body import EVENT_UPDATE
from nuan_tools.firmware.build import make_app
from nuan_tools.firmware.keys import SigningKey, make_key

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DAYS, CUTS = (30, 100) if NIGHTLY else (3, 10)
LOOK_MS = (6 if NIGHTLY else 2) * HOUR_MS
TRIES_MAX = 8
Order = tuple[str, Callable[[Orders], int], Callable[[], bool]]
# A whole transfer takes some 500 operations.
OPERATIONS_MAX = 600
OPEN = "        self._packets.reset()\n        await"
DEAF = '        self._packets.reset()\n        raise OSError("deaf")\n        await'
WENT_BACK = "went back from 1.3 (build 3): "
NOT_HEARD = WENT_BACK + "gateway not reached within 30 minutes"


class Campaign:
    """One order after the other, each given again until what it is for has come about."""

    def __init__(self, soak: Soak, folder: Path, key: SigningKey) -> None:
        self._soak = soak
        self._rng = Random(f"{soak.chain.seed}/campaign")
        self._number = self._tries = self._waited = 0
        self.told: list[str] = []
        self._left = [
            self._configuration(2),
            self._update(folder, key, 2),
            self._configuration(3),
            self._deaf(folder, key),
            self._update(folder, key, 4),
            self._configuration(4),
        ]

    @property
    def is_over(self) -> bool:
        return not self._left

    def look(self) -> None:
        """See what came of the last order, and give the next, or the same once more."""
        chain = self._soak.chain
        if not self._left:
            return
        name, ask, is_reached = self._left[0]
        if self._number:
            found = outcome(chain, self._number)
            reached = is_reached()
            self.told.append(f"{name}: {found.state}, {found.result}; reached {reached}")
            if reached:
                self._left.pop(0)
                self._number = self._tries = self._waited = 0
                self.look()
                return
            self._waited = self._waited + 1 if found.state == commands.DONE else 0
            # A trial takes its half hour from the end of the transfer.
            if found.state in commands.OPEN or self._waited == 1:
                return
        self._tries += 1
        assert self._tries <= TRIES_MAX, self.told
        if self._tries == 1 and name.startswith("configuration"):
            version = int(name.split()[1])
            change_site(chain, (f"config_version = {version - 1}", f"config_version = {version}"))
        self._number = order(chain, ask)
        if chain.node.running and self._tries == 1:
            # Somewhere in the transfer, the trial, or the start after it.
            self._soak.cut(self._rng.randint(3, OPERATIONS_MAX))
            passed_ms = chain.world.now_ms - chain.start_ms
            self._soak.at(passed_ms + self._rng.randint(20, 50) * MINUTE_MS, self._soak.restore)

    def _state(self) -> tuple[object, ...]:
        (row,) = self._soak.chain.query("SELECT firmware, config_version FROM node_state")
        return row

    def _configuration(self, version: int) -> Order:
        def ask(orders: Orders) -> int:
            return orders.config(NODE)

        return f"configuration {version}", ask, lambda: self._state()[1] == version

    def _update(self, folder: Path, key: SigningKey, build: int) -> Order:
        version = f"1.{build}"
        data = bundle(folder, key, build)
        chain, proof = self._soak.chain, f"confirmed {version} (build {build})"

        def is_reached() -> bool:
            # A cut may have taken the word of it along: then the node says so to the next order.
            said = outcome(chain, self._number).result
            return proof in events(chain, EVENT_UPDATE) or said == "it runs here already"

        return version, lambda orders: orders.update(NODE, data, version), is_reached

    def _deaf(self, folder: Path, key: SigningKey) -> Order:
        data = deaf_bundle(folder, key)
        chain = self._soak.chain
        return (
            "deaf",
            lambda orders: orders.update(NODE, data, "1.3"),
            lambda: NOT_HEARD in events(chain, EVENT_UPDATE),
        )


def bundle(folder: Path, key: SigningKey, build: int) -> bytes:
    """This firmware, and a file that tells the builds apart."""
    lib = folder / f"build{build}"
    shutil.copytree(stage_board(checkout_sources()) / "lib", lib)
    (lib / "note").write_text(f"build {build}")
    return app_bundle(lib, Label(f"1.{build}", build, key.name), key.sign)


def deaf_bundle(folder: Path, key: SigningKey) -> bytes:
    """This firmware, but it never gets through to its gateway."""
    sources = checkout_sources()
    package = folder / "deaf" / "nuan_firmware"
    shutil.copytree(sources.packages[0], package)
    connection = package / "connection.py"
    text = connection.read_text("utf-8")
    assert OPEN in text
    connection.write_text(text.replace(OPEN, DEAF), "utf-8")
    stage = stage_board(BoardSources(sources.board, (package,), sources.libraries))
    return app_bundle(stage / "lib", Label("1.3", 3, key.name), key.sign)


def slot_and_build(chain: Chain) -> tuple[int, int]:
    """What the node's store calls the good slot, and the highest build that ran well."""
    store = json.loads(chain.node.spec.image.with_suffix(".nvs").read_text())
    values = [bytes.fromhex(store.get(f"nuan/{name}", "00"))[1:] for name in ("slot", "build")]
    return int.from_bytes(values[0], "little"), int.from_bytes(values[1], "little")


@pytest.mark.timeout(600)
def test_updates_and_configurations_outlive_a_month_of_cuts(
    make_chain: MakeChain, seed: int, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "key.pem", "")
    node = {"firmware": make_app(1, key, "1.1"), "nvs": {"nuan/fw_key0": key.modulus}}
    soak = Soak(make_chain, seed, DAYS, CUTS, node=node)
    campaign = Campaign(soak, tmp_path, key)
    for look in range(1, DAYS * 24 * HOUR_MS // LOOK_MS):
        soak.at(look * LOOK_MS, campaign.look)
    soak.run()
    report(soak)
    print(*campaign.told, *events(soak.chain, EVENT_UPDATE), sep="\n")
    assert campaign.is_over
    check_stored(soak)
    check_cuts(soak.ledger.cuts, CYCLE_MS, READINGS_PER_CYCLE)
    # The last good ones of both are what runs.
    assert soak.chain.query("SELECT config_version FROM node_state") == [(4,)]
    assert slot_and_build(soak.chain) == (0, 4)


def on_trial(make_chain: MakeChain, folder: Path) -> Chain:
    """A chain whose node has just started an update on trial."""
    key = make_key(folder / "key.pem", "")
    nvs = {"nuan/fw_key0": key.modulus, "nuan/trial": 1}
    chain = make_chain(site=SITE, parts={"firmware": make_app(1, key, "1.1"), "nvs": nvs})
    chain.node.kill()
    place = chain.node.spec.image.with_suffix(".romfs")
    rom = place.read_bytes()[: flash.SLOT_BYTES] + bundle(folder, key, 2)
    place.write_bytes(rom + b"\xff" * (flash.ROM_BYTES - len(rom)))
    chain.node.restart()
    return chain


def test_a_configuration_waits_for_the_proof_of_an_update(
    make_chain: MakeChain, tmp_path: Path
) -> None:
    """Its restart came in the trial's only start, and a sound update went back."""
    chain = on_trial(make_chain, tmp_path)
    run_minutes(chain, 2)
    change_site(chain, ("config_version = 1", "config_version = 2"))
    push(chain, lambda orders: orders.config(NODE))
    run_minutes(chain, 60)
    assert events(chain, EVENT_UPDATE) == ["confirmed 1.2 (build 2)"]
    assert chain.query("SELECT config_version FROM node_state") == [(2,)]
    assert slot_and_build(chain) == (1, 2)
    assert len(chain.node.resets) == 1


def test_a_confirmed_update_is_told_of_although_the_power_goes(
    make_chain: MakeChain, tmp_path: Path
) -> None:
    """The word of it waited in memory for the cycle's flush."""
    chain = on_trial(make_chain, tmp_path)
    while slot_and_build(chain)[1] != 2:
        run_minutes(chain, 1 / 60)
    chain.node.kill()
    chain.node.restart()
    run_minutes(chain, 60)
    assert set(events(chain, EVENT_UPDATE)) == {"confirmed 1.2 (build 2)"}
