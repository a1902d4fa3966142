"""CJ/T 188 dialects on trial: no bill from a meter that has not proved itself, never silently."""

import json
from datetime import date
from pathlib import Path

import pytest

from nuan_emulator.meters import cjt188_layout
from nuan_emulator.meters.cjt188_meters import Cjt188HeatMeter
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import HeatState
from nuan_gateway.billing.bill import Season
from nuan_gateway.drafts import exchange_draft
from nuan_gateway.meter_states import meter_states
from nuan_gateway.poll.plan import plans_of
from nuan_gateway.poll.readouts import make_readout
from nuan_gateway.readings_at import season_readings
from nuan_gateway.site import load_site
from nuan_gateway.store import readings
from nuan_protocols.readout import OK

NODE = "6e75616e0000000a"
KEY = bytes(range(100, 132))
START_S = 1_762_300_800  # 2025-11-05T00:00:00Z
ADDRESS = "11110011304201"

SITE = f"""
format = 1
[site]
id = "t1"
name = "x"
[season]
name = "2025-2026"
start = 2025-11-01
end = 2026-04-01
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE}"
kind = "gateway"
config_version = 3
[[node.bus]]
name = "dtu"
protocol = "cjt188"
connect = "tcp://127.0.0.1:4001"
baud = 2400
parity = "E"
timeout_ms = 1000
[[meter]]
serial = "H1"
model = "MODEL"
node = "{NODE}"
bus = "dtu"
slot = 1
address = "{ADDRESS}"
every_s = 3600
[[unit]]
id = "101"
area_m2 = "92.10"
[[point]]
id = "heat-101"
role = "household_heat"
meter = "H1"
unit = "101"
"""


class Flat:
    """A flat's circuit, which the test turns on and off; 15.5 K apart when it flows."""

    def __init__(self) -> None:
        self.flow_l_per_h = 0
        self.hours = 0
        self.energy_wh = 34_210_000
        self.volume_l = 812_000

    def hour(self) -> None:
        self.hours += 1
        self.energy_wh += self.power_w
        self.volume_l += self.flow_l_per_h

    @property
    def power_w(self) -> int:
        return self.flow_l_per_h * 155 * 1163 // 10_000

    def state(self, _now_ms: int) -> HeatState:
        idle = not self.flow_l_per_h
        return HeatState(
            self.energy_wh * 3600,
            self.volume_l * 1000,
            self.power_w,
            self.flow_l_per_h,
            2105 if idle else 4870,
            2100 if idle else 3320,
            3600 * (9000 + self.hours),
        )


class Wall:
    """One meter on the wall, and a gateway that reads it every hour."""

    def __init__(self, bench, dialect: str) -> None:
        self.bench = bench
        self.flat = Flat()
        station = Station(ADDRESS, cjt188_layout.DIALECTS[dialect])
        self.meter = Cjt188HeatMeter(station, self.flat.state)
        (node,) = bench.site.gateway_nodes
        (self.plan,) = plans_of(bench.site, node, 0)
        self.ser = 0
        self.version = 3

    def read(self) -> str:
        """An hour later: the state of the meter's dialect after its answer."""
        self.flat.hour()
        now_s = START_S + 3600 * self.flat.hours
        self.bench.clock.ms = 1000 * now_s
        readout = make_readout("cjt188", self.plan.config, self.ser)
        question = readout.request()
        answer = self.meter.answer(question, 1000 * now_s)
        assert answer is not None
        readout.feed(answer)
        self.ser = readout.ser
        ((_, result, *_),) = readout.exchanges
        assert result == OK
        draft = exchange_draft(now_s, 0, 1, self.version, readout.exchanges[0])
        self.bench.writer.journal(NODE, [draft])
        return self.state().state

    def state(self):
        (state,) = meter_states(self.bench.engine)
        return state

    def statuses(self) -> list[str]:
        """Of each reading of the billing register, in order."""
        rows = self.bench.rows(
            "SELECT status FROM reading WHERE quantity = 'energy' AND storage = 0 ORDER BY entry_id"
        )
        return [status for (status,) in rows]


@pytest.fixture
def wall(tmp_path: Path, make_bench):
    """wall(model, dialect the meter really speaks)."""
    opened = []

    def make(model: str, dialect: str) -> Wall:
        (tmp_path / "site.toml").write_text(SITE.replace("MODEL", model))
        bench = make_bench(tmp_path, load_site(tmp_path / "site.toml"))
        bench.stop()
        bench.start({NODE: KEY})
        opened.append(bench)
        return Wall(bench, dialect)

    yield make
    for bench in opened:
        bench.stop()


def opening_problem(meter: Wall) -> str | None:
    """What a season that began at START_S says about its opening reading."""
    end_s = START_S + 10 * 86_400
    season = Season("x", date(2025, 11, 5), date(2025, 11, 15), "UTC", START_S, end_s)
    with meter.bench.engine.connect() as connection:
        found = season_readings(connection, "heat-101", "energy", season, [START_S, end_s], 86_400)
    return next((each.detail for each in found.problems if each.place == "opening"), None)


