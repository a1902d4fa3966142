"""A bad line: nothing wrong is ever believed, and the living keep their schedule."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from chain_site import BUILDING_SLOT, FLATS, ROOM_SLOT, small_site
from chain_world import HOUR_MS, Chain, Entry, MakeChain, Shown, check_nothing_lost

from nuan_emulator.faults import DeadSpan, FaultRates
from nuan_emulator.node import BOOT_MS

SPAN_MS = 24 * HOUR_MS
SITE = small_site(heat_s=900, room_s=300)
PERIODS_S = dict.fromkeys((*FLATS, BUILDING_SLOT), 900) | {ROOM_SLOT: 300}
# Three tries of a dead meter and the noise of the others may come first.
LATE_S_MAX = 60
NEAR_MS = 10_000
Value = tuple[int, int, str]
# What one step of each register is, by the meters' own data sheets.
HEAT_STEPS = {
    "energy": (3, "Wh"),
    "volume": (-2, "m3"),
    "power": (0, "W"),
    "flow_temperature": (-2, "degC"),
    "return_temperature": (-2, "degC"),
}
LARGE_STEPS = {"volume": (-1, "m3"), "power": (2, "W")}
QUANTITIES = {*HEAT_STEPS, "room_temperature", "relative_humidity"}
NOISE = FaultRates(
    silence=0.03,
    noise_before=0.08,
    noise_after=0.08,
    cut=0.03,
    split=0.1,
    late=0.02,
    flip=0.05,
    stale=0.05,
    stranger=0.03,
    checksum=0.03,
    parity=0.03,
    spike=0.08,
    echo=True,
)


def test_noise_and_echo_make_no_wrong_reading(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE, faults={"mbus": NOISE, "rs485": NOISE})
    chain.world.run_until(chain.start_ms + SPAN_MS)
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    counts = {uart: line.faults.counts for uart, line in chain.metered.lines.items()}
    print(f"faults {counts}")
    assert all(count for counted in counts.values() for count in counted.values())
    exchanges = chain.exchanges()
    check_readings(chain, exchanges)
    for slot, period_s in PERIODS_S.items():
        own = [entry for entry in exchanges if entry.slot == slot and entry.clock]
        check_schedule(own, period_s)
        good = sum(entry.result == 0 for entry in own)
        print(f"slot {slot}: {good} of {len(own)} polls read")
        assert good / len(own) > 0.95


def test_a_dead_meter_costs_the_living_no_poll(make_chain: MakeChain) -> None:
    rates = FaultRates(echo=True, dead=(DeadSpan(0, 0, 1 << 60),))
    chain = make_chain(site=SITE, faults={"mbus": rates, "rs485": FaultRates(echo=True)})
    chain.world.run_until(chain.start_ms + SPAN_MS)
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    exchanges = chain.exchanges()
    check_readings(chain, exchanges)
    dead = [entry for entry in exchanges if entry.slot == 1]
    assert dead
    assert {entry.result for entry in dead} == {1}
    assert len(dead) < SPAN_MS // 900_000, "a dead meter must skip turns"
    for slot, period_s in PERIODS_S.items():
        own = [entry for entry in exchanges if entry.slot == slot and entry.clock]
        if slot != 1:
            check_schedule(own, period_s)
            assert {entry.result for entry in own} == {0}
            assert {entry.raw[33] for entry in own} == {1}, "no second try was needed"


def check_schedule(own: list[Entry], period_s: int) -> None:
    """One poll at every due instant between the first and the last, none late."""
    times = [entry.time for entry in own if entry.clock]
    wanted = SPAN_MS // 1000 // period_s
    assert wanted - 3 <= len(times) <= wanted + 1
    turns = [time // period_s for time in times]
    assert turns == list(range(turns[0], turns[0] + len(turns))), "a poll is missing or doubled"
    assert max(time % period_s for time in times) <= LATE_S_MAX


def check_readings(chain: Chain, exchanges: list[Entry]) -> None:
    """Every value the gateway believes is what the device's register held at that time."""
    said: dict[tuple[bytes, bytes], list[Shown]] = defaultdict(list)
    for shown in chain.shown:
        said[shown.request, shown.answer].append(shown)
    truth: dict[int, dict[str, Value]] = {}
    for entry in exchanges:
        if entry.result == 0:
            # A repeated question gets the same bytes again: the first of them were made then.
            at_ms = entry.time * 1000 + (0 if entry.clock else chain.start_ms + BOOT_MS)
            known = [s for s in said[entry.exchange] if abs(s.at_ms - at_ms) < NEAR_MS]
            assert known, f"entry {entry.seq} holds an answer that no device gave then"
            truth[entry.seq] = _values(known[0].truth, large=entry.slot == BUILDING_SLOT)
    rows = chain.query(
        "SELECT entry.seq, quantity, value, exponent, reading.unit FROM reading"
        " JOIN entry ON entry.id = entry_id WHERE value IS NOT NULL AND status = 'ok'"
    )
    compared: Counter[str] = Counter()
    for seq, quantity, *value in rows:
        wanted = truth[int(str(seq))].get(str(quantity))
        if wanted is not None:
            compared[str(quantity)] += 1
            assert tuple(value) == wanted, f"entry {seq}: {quantity}"
    print(f"readings compared with the truth: {dict(compared)}")
    assert set(compared) == QUANTITIES


def _values(truth: object, *, large: bool) -> dict[str, Value]:
    """Quantity -> (value, exponent, unit) from a device's registers; `large`: the building's."""
    if isinstance(truth, Mapping):
        steps = HEAT_STEPS | (LARGE_STEPS if large else {})
        return {name: (truth[name], *step) for name, step in steps.items()}
    ((_, (temperature, humidity)),) = truth  # type: ignore[attr-defined]
    signed = temperature - 0x10000 if temperature & 0x8000 else temperature
    return {"room_temperature": (signed, -1, "degC"), "relative_humidity": (humidity, -1, "%")}
