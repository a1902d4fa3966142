"""What a site file may say, a node can do: whatever the gateway accepts, the firmware accepts."""

import json
from pathlib import Path

import pytest
from chain_site import NODE, small_site

from nuan_firmware import config as firmware
from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import Site, load_site
from nuan_protocols.meters import registry
from nuan_tools.season.sample import sample_text

SITE = small_site()
JOURNAL = "flush_s = 900, segment_bytes = 8192"
# The edges of what either side knows, and a step beyond.
EDGES = [
    *((JOURNAL, f"flush_s = {s}") for s in (1, 59, 60, 86_400, 86_401)),
    *((JOURNAL, f"segment_bytes = {n}") for n in (1024, 4095, 4096, 65_536, 65_537)),
    *((JOURNAL, f"max_bytes = {n}") for n in (16_384, 32_767, 32_768, 16_777_217)),
    (JOURNAL, "segment_bytes = 65536, max_bytes = 131072"),
    *(("keepalive_s = 120", f"keepalive_s = {s}") for s in (9, 10, 3600, 3601)),
    *(("keepalive_s = 120", f"ack_timeout_s = {s}") for s in (4, 5, 600, 601)),
    ("keepalive_s = 120", f'user = "{"u" * 65}"'),
    *(("baud = 2400", f"baud = {baud}") for baud in (300, 38_400, 57_600, 115_200)),
    *(("uart = 1", f"uart = {uart}") for uart in (0, 2, 3)),
    *(("tx = 17", f"tx = {pin}") for pin in (-1, 0, 48, 49)),
    *(("de = 27", f"de = {pin}") for pin in (-1, 48, 49)),
    *(("timeout_ms = 1100", f"timeout_ms = {ms}") for ms in (19, 20, 10_000, 10_001)),
    *(("address = 1\n", f"address = {n}\n") for n in (0, 250, 251)),
    *(("address = 2\nevery_s = 300", f"address = {n}\nevery_s = 300") for n in (0, 247, 248)),
    *(("every_s = 300", f"every_s = {s}") for s in (59, 60, 86_400, 86_401)),
    *(("setpoint_dc = 220", f"setpoint_dc = {dc}") for dc in (49, 50, 350, 351)),
    *(("legal_max_dc = 200", f"legal_max_dc = {dc}") for dc in (99, 100, 350, 351)),
    *(("legal_max_dc = 200", f"hysteresis_dc = {dc}") for dc in (0, 1, 50, 51)),
    *(("legal_max_dc = 200", f"overrun_dc = {dc}") for dc in (-1, 0, 4, 5)),
    *(("legal_max_dc = 200", f"frost_dc = {dc}") for dc in (19, 20, 150, 151)),
    *(("legal_max_dc = 200", f"min_on_s = {s}") for s in (0, 3600, 3601)),
    *(("legal_max_dc = 200", f"min_off_s = {s}") for s in (0, 3600, 3601)),
    *(("legal_max_dc = 200", f"stale_s = {s}") for s in (59, 60, 86_400, 86_401)),
    *(("legal_max_dc = 200", f"offset = {n}") for n in (0, 1, 2)),
    *(("legal_max_dc = 200", f"read = {n}") for n in (0, 1)),
    ("slot = 16\nvalve_pin", "slot = 1\nvalve_pin"),
    ('name = "mbus"', f'name = "{"m" * 17}"'),
]


