"""The node's clock in a world: cold starts without a network, chips, servers and crystals."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_node_in_world import (
    KEY,
    METER,
    METERS,
    MIDNIGHT_MS,
    NAMES,
    NODE_ID,
    SETTINGS,
    SITE,
    START_MS,
    TARIFF,
    Room,
    Season,
    electricity,
    heat,
    start_gateway,
)

from nuan_emulator.clock_chip import ClockChip
from nuan_emulator.line import Line
from nuan_emulator.meters import Dtsu666, MBusHeatMeter, RoomSensor, RoomState
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.time_server import TimeServer
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
ZONE = re.compile(r"\[\[zone\]\].*?(?=\[\[unit\]\])", re.DOTALL)
CHIP = "clock = { rtc = { sda = 21, scl = 22 } }"
# A room's state says when it was asked: thousands of seconds, and the seconds below.
SCALE = 1000

Begin = Callable[..., Season]


def asked(now_ms: int) -> RoomState:
    """The instant of the answer, in seconds since the world began, as temperature and humidity."""
    passed = (now_ms - START_MS) // 1000
    return RoomState(passed // SCALE, passed % SCALE)


@pytest.fixture
def begin(tmp_path: Path, vm: Path, seed: int) -> Iterator[Begin]:
    """begin(site's clock line, **parts of the node): a world with its gateway."""
    seasons: list[Season] = []

    def make(clock: str = "", **parts: Any) -> Season:
        folder = tmp_path / f"world{len(seasons)}"
        (folder / "data").mkdir(parents=True)
        meters = (METER.format(**dict(zip(NAMES, meter, strict=True))) for meter in METERS)
        site = ZONE.sub("", SITE).replace("mqtt = {", f"{clock}\nmqtt = {{")
        (folder / "site.toml").write_text(site + "".join(meters))
        (folder / "tariff.toml").write_text(TARIFF)
        (folder / "keys.toml").write_text(f'"{NODE_ID}" = "{KEY.hex()}"\n')
        (folder / "gateway.toml").write_text(SETTINGS)
        world = World(seed=seed, start_ms=START_MS, clock_file=folder / "data" / "clock", vm=vm)
        gateway, port = start_gateway(folder)
        lines = {
            1: Line(2400, 11, [MBusHeatMeter("10000001", 1, heat)], seed=seed),
            2: Line(
                9600,
                10,
                [Dtsu666("50000001", 1, electricity), RoomSensor("40000001", 2, asked)],
                seed=seed,
            ),
        }
        spec: dict[str, Any] = {
            "node_id": NODE_ID,
            "key": KEY,
            "config": node_config(load_site(folder / "site.toml"), NODE_ID),
            "image": folder / "flash.img",
            "broker": ("127.0.0.1", port),
            "lines": lines,
        }
        node = world.add_node(NodeSpec(**{**spec, **parts}))
        seasons.append(Season(folder, world, node, gateway, Room(), vm))
        return seasons[-1]

    yield make
    for season in seasons:
        season.close()


def room_times(season: Season) -> list[tuple[int, int, int, str | None]]:
    """(true second, the time in the database, clock, rule) of every reading of the room."""
    rows = season.rows(
        "select t.value * 1000 + h.value, t.time, t.clock, t.dated from reading t "
        "join reading h on h.entry_id = t.entry_id and h.quantity = 'relative_humidity' "
        "where t.quantity = 'room_temperature' and t.value is not null order by t.entry_id"
    )
    return [(START_MS // 1000 + passed, *rest) for passed, *rest in rows]


def events(season: Season, code: int = 6) -> list[str]:
    rows = season.rows("select raw from entry where kind = 2 order by id")
    return [raw[28:].decode() for (raw,) in rows if raw[27] == code]


def test_three_days_without_a_network_are_dated_within_a_second(begin: Begin) -> None:
    link_back_ms = START_MS + 3 * DAY_MS
    season = begin(outages=[(START_MS, link_back_ms)])
    season.world.run_until(link_back_ms + 2 * HOUR_MS)
    times = room_times(season)
    derived = [row for row in times if row[2] == 0]
    # Every five minutes of three days, and once at the start.
    assert len(derived) >= 3 * 288 - 1
    assert {row[3] for row in derived} == {"event:gateway"}
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in times) <= 1
    assert season.rows("select count(*) from reading where clock = 0 and dated is null") == [(0,)]
    told = [
        (item["seq"], item["time"])
        for (payload,) in season.rows("select payload from outbox where kind = 'dated'")
        for item in json.loads(payload)["entries"]
    ]
    entries = dict(season.rows("select seq, time from entry where kind = 1 and clock = 0"))
    assert set(entries) == {seq for seq, _ in told}
    # The canonical bytes stay: seconds since the boot.
    assert max(entries.values()) < 3 * DAY_MS // 1000 + 700


def test_a_power_cut_a_minute_after_the_link_came_back_costs_no_date(begin: Begin) -> None:
    link_back_ms = MIDNIGHT_MS + 5 * HOUR_MS
    season = begin(outages=[(START_MS, link_back_ms)])
    # Some minutes pass until the node looks for its link again.
    while not season.node.tunnel.stats.answers:
        season.world.run_until(max(link_back_ms, season.world.now_ms) + MINUTE_MS)
    season.node.kill()
    season.node.restart()
    season.world.run_until(season.world.now_ms + HOUR_MS)
    derived = [row for row in room_times(season) if row[2] == 0]
    assert len(derived) >= 5 * 12 - 3
    assert {row[3] for row in derived} == {"event:gateway"}


def test_a_boot_that_never_learned_the_time_lies_between_its_neighbours(begin: Begin) -> None:
    cut_ms = MIDNIGHT_MS + 6 * HOUR_MS
    again_ms = MIDNIGHT_MS + 12 * HOUR_MS
    season = begin(outages=[(MIDNIGHT_MS + 2 * HOUR_MS, again_ms)])
    season.world.run_until(MIDNIGHT_MS + 3 * HOUR_MS)
    season.node.kill()
    season.node.restart()
    season.world.run_until(cut_ms)
    season.node.kill()
    season.node.restart()
    season.world.run_until(again_ms + 2 * HOUR_MS)
    bounded = [row for row in room_times(season) if row[3] == "bounds"]
    assert len(bounded) >= 30
    rows = season.rows(
        "select boot_s, earliest_s, latest_s from dating where rule = 'bounds' order by first_seq"
    )
    ((boot_s, earliest_s, latest_s),) = rows
    true_boot_s = {true_s - said_s + boot_s for true_s, said_s, _, _ in bounded}
    assert all(earliest_s - 2 <= each <= latest_s + 2 for each in true_boot_s)
    # The minutes that no entry vouches for: from the last one to the cut, and the time off.
    assert latest_s - earliest_s <= 2 * 900 + 60
    assert {row[3] for row in room_times(season) if row[2] == 0} == {"bounds", "event:gateway"}


def test_a_clock_chip_knows_the_time_through_power_cuts(begin: Begin) -> None:
    chip = ClockChip(drift_ppm=2)
    outage = (MIDNIGHT_MS + HOUR_MS, MIDNIGHT_MS + 3 * HOUR_MS)
    season = begin(CHIP, clock_chip=chip, outages=[outage])
    season.world.run_until(outage[0])
    assert abs(chip.shows(season.world.now_ms) - season.world.now_ms // 1000) <= 1
    season.node.kill()
    season.node.restart()
    season.world.run_until(outage[1] + HOUR_MS)
    rows = room_times(season)
    assert len([event for event in events(season) if event.startswith("kept")]) == 1
    since = [row for row in rows if outage[0] // 1000 < row[1] <= outage[1] // 1000]
    assert len(since) >= 23
    assert {row[2] for row in since} == {1}
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in rows) <= 2


def test_a_chip_whose_battery_is_dead_tells_no_time_and_says_so(begin: Begin) -> None:
    chip = ClockChip()
    chip.has_battery = False
    season = begin(CHIP, clock_chip=chip)
    season.world.run_until(MIDNIGHT_MS + HOUR_MS)
    season.node.kill()
    season.node.restart()
    season.world.run_until(MIDNIGHT_MS + 2 * HOUR_MS)
    assert [text for text in events(season, 4) if "change its battery" in text]
    assert not [text for text in events(season) if text.startswith("kept")]
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in room_times(season)) <= 1


def test_a_board_without_the_chip_of_its_configuration_says_so_once(begin: Begin) -> None:
    season = begin(CHIP)
    season.world.run_until(MIDNIGHT_MS + 3 * HOUR_MS)
    assert [text for text in events(season, 4) if "clock chip" in text] == [
        "clock chip: OSError(19,)"
    ]


def test_a_crystal_that_drifts_is_slewed_and_no_instant_is_left_out(begin: Begin) -> None:
    for drift_ppm in (100, -100):
        season = begin(drift_ppm=drift_ppm)
        season.world.run_until(MIDNIGHT_MS + 8 * HOUR_MS)
        rows = room_times(season)
        assert max(abs(true_s - said_s) for true_s, said_s, _, _ in rows) <= 2
        assert len(events(season)) == 1
        begun = [row for row in rows if row[1] >= MIDNIGHT_MS // 1000]
        assert [row[1] // 300 for row in begun] == list(
            range(MIDNIGHT_MS // 300_000, MIDNIGHT_MS // 300_000 + len(begun))
        )
        season.close()


def test_without_a_gateway_a_time_server_sets_the_clock(begin: Begin) -> None:
    server = TimeServer()
    season = begin('clock = { ntp = ["10.1.0.1"] }', time_servers={"10.1.0.1": server})
    node = season.node
    broker, node.tunnel.broker = node.tunnel.broker, ("127.0.0.1", 9)
    season.world.run_until(START_MS + 13 * HOUR_MS)
    assert server.asked == 2
    node.tunnel.broker = broker
    season.world.run_until(START_MS + 14 * HOUR_MS)
    (told,) = [text for text in events(season) if text.startswith("ntp")]
    assert told.endswith("(1)")
    rows = room_times(season)
    assert {row[2] for row in rows[:150]} <= {0, 1}
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in rows) <= 1


def test_servers_that_most_of_them_contradict_are_not_believed(begin: Begin) -> None:
    servers = {"10.1.0.1": TimeServer(ahead_ms=DAY_MS), "10.1.0.2": TimeServer(),
               "10.1.0.3": TimeServer()}  # fmt: skip
    season = begin('clock = { ntp = ["10.1.0.1", "10.1.0.2", "10.1.0.3"] }', time_servers=servers)
    node = season.node
    broker, node.tunnel.broker = node.tunnel.broker, ("127.0.0.1", 9)
    season.world.run_until(START_MS + HOUR_MS)
    node.tunnel.broker = broker
    season.world.run_until(START_MS + 2 * HOUR_MS)
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in room_times(season)) <= 1
    assert [server.asked for server in servers.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    "liar",
    [
        TimeServer(ahead_ms=40 * DAY_MS),
        TimeServer(kiss=b"RATE"),
        TimeServer(repeats_origin=False),
    ],
    ids=["lies", "kiss", "forged"],
)
def test_a_server_that_is_no_good_moves_nothing(begin: Begin, liar: TimeServer) -> None:
    """The gateway has told the time, then is out of reach for half a day; the server is not."""
    season = begin('clock = { ntp = ["10.1.0.1"] }', time_servers={"10.1.0.1": liar})
    node = season.node
    season.world.run_until(MIDNIGHT_MS + HOUR_MS)
    broker, node.tunnel.broker = node.tunnel.broker, ("127.0.0.1", 9)
    node.tunnel.cut()
    season.world.run_until(MIDNIGHT_MS + 14 * HOUR_MS)
    assert liar.asked >= 1
    node.tunnel.broker = broker
    season.world.run_until(MIDNIGHT_MS + 15 * HOUR_MS)
    rows = room_times(season)
    assert len(rows) >= 14 * 12
    assert max(abs(true_s - said_s) for true_s, said_s, _, _ in rows) <= 1
    told = [text for text in events(season) if not text.startswith("gateway")]
    assert not told or (liar.ahead_ms and "refused" in told[0])
