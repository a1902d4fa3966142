"""What is shipped: the four packages with their data, and nothing else."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"nuan_protocols", "nuan_gateway", "nuan_emulator", "nuan_tools"}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_packages_and_nothing_else(shipped: list[str]) -> None:
    top = {name.partition("/")[0] for name in shipped}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert not [name for name in shipped if "/tests/" in name or "nuan_firmware/" in name]


def test_data_is_shipped_with_the_code(shipped: list[str]) -> None:
    assert "nuan_tools/locale/zh/LC_MESSAGES/nuan.po" in shipped
    assert "nuan_tools/sample/site.toml" in shipped
    assert [name for name in shipped if name.endswith(".dist-info/licenses/LICENSE")]


def test_every_file_of_a_package_is_shipped(shipped: list[str]) -> None:
    expected = {
        path.relative_to(ROOT / folder).as_posix()
        for folder in ("protocols", "gateway", "emulator", "tools")
        for path in (ROOT / folder).glob("nuan_*/**/*.py")
    }
    assert expected <= set(shipped)
