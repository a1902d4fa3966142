"""The search over primary addresses against emulated buses."""

from random import Random

import pytest

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_protocols.mbus.search_primary import PrimarySearch

NOW_MS = 1_768_451_400_000
ANSWER_MS = 1_500


def meter(number, address):
    state = HeatState(number * 10**9, 10**7, 1000, 200, 5000, 3000, 10**6)
    return MBusHeatMeter(f"{number:08d}", address, lambda _: state)


def drive(search, line):
    now_ms = NOW_MS
    while (request := search.request()) is not None:
        for _, burst in line.transmit(bytes(request), now_ms):
            search.feed(burst)
        search.timeout()
        now_ms += ANSWER_MS


@pytest.mark.parametrize("echo", [False, True])
def test_every_address_from_first_to_last_is_found(echo):
    numbers = {0: 5, 1: 7, 17: 12345678, 229: 3, 250: 99999999}
    faults = LineFaults(FaultRates(echo=echo), 0)
    line = Line(2400, 11, [meter(number, at) for at, number in numbers.items()], faults)
    told = []
    search = PrimarySearch(on_hit=lambda address, _, raw: told.append((address, raw[5])))
    drive(search, line)
    assert [at for at, _ in search.hits] == sorted(numbers)
    assert [int(who[3::-1].hex()) for _, who in search.hits] == list(numbers.values())
    assert told == [(at, at) for at in numbers]
    assert search.sent == 251 + 2 * len(numbers)
    assert (search.collided, search.unconfirmed) == ([], [])
    assert search.progress_permille() == 1000


@pytest.mark.parametrize("seed", range(10))
def test_meters_at_one_address_are_no_hit(seed):
    line = Line(2400, 11, [meter(1, 0), meter(2, 0), meter(3, 0), meter(4, 9)], seed=seed)
    search = PrimarySearch(last=20)
    drive(search, line)
    assert [at for at, _ in search.hits] == [9]
    assert search.collided == [0]


def test_noise_is_no_meter():
    class Noisy:
        rng = Random(3)

        def transmit(self, _request, start_ms):
            return [(start_ms, self.rng.choice([b"\x00", b"\xa5", b"\xe5", b"\xfe\xe5"]))]

    search = PrimarySearch(last=40)
    drive(search, Noisy())
    assert search.hits == []
    assert sorted(search.collided + search.unconfirmed) == list(range(41))


def test_a_search_goes_on_where_it_was_stopped():
    line = Line(2400, 11, [meter(1, 3), meter(2, 8)])
    search = PrimarySearch(last=20, on_hit=lambda *_: search.stop())
    drive(search, line)
    assert [at for at, _ in search.hits] == [3]
    rest = PrimarySearch(first=search.address, last=20)
    now_line = Line(2400, 11, line.devices)
    drive(rest, now_line)
    assert [at for at, _ in rest.hits] == [8]
