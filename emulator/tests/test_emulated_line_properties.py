"""A line under any traffic and any faults: time runs forwards, and everything repeats."""

from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.faults import PURPOSES, DeadSpan, FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.meters.mbus_layout import short_frame

START_MS = 1_768_451_400_000
CONTROLS = (0x40, 0x5B, 0x7B)

rates = st.builds(
    FaultRates,
    echo=st.booleans(),
    **{name: st.sampled_from([0.0, 0.3, 1.0]) for name in PURPOSES},
)
traffic = st.lists(
    st.tuples(
        st.sampled_from(CONTROLS),
        st.sampled_from([1, 2, 3, 9, 0xFE, 0xFF]),
        st.integers(1, 4000),
    ),
    min_size=1,
    max_size=25,
)


def new_line(fault_rates: FaultRates, seed: int) -> Line:
    meters = [
        MBusHeatMeter(f"{n:08d}", n, lambda t, n=n: HeatState(t * n, 0, 0, 0, 0, 0, 0))
        for n in (1, 2, 3)
    ]
    return Line(2400, 11, meters, LineFaults(fault_rates, seed), seed)


def run(fault_rates, seed, requests):
    line, at_ms, seen = new_line(fault_rates, seed), START_MS, []
    for control, address, pause_ms in requests:
        at_ms += pause_ms
        request = short_frame.build({"control": control, "address": address})
        seen.append((at_ms, line.transmit(request, at_ms)))
    return line, seen


@given(rates, st.integers(0, 2**32), traffic)
def test_the_same_seed_repeats_every_burst(fault_rates, seed, requests):
    assert run(fault_rates, seed, requests)[1] == run(fault_rates, seed, requests)[1]


@given(rates, st.integers(0, 2**32), traffic)
def test_bursts_come_in_order_and_not_before_their_bytes_fit(fault_rates, seed, requests):
    line, seen = run(fault_rates, seed, requests)
    for at_ms, bursts in seen:
        arrivals = [arrival_ms for arrival_ms, _ in bursts]
        assert arrivals == sorted(arrivals)
        answers = bursts[1:] if fault_rates.echo else bursts
        us = line.duration_us(5)
        for arrival_ms, data in answers:
            assert data
            us += line.duration_us(len(data))
            assert (arrival_ms - at_ms) * 1000 >= us
    assert line.exchanges == len(requests)


@given(st.integers(0, 2**32), traffic)
def test_without_faults_only_the_asked_meter_answers(seed, requests):
    _, seen = run(FaultRates(), seed, [(c, a, 4000) for c, a, _ in requests])
    for (control, address, _), (_, bursts) in zip(requests, seen, strict=True):
        if address in (9, 0xFF):
            assert bursts == []
        elif address != 0xFE:
            ((_, data),) = bursts
            assert data == b"\xe5" if control == 0x40 else data[5] == address


@given(st.integers(0, 2**32), traffic)
def test_echo_only_adds_the_masters_own_bytes(seed, requests):
    _, plain = run(FaultRates(), seed, requests)
    _, echoed = run(FaultRates(echo=True), seed, requests)
    for (_, without), (_, with_echo) in zip(plain, echoed, strict=True):
        assert with_echo[1:] == without
        assert len(with_echo[0][1]) == 5


@given(st.integers(0, 2**32), st.integers(0, 2), traffic)
def test_a_dead_meter_changes_nothing_for_the_others(seed, dead, requests):
    spaced = [(c, a if a < 9 else 1, 4000) for c, a, _ in requests]
    _, healthy = run(FaultRates(), seed, spaced)
    span = DeadSpan(dead, START_MS, START_MS + 10**9)
    _, ailing = run(FaultRates(dead=(span,)), seed, spaced)
    for (_, address, _), (_, before), (_, after) in zip(spaced, healthy, ailing, strict=True):
        if address == dead + 1:
            assert after == []
        else:
            assert after == before
