"""The cheapest requests that read given registers: neighbours merged within a device's limits.

A request costs the line its own bytes, the answer's frame, two silences and the time the device
takes to think, whatever it asks for; a register nobody wants costs two bytes. At 9600 baud a device
that takes 50 ms makes a request as dear as some 32 registers, so short gaps are read along.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.rtu import BITS_MAX, READ_DISCRETE_INPUTS, REGISTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    # Function 1..4, wire address, how many registers (or bits) from there on.
    Span: TypeAlias = tuple[int, int, int]

# Request, the answer's frame, and 3.5 characters of silence before each of the two.
_LINE_BYTES = 8 + 5 + 7
_BITS_A_CHARACTER = 11
_DEVICE_MS = 50
_BAUD = 9600
_WORD_BITS = 16


def overhead_bytes(baud: int = _BAUD, device_ms: int = _DEVICE_MS) -> int:
    """What a request costs beside its data, in bytes on a line of this speed."""
    return _LINE_BYTES + device_ms * baud // (1000 * _BITS_A_CHARACTER)


def block_reads(
    wanted: "Iterable[Span]",
    words_max: int = REGISTERS_MAX,
    gap_max: int = REGISTERS_MAX,
    borders: "Sequence[int]" = (),
    closed: "Sequence[tuple[int, int]]" = (),
    overhead: "int | None" = None,
) -> "tuple[Span, ...]":
    """Reads (function, start, count) that cover every wanted span whole, at the least cost.

    words_max   registers in one request; bits (functions 1, 2) have the protocol's limit only
    gap_max     registers nobody wants, or 16 times as many bits, that may stand between two wanted
    borders     addresses that a request from below may not reach
    closed      ranges (first, last address) of which no request may touch any
    overhead    of overhead_bytes

    In order of function and address. Raises FrameError for a span that no request can hold.
    """
    cost = overhead_bytes() if overhead is None else overhead
    spans = sorted(set(wanted))
    reads: list[Span] = []
    for function in sorted({span[0] for span in spans}):
        most, gap, bits = words_max, gap_max, _WORD_BITS
        if function <= READ_DISCRETE_INPUTS:
            most, gap, bits = BITS_MAX, _WORD_BITS * gap_max, 1
        limits = (most, gap, borders, closed)
        some = [span for span in spans if span[0] == function]
        reads.extend(_cheapest(some, limits, 8 * cost, bits))
    return tuple(reads)


def _cheapest(
    spans: "list[Span]",
    limits: "tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]",
    overhead_bits: int,
    unit_bits: int,
) -> "list[Span]":
    """Of all ways to cut the sorted spans into requests the cheapest, of equal ones the fewest."""
    # The cost of reading all spans before the index, how many requests, where the last begins.
    best = [(0, 0, 0)]
    for end in range(1, len(spans) + 1):
        found: tuple[int, int, int] | None = None
        for first in range(end - 1, -1, -1):
            count = _count(spans, first, end, limits)
            if count == 0:
                break
            cost = best[first][0] + overhead_bits + count * unit_bits
            candidate = (cost, best[first][1] + 1, first)
            if found is None or candidate < found:
                found = candidate
        if found is None:
            function, address, words = spans[end - 1]
            raise FrameError(
                f"no request can read {words} from address {address} with function {function}", 0
            )
        best.append(found)
    reads: list[Span] = []
    end = len(spans)
    while end:
        first = best[end][2]
        reads.append((spans[first][0], spans[first][1], _count(spans, first, end, limits)))
        end = first
    reads.reverse()
    return reads


def _count(
    spans: "list[Span]",
    first: int,
    end: int,
    limits: "tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]",
) -> int:
    """Registers of one request for spans[first:end]; 0 when no single request may hold them."""
    most, gap_max, borders, closed = limits
    start = spans[first][1]
    reached = start
    for _, address, words in spans[first:end]:
        if address - reached > gap_max or words < 1:
            return 0
        reached = max(reached, address + words)
    if reached - start > most or start < 0 or reached > 0x10000:
        return 0
    for border in borders:
        if start < border < reached:
            return 0
    for low, high in closed:
        if start <= high and low < reached:
            return 0
    return reached - start
