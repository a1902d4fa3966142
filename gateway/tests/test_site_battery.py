"""Meters with a battery: which telegram, how often, and what a refused reading leaves behind."""

import asyncio
from collections.abc import Sequence

import pytest
from line_server import BAUD, BITS

from nuan_emulator.line import Line
from nuan_emulator.meters.device import HeatState
from nuan_emulator.meters.mbus_layout import Header, RecordKind
from nuan_emulator.meters.mbus_meters import MBusHeatMeter
from nuan_emulator.meters.mbus_slave import MBusSlave, Traits
from nuan_emulator.meters.sparing import Refusal, Sparing, mbus_refusal, silence
from nuan_emulator.serve import TcpLine
from nuan_gateway.drafts import Draft
from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import meter_config, node_config
from nuan_gateway.poll.plan import plans_of
from nuan_gateway.poll.poller import Poller
from nuan_gateway.poll.readouts import make_readout
from nuan_gateway.site import Meter, load_site
from nuan_gateway.site_battery import check_battery
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Cost, Profile, ShortTelegram, current
from nuan_protocols.readout import NO_ANSWER, OK, TRIES
from nuan_protocols.uplink.entry_reader import parse_exchange
from nuan_tools.field.target import of_site

NODE = "6e75616e00000001"
INSTANTANEOUS_VALUES = 0x50
NOW_MS = 1_762_300_800_000


def meter(**keys: object) -> Meter:
    usual = {"serial": "H1", "model": "sensonic3", "node": NODE, "bus": "b", "slot": 1}
    return Meter.model_validate({**usual, "address": 1, "every_s": 86_400, **keys})


def problems(folder, **changes: str) -> list[str]:
    """What is said of the site when its heat meter is a sensonic3 with these changes."""
    path = folder / "site.toml"
    text = path.read_text().replace('model = "mbus_heat"', 'model = "sensonic3"')
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    try:
        load_site(path)
    except SiteError as error:
        return [said.split(": ", 1)[1] for said in error.problems]
    return []


SHORT = ('model = "sensonic3"', 'model = "sensonic3"\ntelegram = "short"')
# Nobody is billed from what is read for a valve's sake.
NO_POINT = (
    '[[point]]\nid = "heat-101"\nrole = "household_heat"\nmeter = "H1"\nunit = "101"\n',
    "",
)


def every(seconds: int) -> tuple[str, str]:
    return "every_s = 3600", f"every_s = {seconds}"


def test_a_standard_telegram_too_often_names_the_short_one_and_the_settlement_register(site_folder):
    assert problems(site_folder) == [
        (
            "meter[1].every_s: 3600 costs a sensonic3 its battery; write at least 4140, "
            'or telegram = "short" and at least 300, for what is no bill\'s business; '
            "the meter itself keeps energy (storage 1) of its settlement day, whenever it is read"
        )
    ]


def test_the_short_telegram_may_be_read_more_often_but_not_at_will(site_folder):
    assert problems(site_folder, short=SHORT, point=NO_POINT, every=every(240)) == [
        "meter[1].every_s: 240 costs a sensonic3 its battery; write at least 300"
    ]


def test_the_short_telegram_is_asked_for_by_its_sub_code(site_folder):
    assert problems(site_folder, short=SHORT, point=NO_POINT, every=every(300)) == []
    config = node_config(load_site(site_folder / "site.toml"), NODE)
    assert config["meters"][0] == {
        "slot": 1, "bus": 0, "address": 1, "every_s": 300, "reset": INSTANTANEOUS_VALUES,
    }  # fmt: skip
    assert "reset" not in meter_config(meter(), 0)


@pytest.mark.parametrize(("changes", "reset"), [({}, None), ({"short": SHORT}, 0x50)])
def test_nuan_read_asks_for_the_telegram_of_the_site_file(site_folder, changes, reset):
    assert problems(site_folder, **changes, point=NO_POINT, every=every(86_400)) == []
    assert of_site(site_folder / "site.toml", "H1", "tcp://127.0.0.1:4001").reset == reset


def test_a_bill_needs_the_telegram_that_holds_its_register(site_folder):
    assert problems(site_folder, short=SHORT) == [
        (
            "meter[1].telegram: the short telegram of a sensonic3 holds no energy (storage 0), "
            'which its metering point is there for; write "standard"'
        )
    ]


def test_a_model_without_a_short_telegram_says_so(site_folder):
    short = ('model = "sensonic3"', 'model = "mbus_heat"\ntelegram = "short"')
    assert problems(site_folder, short=short) == [
        "meter[1].telegram: mbus_heat has no short telegram; leave this key out"
    ]


@pytest.mark.parametrize(
    ("cost", "least_s"),
    [
        (Cost(0, 7, ()), 12_343),
        (Cost(86_400 * 7, 0, ()), 86_400),
        (Cost(600, 24, ()), 3600),
        (Cost(0, 0, (current("energy"),)), 60),
    ],
)
def test_readings_a_day_and_least_time_both_bind(cost, least_s):
    profile = Profile(
        name="own", title="Own", protocol="mbus", version=1, billing=current("energy"),
        registers=(current("energy"),), cost=cost, short=ShortTelegram(0x10, 0, billing=True),
    )  # fmt: skip

    def said(**keys: object) -> list[str]:
        return [text for _, text in check_battery(meter(model="own", **keys), profile, ())]

    assert said(every_s=least_s) == []
    assert said(every_s=60, telegram="short") == []
    if least_s > 60:
        (told,) = said(every_s=least_s - 1)
        assert f'write at least {least_s}, or telegram = "short" and at least 60' in told


