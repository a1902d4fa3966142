"""Commands open a gateway that runs or rests, and never get in its way."""

import fcntl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nuan_gateway.bill_files import prepare_folder, run_document
from nuan_gateway.errors import GatewayError
from nuan_gateway.workspace import LOCK_NAME, open_workspace

SETTINGS = """\
format = 1
data_dir = "."
site = "site.toml"
keys = "keys.toml"
[clock]
file = "clock"
"""


@pytest.fixture
def folder(make_world: Callable[..., Any]) -> Path:
    """A gateway's folder whose last day is over and not sealed."""
    world = make_world()
    world.fill(last_s=world.end_s - 6 * 3600)
    world.bench.clock.ms = (world.end_s + 10 * 86_400) * 1000
    world.read(world.end_s)
    (world.folder / "gateway.toml").write_text(SETTINGS)
    now_ms = world.bench.clock.now_ms() + 86_400_000
    (world.folder / "clock").write_bytes(struct.pack("<Q", now_ms))
    found: Path = world.folder
    return found


def sealed_days(folder: Path) -> int:
    with open_workspace(folder) as gateway, gateway.engine.connect() as connection:
        count: int = connection.exec_driver_sql("SELECT count(*) FROM root").scalar_one()
        return count


def test_a_folder_or_its_settings_file_will_do(folder: Path) -> None:
    for path in (folder, folder / "gateway.toml"):
        with open_workspace(path) as gateway:
            assert gateway.site.site.id == "t1"
            assert gateway.csv_folder == folder / "out"
            assert list(gateway.node_keys) == ["6e75616e00000001"]


def test_days_that_are_over_are_sealed_while_the_gateway_rests(folder: Path) -> None:
    before = sealed_days(folder)
    with open_workspace(folder) as gateway:
        gateway.seal()
        gateway.seal()
    assert sealed_days(folder) == before + 1


def test_a_running_gateway_seals_by_itself(folder: Path) -> None:
    before = sealed_days(folder)
    with (folder / LOCK_NAME).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open_workspace(folder) as gateway:
            gateway.seal()
    assert sealed_days(folder) == before


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(GatewayError, match=r"gateway\.toml: no such file"),
        open_workspace(tmp_path),
    ):
        pass


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(GatewayError, match="make it a folder that may be written to"):
        prepare_folder(tmp_path / "out")
    prepare_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_the_run_as_a_document(world: Any) -> None:
    document = run_document(world.run())
    assert document["season_days"] == 5
    assert document["building_heat_kwh"] == "94"
    assert document["loss_kwh"] == "10"
    assert document["electricity_kwh"] is None


def test_a_bill_by_area_in_the_document(make_world: Callable[..., Any]) -> None:
    world = make_world()
    world.fill(last_s=world.end_s - 2 * 86_400)
    document: Any = run_document(world.run())
    bill = document["bills"][0]
    assert (bill["basis"], bill["heat_kwh"], bill["base_fen"]) == ("area", None, 0)
    assert bill["problems"][0]["code"] == "no_reading"
    assert document["building_heat_kwh"] is None
