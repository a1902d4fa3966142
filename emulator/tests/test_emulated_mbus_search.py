"""The secondary search against emulated buses: nobody is lost, nobody is invented."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.meters.mbus_layout import Header, identity_bytes
from nuan_emulator.meters.mbus_slave import Traits
from nuan_protocols.mbus.search import Search
from nuan_protocols.mbus.secondary import matches

NOW_MS = 1_768_451_400_000
ANSWER_MS = 1_500
SELECTS_FOR_TEN_MAX = 80


def meter(header: Header, alive: bool = True, address: int = 0, traits: Traits | None = None):
    state = HeatState(7 * 10**9, 10**7, 1000, 200, 5000, 3000, 10**6)
    return MBusHeatMeter(
        header.serial,
        address,
        lambda _: state if alive else None,
        manufacturer=header.manufacturer,
        version=header.version,
        medium=header.medium,
        traits=traits,
    )


def drive(search, line, now_ms=NOW_MS, questions=100_000):
    """Ask until the search is over or `questions` went out; gives the time then."""
    while questions and (request := search.request()) is not None:
        for _, burst in line.transmit(bytes(request), now_ms):
            search.feed(burst)
        assert search.waiting
        search.timeout()
        now_ms += ANSWER_MS
        questions -= 1
    return now_ms


def bus(headers, seed=0, rates=None):
    faults = LineFaults(rates, seed) if rates is not None else None
    return Line(2400, 11, [meter(header) for header in headers], faults, seed)


def addresses(headers):
    return sorted(identity_bytes(header) for header in headers)


def random_headers(rng, count):
    serials = rng.sample(range(10**8), count)
    return [Header(f"{n:08d}", "NUA", 1, 4) for n in serials]


def test_ten_meters_take_at_most_eighty_selects():
    """54 on average. Of 400 such buses 7 take more: whose meters share three last digits."""
    selects = []
    for seed in range(22):
        headers = random_headers(Random(seed), 10)
        search = Search()
        drive(search, bus(headers, seed))
        assert sorted(search.hits) == addresses(headers)
        assert not search.unresolved
        assert not search.unconfirmed
        assert search.progress_permille() == 1000
        selects.append(search.selects)
    assert max(selects) <= SELECTS_FOR_TEN_MAX
    assert sum(selects) <= 60 * len(selects)


def test_neighbours_from_one_box_take_few_selects():
    headers = [Header(f"{20453117 + n:08d}", "NUA", 1, 4) for n in range(10)]
    search = Search()
    drive(search, bus(headers))
    assert sorted(search.hits) == addresses(headers)
    assert search.selects <= 26


def test_an_empty_bus_takes_one_select_and_a_lone_meter_too():
    for headers in ([], random_headers(Random(1), 1)):
        search = Search()
        drive(search, bus(headers))
        assert sorted(search.hits) == addresses(headers)
        assert search.selects == 1 + len(headers)


@pytest.mark.parametrize(
    "others",
    [
        [Header("78563412", "NUA", 1, 7)],
        [Header("78563412", "NUA", 2, 4)],
        [Header("78563412", "NUB", 1, 4)],
        [Header("78563412", "KUA", 1, 4)],
        [Header("78563412", "SEN", 3, 7), Header("78563412", 0, 0, 0)],
    ],
)
def test_meters_sharing_an_identification_are_all_found(others):
    headers = [Header("78563412", "NUA", 1, 4), *others, *random_headers(Random(3), 8)]
    search = Search()
    drive(search, bus(headers))
    assert sorted(search.hits) == addresses(headers)
    assert not search.unresolved


hex_digits = st.text("0123456789abcde", min_size=8, max_size=8)
serials = st.one_of(
    hex_digits, st.sampled_from(["00000000", "00000001", "10000000", "0000000a", "78563412"])
)
populations = st.lists(
    st.builds(
        Header,
        serial=serials,
        manufacturer=st.sampled_from(["NUA", "NUB", "KAM", 0, 0x7FFE]),
        version=st.sampled_from([0, 1, 0xEE, 0xFE]),
        medium=st.sampled_from([0, 4, 7, 0x0C]),
    ),
    max_size=9,
    unique_by=identity_bytes,
)


@settings(max_examples=12)
@given(populations, st.integers(0, 2**16), st.integers(1, 60))
def test_any_population_is_found_even_when_stopped_and_resumed(headers, seed, pause):
    line = bus(headers, seed)
    search = Search()
    now_ms, before = NOW_MS, 0
    while True:
        now_ms = drive(search, line, now_ms, pause)
        assert before <= search.progress_permille() <= 1000
        before = search.progress_permille()
        state = search.state()
        search = Search(state)
        assert search.state() == state
        if search.progress_permille() == 1000 and search.request() is None:
            break
        search = Search(state)
        pause += 200
    assert sorted(search.hits) == addresses(headers)
    assert not search.unresolved
    assert not search.unconfirmed


@settings(max_examples=20)
@given(populations, st.integers(0, 2**16))
def test_noise_invents_nobody(headers, seed):
    rates = FaultRates(
        noise_before=0.2, noise_after=0.2, cut=0.05, split=0.2, flip=0.1, stale=0.1,
        echo=bool(seed & 1),
    )  # fmt: skip
    search = Search(silences=2)
    drive(search, bus(headers, seed, rates), questions=4000)
    assert set(search.hits) <= set(addresses(headers))


@pytest.mark.parametrize("seed", range(6))
def test_noise_on_answers_costs_selects_and_no_meter(seed):
    headers = random_headers(Random(seed), 8)
    rates = FaultRates(noise_before=0.15, noise_after=0.15, flip=0.05, echo=bool(seed & 1))
    search = Search()
    drive(search, bus(headers, seed, rates))
    assert sorted(search.hits) == addresses(headers)


@pytest.mark.parametrize("seed", range(6))
def test_lost_requests_are_made_up_for_by_asking_again(seed):
    headers = random_headers(Random(seed), 8)
    search = Search(silences=4)
    drive(search, bus(headers, seed, FaultRates(silence=0.1)))
    assert sorted(search.hits) == addresses(headers)


class Hum:
    """A line that is never silent."""

    def __init__(self):
        self.rng = Random(5)

    def transmit(self, request, start_ms):
        return [(start_ms, self.rng.randbytes(5))]


def test_a_line_that_is_never_silent_is_given_up():
    search = Search()
    drive(search, Hum(), questions=100)
    assert search.noisy
    assert search.hits == []
    assert search.sent < 40
    again = Search(search.state())
    headers = random_headers(Random(4), 3)
    drive(again, bus(headers))
    assert sorted(again.hits) == addresses(headers)


def test_who_acknowledges_and_says_nothing_is_no_hit():
    class Mute(MBusHeatMeter):
        def answer(self, request, now_ms):
            answer = super().answer(request, now_ms)
            return answer if answer == b"\xe5" else None

    headers = random_headers(Random(9), 4)
    state = HeatState(0, 0, 0, 0, 0, 0, 0)
    line = bus(headers)
    line = Line(2400, 11, [*line.devices, Mute("44556677", 0, lambda _: state)])
    search = Search()
    drive(search, line)
    assert sorted(search.hits) == addresses(headers)
    assert [mask[:4] for mask in search.unconfirmed] == [bytes.fromhex("77665544")]


def test_twins_cannot_be_told_apart_and_hide_nobody():
    twin = Header("11223344", "NUA", 1, 4)
    headers = random_headers(Random(2), 5)
    search = Search()
    drive(search, bus([twin, twin, *headers], seed=3))
    assert set(search.hits) <= set(addresses([twin, *headers]))
    assert set(addresses(headers)) <= set(search.hits)
    twins = [mask for mask in search.unresolved if matches(mask, identity_bytes(twin))]
    assert len(twins) == len(search.unresolved)
    assert identity_bytes(twin) in search.hits or twins


def test_a_meter_nobody_can_single_out_is_found_beside_its_neighbour():
    """Version FF is the wildcard itself: told apart by its medium or maker all the same."""
    headers = [Header("11223344", "NUA", 0xFF, 4), Header("11223344", "NUB", 1, 4)]
    search = Search()
    drive(search, bus(headers))
    assert sorted(search.hits) == addresses(headers)


def test_some_meters_are_selected_only_with_the_frame_count_bit():
    headers = random_headers(Random(6), 3)
    devices = [meter(header, traits=Traits(select_controls=(0x73,))) for header in headers]
    search = Search(silences=2)
    drive(search, Line(2400, 11, devices))
    assert sorted(search.hits) == addresses(headers)


def test_stop_and_each_hit_with_its_telegram():
    headers = random_headers(Random(8), 6)
    line = bus(headers)
    told = []
    search = Search(on_hit=lambda address, raw: (told.append((address, raw)), search.stop()))
    now_ms = drive(search, line)
    assert len(search.hits) == 1
    ((address, raw),) = told
    assert raw[7:15] == address
    rest = Search(search.state())
    drive(rest, line, now_ms)
    assert sorted(rest.hits) == addresses(headers)