@pytest.mark.parametrize(
    ("right", "other"), EDGES, ids=lambda text: text.replace("\n", " ").strip()[:30]
)
def test_the_firmware_accepts_what_the_gateway_accepts(
    tmp_path: Path, right: str, other: str
) -> None:
    assert right in SITE
    text = SITE.replace(right, other, 1)
    if other.startswith('name = "m'):
        text = text.replace('bus = "mbus"', f"bus = {other.rsplit(maxsplit=1)[-1]}")
    (tmp_path / "site.toml").write_text(text, "utf-8")
    (tmp_path / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    try:
        site = load_site(tmp_path / "site.toml")
    except SiteError:
        return
    assert_node_accepts(site, other)


def test_nodes_with_too_much_or_too_little_are_refused(tmp_path: Path) -> None:
    meter = SITE[SITE.index("[[meter]]") : SITE.index("unit = ", SITE.index("[[meter]]"))]
    for count in (61, 62):
        more = "".join(
            meter.replace("10000001", f"2{n:07d}")
            .replace("slot = 1\n", f"slot = {100 + n}\n")
            .replace("address = 1\n", f"address = {100 + n}\n")
            .replace("heat-1-101", f"more-{n}")
            .replace("household_heat", "building_heat")
            for n in range(count - 1)
        )
        (tmp_path / "site.toml").write_text(SITE + more, "utf-8")
        (tmp_path / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
        if count == 61:
            assert_node_accepts(load_site(tmp_path / "site.toml"), f"{count + 3} meters")
        else:
            with pytest.raises(SiteError, match="65 meters; a node reads 1 to 64"):
                load_site(tmp_path / "site.toml")


# By protocol: addresses a site file may have, and such as are none.
ADDRESSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mbus": (
        ("1", "250", '"12345678A5A50104"', '"ffffffffffffffff"'),
        ("0", "251", '"12345678A5A5010"'),
    ),
    "modbus": (("1", "247"), ("0", "248", '"1"')),
    "cjt188": (
        ('"11110011304201"', '"FFFFF140390318"'),
        ('"1111001130420"', '"AAAAAAAAAAAAAA"', "1"),
    ),
    "dlt645": (('"012345678901"',), ('"01234567890"', '"0123456789AB"', '"999999999999"', "1")),
}
ONE_METER = """\
[[node.bus]]
name = "bus"
protocol = "{protocol}"
uart = 1
tx = 17
rx = 16
baud = 9600
parity = "E"
timeout_ms = 500
[[meter]]
serial = "M"
model = "{model}"
node = "6e75616e00000001"
bus = "bus"
slot = 1
address = {address}
every_s = 86400
{more}
"""


def one_meter(folder: Path, model: str, address: str, more: str = "") -> Site | None:
    """The site of one meter, read; None when the gateway refuses it."""
    head = SITE[: SITE.index("[[node.bus]]")]
    protocol = registry.profile(model).protocol
    text = ONE_METER.format(protocol=protocol, model=model, address=address, more=more)
    (folder / "site.toml").write_text(head + text, "utf-8")
    (folder / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    try:
        return load_site(folder / "site.toml")
    except SiteError:
        return None


@pytest.mark.parametrize(
    "model", [name for name in registry.models() if registry.profile(name).protocol in ADDRESSES]
)
def test_a_node_reads_every_model_that_the_gateway_gives_it(tmp_path: Path, model: str) -> None:
    right, wrong = ADDRESSES[registry.profile(model).protocol]
    for address in right:
        site = one_meter(tmp_path, model, address)
        # Its answers are longer than the standard's, which no board expects.
        assert (site is None) == (model == "cjt188_xiao")
        if site is not None:
            assert_node_accepts(site, f"{model} at {address}")
    for address in wrong:
        assert one_meter(tmp_path, model, address) is None


@pytest.mark.parametrize("more", ["baud = 300", "baud = 38400", 'parity = "N"', "baud = 57600"])
def test_a_node_takes_a_meters_own_line_settings(tmp_path: Path, more: str) -> None:
    for model, address in (("mbus_heat", "1"), ("cjt188_heat", '"11110011304201"')):
        site = one_meter(tmp_path, model, address, more)
        assert (site is None) == (more == "baud = 57600")
        if site is not None:
            assert_node_accepts(site, more)


def assert_node_accepts(site: Site, what: str) -> None:
    document = json.loads(json.dumps(node_config(site, NODE)))
    try:
        firmware.parse(document)
    except firmware.ConfigError as error:
        pytest.fail(f"the gateway accepts `{what}`, a node would not start: {error}")