class ShortTelegramMeter(MBusSlave):
    """Totals in its standard telegram; after sub-code 50h the instantaneous values alone."""

    def __init__(self) -> None:
        standard = [RecordKind("energy", "bcd8", b"\x06"), RecordKind("volume", "bcd8", b"\x13")]
        short = [
            RecordKind("flow_temperature", "int16", b"\x59"),
            RecordKind("power", "int32", b"\x2b"),
        ]
        traits = Traits(telegrams_of_reset={INSTANTANEOUS_VALUES: (1,), 0: (0,)})
        super().__init__(1, Header("12345678", "IST", 1, 4), [standard, short], traits)
        self._pick((0,))

    def values(self, now_ms: int) -> dict[str, int]:
        return {"status": 4, "energy": 12_345, "volume": 6789, "flow_temperature": 6512, "power": 9}


def readings(device, entry: Meter) -> dict[str, int]:
    """Everything one turn reads, by the profile of the entry's model."""
    readout = make_readout("mbus", meter_config(entry, 0))
    while (question := readout.request()) is not None:
        answer = device.answer(bytes(question), NOW_MS)
        assert answer is not None
        readout.feed(answer)
    profile = registry.profile(entry.model)
    return {
        reading.quantity: reading.integer
        for _, _, _, asked, answer in readout.exchanges
        for reading in registry.readings(profile, bytes(asked), bytes(answer))
    }


def test_one_profile_reads_both_telegrams():
    device = ShortTelegramMeter()
    assert readings(device, meter()) == {"energy": 12_345, "volume": 6789, "error_flags:header": 4}
    short = {"flow_temperature": 6512, "power": 9, "error_flags:header": 4}
    assert readings(device, meter(telegram="short")) == short


def heat(_now_ms: int) -> HeatState:
    return HeatState(36_000_000_000, 812_000_000, 5000, 277, 4870, 3320, 3_600_000)


SITE_OF_ONE_LINE = """
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
id = "6e75616e0000000a"
kind = "gateway"
config_version = 3
[[node.bus]]
name = "a"
protocol = "mbus"
connect = "tcp://127.0.0.1:{port}"
baud = 38400
parity = "N"
timeout_ms = 40
[[meter]]
serial = "H1"
model = "mbus_heat"
node = "6e75616e0000000a"
bus = "a"
slot = 1
address = 1
every_s = 1200
"""


class Turns:
    """A clock that jumps to whatever is waited for, `count` times; then it stands still."""

    def __init__(self, count: int) -> None:
        self.ms = NOW_MS
        self.over = asyncio.Event()
        self._left = count

    def now_ms(self) -> int:
        return self.ms

    async def sleep_until_ms(self, instant_ms: int) -> None:
        if self._left == 0:
            self.over.set()
            await asyncio.Event().wait()
        self._left -= 1
        self.ms = instant_ms


class SparingByClock(Sparing):
    """Its hours are the poller's clock's, while the line runs in real time."""

    def __init__(self, clock: Turns, refusal: Refusal) -> None:
        super().__init__(MBusHeatMeter("12345678", 1, heat), refusal=refusal)
        self._clock = clock

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        return super().answer(request, self._clock.now_ms())


@pytest.mark.parametrize("refusal", [silence, mbus_refusal(1)], ids=["silent", "says why"])
async def test_a_refused_third_reading_of_the_hour_leaves_the_next_turns_intact(
    refusal, tmp_path, monkeypatch
):
    """Two readings an hour, asked for three: the battery's refusal costs its own turn alone."""
    monkeypatch.setattr("nuan_gateway.poll.transport.NETWORK_EXTRA_S", 0.02)
    clock = Turns(6)
    device = SparingByClock(clock, refusal)
    line = Line(BAUD, BITS, [device])
    drafts: list[Draft] = []

    async def note(_node: str, fresh: Sequence[Draft]) -> None:
        drafts.extend(fresh)

    async with TcpLine(line, speed=10) as server:
        path = tmp_path / "site.toml"
        path.write_text(SITE_OF_ONE_LINE.replace("{port}", str(server.port)))
        site = load_site(path)
        (node,) = site.gateway_nodes
        poller = Poller(node, 0, plans_of(site, node, 0), clock, note)
        task = asyncio.create_task(poller.run())
        async with asyncio.timeout(5):
            await clock.over.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    profile = registry.profile("mbus_heat")
    read = []
    for draft in drafts:
        exchange = parse_exchange(draft.body)
        assert exchange.tries == (TRIES if exchange.result == NO_ANSWER else 1)
        good = exchange.result == OK and registry.readings(
            profile, exchange.question, exchange.answer
        )
        read.append(any(each.quantity == "energy" for each in good or ()))
    assert read == [True, True, False, True, True, False]
    assert device.refused == (2 * TRIES if refusal is silence else 2)
