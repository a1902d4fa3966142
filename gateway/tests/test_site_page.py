"""docs/site.md: every TOML block of it loads, and it leaves no key of a site file out."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from nuan_gateway import site as site_module
from nuan_gateway.site import Meter, Site, load_site
from nuan_gateway.toml_source import Section

PAGE = (Path(__file__).parents[2] / "docs" / "site.md").read_text("utf-8")
HEAD, *PARTS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
KEYS = PAGE.partition("## All keys")[2].partition("\n## ")[0]


@pytest.fixture
def load(tmp_path: Path):
    """Loads a site of the head and these parts."""

    def loaded(*parts: str) -> Site:
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "site.toml").write_text("\n".join((HEAD, *parts)), "utf-8")
        return load_site(tmp_path / "site.toml")

    return loaded


@pytest.mark.parametrize("part", PARTS, ids=lambda part: re.findall(r'id = "(\w+)"', part)[0])
def test_every_block_loads_with_the_head(load, part: str) -> None:
    assert load(part).meters


def test_all_blocks_are_one_site_with_every_protocol_on_boards_and_lines(load) -> None:
    site = load(*PARTS)
    lines = {(node.kind, bus.protocol) for node in site.nodes for bus in node.buses}
    protocols = ("mbus", "modbus", "cjt188", "dlt645")
    assert lines == {(kind, each) for kind in ("board", "gateway") for each in protocols}
    used = {(node.id, line.name) for node in site.nodes for line in node.lines}
    assert used == {(meter.node, meter.bus) for meter in site.meters}
    assert {bus.connect.partition(":")[0] for node in site.nodes for bus in node.buses} == {
        "", "serial", "tcp", "modbus-tcp",
    }  # fmt: skip


def sections() -> list[type[BaseModel]]:
    return [
        each
        for each in vars(site_module).values()
        if isinstance(each, type) and issubclass(each, Section) and each not in (Section, Site)
    ]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_the_table_has_every_key(section: type[BaseModel]) -> None:
    for name, field in section.model_fields.items():
        if (section.__name__, name) not in {("Node", each) for each in ("wifi", "mqtt", "journal")}:
            assert f"`{field.alias or name}`" in KEYS, name


@pytest.mark.parametrize("kind", ["mqtt", "wifi", "journal"])
def test_the_table_has_the_boards_own_tables(kind: str) -> None:
    assert f"board's `{kind}`" in KEYS


def test_the_page_shows_what_a_meter_may_say_beside_its_address() -> None:
    shown = {key for part in PARTS for key in re.findall(r"^(\w+) = ", part, re.MULTILINE)}
    assert set(Meter.model_fields) <= shown
