"""Block reads cover everything wanted, within every limit, at no more cost than one by one."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.modbus.blocks import block_reads, overhead_bytes

Span = tuple[int, int, int]

spans = st.lists(
    st.tuples(st.sampled_from([3, 4]), st.integers(0, 600), st.integers(1, 4)), max_size=40
)


@given(
    spans,
    st.integers(4, 125),
    st.integers(0, 125),
    st.lists(st.integers(0, 600), max_size=3),
)
def test_all_is_covered_and_no_limit_broken(
    wanted: list[Span], most: int, gap: int, cuts: list[int]
) -> None:
    borders = [cut for cut in cuts if not any(a < cut < a + n for _, a, n in wanted)]
    reads = block_reads(wanted, most, gap, borders)
    assert len(reads) <= len(set(wanted))
    assert list(reads) == sorted(reads)
    for function, address, words in wanted:
        assert any(
            function == f and start <= address and address + words <= start + count
            for f, start, count in reads
        )
    for function, start, count in reads:
        assert 1 <= count <= most
        assert not any(start < border < start + count for border in borders)
        held = {
            register
            for f, address, words in wanted
            if f == function
            for register in range(address, address + words)
        }
        assert start in held
        assert start + count - 1 in held
        idle = run = 0
        for register in range(start, start + count):
            run = 0 if register in held else run + 1
            idle = max(idle, run)
        assert idle <= gap


@given(
    st.lists(st.tuples(st.just(3), st.integers(0, 200), st.integers(1, 2)), max_size=7),
    st.integers(2, 125),
    st.integers(0, 60),
)
def test_no_other_way_to_cut_them_costs_less(wanted: list[Span], most: int, overhead: int) -> None:
    ordered = sorted(set(wanted))

    def cost(reads: list[tuple[int, int]]) -> int:
        return sum(overhead + 2 * (end - start) for start, end in reads)

    cheapest = None
    for cuts in itertools.product([False, True], repeat=max(0, len(ordered) - 1)):
        groups: list[tuple[int, int]] = []
        for index, (_, address, words) in enumerate(ordered):
            if index and not cuts[index - 1]:
                groups[-1] = (groups[-1][0], max(groups[-1][1], address + words))
            else:
                groups.append((address, address + words))
        if all(end - start <= most for start, end in groups):
            price = cost(groups)
            cheapest = price if cheapest is None else min(cheapest, price)
    found = block_reads(wanted, most, overhead=overhead)
    assert cost([(start, start + count) for _, start, count in found]) == cheapest


def test_a_faster_line_and_a_slower_device_make_requests_dearer() -> None:
    assert overhead_bytes(2400, 50) < overhead_bytes(9600, 50) < overhead_bytes(9600, 200)