def test_an_idle_meter_proves_nothing_until_it_runs(wall):
    meter = wall("cjt188_heat", "standard")
    assert meter.state().state == "unconfirmed"
    assert meter.state().reason == "no answer yet"
    assert [meter.read() for _ in range(3)] == ["unconfirmed"] * 3
    assert meter.statuses() == ["unconfirmed:dialect standard"] * 3
    with meter.bench.engine.connect() as connection:
        assert readings.last_before(connection, "heat-101", "energy", START_S + 10**6) is None
    # The feed says so too.
    payloads = meter.bench.rows("SELECT payload FROM outbox WHERE kind = 'readings'")
    items = [item for (text,) in payloads for item in json.loads(text)["readings"]]
    assert {item["status"] for item in items} == {"unconfirmed:dialect standard"}
    assert opening_problem(meter) == (
        "no valid reading within 24 hours of 2025-11-05 00:00 UTC; 3 wait until the meter has "
        "proved its dialect (nuan gateway meters)"
    )
    meter.flat.flow_l_per_h = 310
    assert meter.read() == "confirmed"
    assert opening_problem(meter) is None
    state = meter.state()
    assert (state.dialect, state.read_at) == ("standard", START_S + 4 * 3600)
    assert state.reason
    # What waited for the proof is good now, and bills may be made from it.
    assert meter.statuses() == ["ok"] * 4
    with meter.bench.engine.connect() as connection:
        found = readings.first_after(connection, "heat-101", "energy", START_S)
    assert found is not None
    assert (found.value, found.exponent, found.unit) == (34_210_00, 1, "Wh")


def test_proof_outlives_a_restart_and_idle_hours(wall):
    meter = wall("cjt188_heat", "standard")
    meter.flat.flow_l_per_h = 310
    assert meter.read() == "confirmed"
    meter.flat.flow_l_per_h = 0
    meter.bench.stop()
    meter.bench.start({NODE: KEY})
    assert meter.read() == "confirmed"
    assert meter.statuses() == ["ok", "ok"]


def test_evidence_gathers_across_restarts(wall):
    """What one answer began another completes, though the gateway was restarted in between."""
    meter = wall("cjt188_lianqiang", "lianqiang")
    meter.flat.flow_l_per_h = 310
    states = []
    for _ in range(12):
        states.append(meter.read())
        meter.bench.stop()
        meter.bench.start({NODE: KEY})
    assert states[-1] == "confirmed"


def test_a_wrong_model_is_told_with_the_right_one(wall):
    meter = wall("cjt188_huizhong", "standard")
    # High byte first finds nobody at the standard's address: ask as the meter understands.
    meter.plan.config.pop("high_first")
    meter.flat.flow_l_per_h = 310
    assert meter.read() == "contradicted"
    state = meter.state()
    assert state.dialect == "high_first"
    assert "its answers fit dialect standard (models: " in state.reason
    assert "cjt188_heat" in state.reason
    assert "ok" not in meter.statuses()


def test_another_model_does_not_make_the_first_ones_readings_good(wall, tmp_path):
    meter = wall("cjt188_tiangang", "standard")
    meter.plan.config["reads"] = [[1, 0x90, 0x1F]]
    meter.read()
    site = SITE.replace("MODEL", "cjt188_heat").replace("config_version = 3", "config_version = 4")
    (tmp_path / "site.toml").write_text(site)
    meter.bench.site = load_site(tmp_path / "site.toml")
    meter.bench.stop()
    meter.bench.start({NODE: KEY})
    meter.version = 4
    meter.flat.flow_l_per_h = 310
    assert meter.read() == "confirmed"
    first, second = meter.statuses()
    assert first.endswith(":dialect cooling_first")
    assert second == "ok"


def test_the_feed_is_told_of_a_proof(wall):
    meter = wall("cjt188_heat", "standard")
    meter.read()
    assert told(meter) == []
    meter.flat.flow_l_per_h = 310
    meter.read()
    meter.read()
    (proof,) = told(meter)
    assert (proof["meter"], proof["model"], proof["state"]) == ("H1", "cjt188_heat", "confirmed")
    assert proof["readings_now_good"] > 0
    assert proof["reason"]


def test_the_feed_is_told_of_a_contradiction(wall):
    meter = wall("cjt188_huizhong", "standard")
    meter.plan.config.pop("high_first")
    meter.flat.flow_l_per_h = 310
    meter.read()
    (denial,) = told(meter)
    assert (denial["state"], denial["readings_now_good"]) == ("contradicted", 0)


def told(meter: Wall) -> list[dict[str, object]]:
    """The feed's messages about dialects, in order."""
    rows = meter.bench.rows("SELECT payload FROM outbox WHERE kind = 'dialect' ORDER BY id")
    return [json.loads(payload) for (payload,) in rows]


def test_what_a_failed_transaction_showed_is_forgotten(wall, monkeypatch):
    meter = wall("cjt188_heat", "standard")
    meter.flat.flow_l_per_h = 310
    save = meter.bench.writer._save

    def fail(work) -> None:
        save(work)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(meter.bench.writer, "_save", fail)
        with pytest.raises(RuntimeError):
            meter.read()
    assert meter.state().state == "unconfirmed"
    meter.flat.flow_l_per_h = 0
    assert meter.read() == "unconfirmed"
    assert meter.statuses() == ["unconfirmed:dialect standard"]
