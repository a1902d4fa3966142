"""Faults: repeatable, apart from each other, and never more than they say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.faults import NOISE_BYTES_MAX, PURPOSES, FaultRates, LineFaults

ANSWER = bytes(range(80))
shares = st.lists(st.floats(0, 1), min_size=len(PURPOSES), max_size=len(PURPOSES))
OTHER = b"\xaa" * 30


def drawn(faults: LineFaults, count: int = 50) -> list[object]:
    return [faults.disturb(ANSWER, [OTHER]) for _ in range(count)]


@given(st.integers(0, 2**32), shares)
def test_same_seed_same_faults(seed, drawn_shares):
    rates = FaultRates(**dict(zip(PURPOSES, drawn_shares, strict=True)))
    assert drawn(LineFaults(rates, seed), 10) == drawn(LineFaults(rates, seed), 10)


@given(st.integers(0, 2**32))
def test_one_fault_does_not_move_another(seed):
    alone = LineFaults(FaultRates(flip=0.5), seed)
    beside = LineFaults(FaultRates(flip=0.5, split=0.5), seed)
    for _ in range(20):
        whole = b"".join(burst.data for burst in alone.disturb(ANSWER, []))
        assert whole == b"".join(burst.data for burst in beside.disturb(ANSWER, []))


@given(st.integers(0, 2**32))
def test_split_loses_nothing(seed):
    bursts = LineFaults(FaultRates(split=1.0), seed).disturb(ANSWER, [])
    assert 2 <= len(bursts) <= 5
    assert b"".join(burst.data for burst in bursts) == ANSWER
    assert all(burst.data for burst in bursts)
    assert all(burst.pause_us > 0 for burst in bursts[1:])


@given(st.integers(0, 2**32))
def test_flip_changes_exactly_one_bit(seed):
    (burst,) = LineFaults(FaultRates(flip=1.0), seed).disturb(ANSWER, [])
    wrong = [a ^ b for a, b in zip(burst.data, ANSWER, strict=True) if a != b]
    assert len(wrong) == 1
    assert wrong[0].bit_count() == 1


@given(st.integers(0, 2**32))
def test_cut_leaves_a_beginning(seed):
    left = b"".join(b.data for b in LineFaults(FaultRates(cut=1.0), seed).disturb(ANSWER, []))
    assert len(left) < len(ANSWER)
    assert ANSWER.startswith(left)


@given(st.integers(0, 2**32))
def test_noise_is_short_and_around_the_answer(seed):
    faults = LineFaults(FaultRates(noise_before=1.0, noise_after=1.0), seed)
    (burst,) = faults.disturb(ANSWER, [])
    at = burst.data.find(ANSWER)
    assert 1 <= at <= NOISE_BYTES_MAX
    assert 1 <= len(burst.data) - at - len(ANSWER) <= NOISE_BYTES_MAX


@given(st.integers(0, 2**32))
def test_a_wrong_checksum_is_the_last_byte_but_one(seed):
    (burst,) = LineFaults(FaultRates(checksum=1.0), seed).disturb(ANSWER, [])
    assert burst.data[:-2] + burst.data[-1:] == ANSWER[:-2] + ANSWER[-1:]
    assert burst.data[-2] != ANSWER[-2]


def test_a_single_character_can_be_wrong_too():
    (burst,) = LineFaults(FaultRates(checksum=1.0), 1).disturb(b"\xe5", [])
    assert burst.data != b"\xe5"


@given(st.integers(0, 2**32))
def test_a_stranger_answers_whole_and_instead(seed):
    faults = LineFaults(FaultRates(stranger=1.0), seed)
    assert faults.disturb(ANSWER, [OTHER]) == [(0, OTHER)]
    assert faults.disturb(ANSWER, []) == [(0, ANSWER)]


@given(st.integers(0, 2**32))
def test_a_parity_error_loses_a_byte_or_makes_it_zero(seed):
    (burst,) = LineFaults(FaultRates(parity=1.0), seed).disturb(b"\x55" * 20, [])
    assert burst.data.replace(b"\x00", b"") == b"\x55" * 19
    assert len(burst.data) in {19, 20}


@given(st.integers(0, 2**32))
def test_spikes_stand_around_the_answer(seed):
    (burst,) = LineFaults(FaultRates(spike=1.0), seed).disturb(b"\x55" * 20, [])
    assert burst.data.strip(b"\x00\xff") == b"\x55" * 20
    assert 21 <= len(burst.data) <= 22


def test_late_answers_begin_after_the_standards_window():
    (burst,) = LineFaults(FaultRates(late=1.0), 1).disturb(ANSWER, [])
    assert burst.pause_us >= 100_000


def test_lines_with_one_seed_differ_by_name():
    rates = FaultRates(flip=0.5, noise_before=0.5)
    assert drawn(LineFaults(rates, 1, "mbus")) != drawn(LineFaults(rates, 1, "rs485"))


def test_counts_follow_the_rates():
    faults = LineFaults(FaultRates(silence=0.2, cut=0.1), 7)
    for _ in range(2000):
        faults.request_lost()
        faults.disturb(ANSWER, [])
    assert 300 < faults.counts["silence"] < 500
    assert 130 < faults.counts["cut"] < 270
    assert faults.counts["flip"] == 0


def test_a_clean_line_changes_nothing():
    faults = LineFaults.none()
    assert not faults.request_lost()
    assert [tuple(b) for b in faults.disturb(ANSWER, [OTHER])] == [(0, ANSWER)]


@pytest.mark.parametrize(("first", "second"), list(pairwise(PURPOSES)))
def test_rates_outside_zero_to_one_are_refused(first, second):
    with pytest.raises(ValueError, match=first):
        FaultRates(**{first: 1.5})
    with pytest.raises(ValueError, match=second):
        FaultRates(**{second: -0.1})
