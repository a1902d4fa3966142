"""Any order and repetition of a journal's batches ends with each entry committed once."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuan_gateway.ingest.progress import Claim, Progress
from nuan_gateway.site import load_site
from nuan_gateway.store.journals import Run


def value(number: int) -> bytes:
    return b"chain %d" % number


def run(first: int, last: int) -> Run:
    return Run(first, last, value(first - 1), value(last))


def claim(first: int, last: int) -> Claim:
    return Claim(run(first, last), [value(number) for number in range(first, last + 1)])


RUNS = st.tuples(st.integers(1, 40), st.integers(0, 10)).map(lambda t: (t[0], t[0] + t[1]))


@given(st.lists(RUNS, max_size=30))
def test_progress_is_the_set_of_numbers_added(runs):
    progress = Progress(value(0))
    numbers: set[int] = set()
    for first, last in runs:
        assert progress.contradiction(claim(first, last)) is None
        assert progress.touches(first, last) == bool(numbers & set(range(first, last + 1)))
        progress.add(run(first, last))
        numbers |= set(range(first, last + 1))
        cumulative = next(n for n in range(60) if n + 1 not in numbers)
        highest = max(numbers)
        assert (progress.cumulative, progress.highest) == (cumulative, highest)
        assert progress.chain == value(cumulative)
        missing = set(range(cumulative + 1, highest)) - numbers
        gaps = progress.gaps(limit=100)
        assert missing == {n for a, b in gaps for n in range(a, b + 1)}
        assert progress.gaps() == gaps[:8]


@given(st.lists(RUNS, min_size=1, max_size=10), RUNS, st.integers(0, 50))
def test_a_wrong_chain_value_at_any_known_place_is_found(runs, wrong, at):
    progress = Progress(value(0))
    for first, last in runs:
        progress.add(run(first, last))
    known = {progress.cumulative, *(r.last for r in progress.ahead)}
    known |= {r.first - 1 for r in progress.ahead}
    first, last = wrong
    lie = claim(first, last)
    if first - 1 <= at <= last:
        lie = Claim(
            Run(
                first,
                last,
                b"lie" if at == first - 1 else value(first - 1),
                b"lie" if at == last else value(last),
            ),
            [b"lie" if n == at else value(n) for n in range(first, last + 1)],
        )
        assert (progress.contradiction(lie) == at) == (at in known)
    else:
        assert progress.contradiction(lie) is None


def test_a_copy_is_independent():
    progress = Progress(value(0))
    progress.add(run(5, 6))
    copy = progress.copy()
    copy.add(run(1, 4))
    copy.add(run(9, 9))
    assert (progress.cumulative, progress.highest) == (0, 6)
    assert (copy.cumulative, copy.highest) == (6, 9)


def test_reserved_numbers_hold_their_chain_value():
    progress = Progress(value(0))
    progress.add(run(1, 5))
    reserved = Claim(Run(4, 9, value(3), value(3)))
    assert progress.contradiction(reserved) == 5


@st.composite
def histories(draw):
    """Steps of a journal's life, then its batches in some order, some of them several times."""
    step = st.sampled_from(["write", "write", "write", "reboot", "drop"])
    steps = ["write", *draw(st.lists(step, max_size=9))]
    cuts = draw(st.lists(st.integers(1, 6), min_size=30, max_size=30))
    order = draw(st.randoms(use_true_random=False))
    return steps, cuts, order


def live(journal, steps: list[str]) -> None:
    for step in steps:
        if step == "write":
            journal.add_rooms(4)
        elif step == "reboot":
            journal.reserve(5)
        else:
            # A tombstone can't be dropped alone: the numbers it names would be lost with it.
            held = [seq for seq in sorted(journal.entries) if journal.entries[seq][1] == 1][:3]
            if len(held) == 3 and held[2] - held[0] == 2:
                journal.drop(held[0], held[2])


def batches_of(journal, cuts: list[int]) -> list[tuple[int, int]]:
    """Contiguous runs of the entries held, cut here and there, with overlaps."""
    held = sorted(journal.entries)
    found: list[tuple[int, int]] = []
    start = 0
    for cut in cuts:
        if start >= len(held):
            break
        end = start
        while end + 1 < len(held) and end + 1 - start < cut and held[end + 1] == held[end] + 1:
            end += 1
        found.append((held[start], held[end]))
        start = end if cut % 3 == 0 and end > start else end + 1
    if start < len(held):
        found += [(seq, seq) for seq in held[start:]]
    return found


@pytest.fixture(scope="module")
def make(tmp_path_factory, make_bench, make_journal, site_text):
    path = tmp_path_factory.mktemp("site") / "site.toml"
    path.write_text(site_text)
    return make_bench, make_journal, load_site(path)


@settings(max_examples=40)
@given(history=histories())
def test_any_order_and_repetition_ends_with_each_entry_once(make, history):
    steps, cuts, order = history
    make_bench, make_journal, site = make
    journal = make_journal()
    live(journal, steps)
    runs = batches_of(journal, cuts)
    runs += [run for run in runs if order.random() < 0.3]
    order.shuffle(runs)
    with TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), site)
        while runs:
            group = [runs.pop() for _ in range(min(len(runs), order.randint(1, 4)))]
            acks = bench.send(journal, *(journal.batch(*item) for item in group))
            assert len(acks) == len(group)
            if order.random() < 0.2:
                bench.restart()
        assert acks[-1].cumulative == journal.next_seq - 1
        assert acks[-1].gaps == ()
        assert bench.rows("SELECT seq, raw FROM entry ORDER BY seq") == sorted(
            journal.entries.items()
        )
        assert bench.rows("SELECT cumulative, chain FROM journal") == [
            (journal.next_seq - 1, journal.chain[journal.next_seq - 1])
        ]
        assert bench.rows("SELECT count(*) FROM conflict") == [(0,)]
        assert bench.rows("SELECT count(*) FROM ahead_run") == [(0,)]
        told = bench.rows("SELECT sum(json_array_length(payload, '$.readings')) FROM outbox")
        readings = bench.rows("SELECT count(*) FROM reading")[0][0]
        assert (told[0][0] or 0) == readings
        bench.stop()
