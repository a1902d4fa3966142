"""What a site says of set-points, and what the node gets of it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_gateway.site_zones import EPOCH, Calendar, Clamp, Program, Zone

NODE = "6e75616e00000001"
OFFICE = """
[[program]]
name = "office"
workday = ["08:00 occupied", "18:00 unoccupied"]
weekend = []
holiday = ["00:00 frost"]
"""


def test_each_different_day_is_sent_once() -> None:
    program = Program(
        name="x",
        workday=("08:00 occupied", "18:30 setback"),
        weekend=(),
        friday=("09:00 occupied",),
    )
    assert program.config() == {
        "week": [0, 0, 0, 0, 1, 2, 2],
        "holiday": 2,
        "types": [[[480, 0], [1110, 1]], [[540, 0]], []],
    }


def test_the_days_of_2026_are_the_state_councils() -> None:
    off, work = Calendar().days(2026)
    known = {day for day in off if day.year == 2026}
    assert {date(2026, 2, day) for day in (16, 17, 18, 19, 20, 23)} <= known
    told = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")
    assert {f"{day:%m-%d}" for day in work if day.year == 2026} == set(told)
    assert not set(off) & set(work)
    assert (Calendar().known_until() or 0) >= 2026


def test_the_sites_own_days_stand_above_the_countrys() -> None:
    own = Calendar(holidays=(date(2027, 2, 11), date(2026, 1, 4)), workdays=(date(2026, 2, 23),))
    off, work = own.days(2026)
    assert date(2027, 2, 11) in off
    assert date(2026, 1, 4) in off
    assert date(2026, 2, 23) in work
    assert date(2026, 2, 23) not in off
    assert Calendar(country="").days(2026) == ([], [])
    assert Calendar(country="").known_until() is None


def test_the_season_by_days_of_the_year() -> None:
    found = Calendar(country="").config(date(2026, 11, 21))
    assert (found["heating_first"], found["heating_last"]) == (306, 91)
    assert found["off"] == []
    assert (EPOCH, Calendar().config(date(2026, 1, 1))["off"][0]) == (date(1970, 1, 1), 20454)


def test_an_exemption_ends_with_its_day_in_the_sites_time() -> None:
    zone = Zone.model_validate(
        {"zone": 1, "node": NODE, "slot": 1, "valve_pin": 3, "setpoint_dc": 220,
         "exemption": {"document": "8", "until": date(2027, 3, 31)}}
    )  # fmt: skip
    config = zone.config([], Clamp(max_dc=190), ZoneInfo("Asia/Shanghai"))
    end = datetime(2027, 3, 31, 16, tzinfo=UTC)
    assert config["exempt_until_s"] == int(end.timestamp())
    assert config["legal_max_dc"] == 190
    assert "exemption" not in config


def test_a_zone_follows_its_program(site_folder) -> None:
    path = site_folder / "site.toml"
    text = path.read_text().replace("setpoint_dc = 220", 'setpoint_dc = 220\nprogram = "office"')
    path.write_text(text + OFFICE)
    config = node_config(load_site(path), NODE)
    assert config["zones"][0]["program"] == 0
    assert config["programs"][0]["holiday"] == 2
    assert len(config["calendar"]["off"]) > 10


REFUSED = """
program = "shop" | zone[1].program: no [[program]] has the name 'shop'; there is office
neighbours = [1] | zone[1].neighbours: 1 is no other zone of node 6e75616e00000001
setback_dc = 230 | zone[1].setback_dc: 230 is above setpoint_dc 220
unoccupied_dc = 195 | zone[1].unoccupied_dc: 195 is above setback_dc 190
valve_slot = 16 | zone[1].valve_pin: write either valve_pin or valve_slot
record = "02" | zone[1].record: '02' is no record; write its DIF and VIF bytes in hex, as '025A'
drive = "pwm" | zone[1].drive: 'pwm' is unknown; write 'on_off', 'pulses' or 'position'
exemption = { document = "", until = 2027-03-31 } | zone[1].exemption.document
valve_high_us = 1001 | zone[1].valve_high_us: must lie between valve_low_us 0 and the period, 1000
"""


@pytest.mark.parametrize("case", REFUSED.strip().splitlines())
def test_what_is_wrong_is_told(site_folder, case: str) -> None:
    line, said = case.split(" | ")
    path = site_folder / "site.toml"
    path.write_text(
        path.read_text().replace("setpoint_dc = 220", f"setpoint_dc = 220\n{line}") + OFFICE
    )
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("8:00 occupied", "is no switch point"),
        ("08:00 warm", "is no switch point"),
        ("24:00 frost", "is no switch point"),
    ],
)
def test_a_switch_point_that_is_none(site_folder, point: str, said: str) -> None:
    path = site_folder / "site.toml"
    path.write_text(path.read_text() + OFFICE.replace("00:00 frost", point))
    with pytest.raises(SiteError, match=said):
        load_site(path)


def test_switch_points_out_of_order(site_folder) -> None:
    path = site_folder / "site.toml"
    path.write_text(path.read_text() + OFFICE.replace("18:00", "07:00"))
    with pytest.raises(SiteError, match="in order, each once"):
        load_site(path)
