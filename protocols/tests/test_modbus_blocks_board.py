"""Registers merged into requests, wherever that runs."""

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.blocks import block_reads, overhead_bytes


def test_neighbours_are_read_together():
    assert block_reads([(3, 2, 2), (3, 0, 2), (3, 4, 1)]) == ((3, 0, 5),)
    assert block_reads([]) == ()


def test_a_short_gap_is_read_along_and_a_long_one_is_not():
    assert overhead_bytes(9600, 50) == 63
    assert block_reads([(3, 0, 2), (3, 30, 2)]) == ((3, 0, 32),)
    assert block_reads([(3, 0, 2), (3, 40, 2)]) == ((3, 0, 2), (3, 40, 2))
    assert block_reads([(3, 0, 2), (3, 40, 2)], overhead=80) == ((3, 0, 42),)
    assert block_reads([(3, 0, 2), (3, 3, 2)], 125, 0) == ((3, 0, 2), (3, 3, 2))


def test_the_limits_of_a_device_are_kept():
    wanted = [(4, address, 2) for address in range(0, 60, 2)]
    assert block_reads(wanted, 20) == ((4, 0, 20), (4, 20, 20), (4, 40, 20))
    assert block_reads(wanted[:10], 125, 125, (6,)) == ((4, 0, 6), (4, 6, 14))
    spared = [span for span in wanted if span[1] != 10]
    assert block_reads(spared, 125, 125, (), ((10, 11),)) == ((4, 0, 10), (4, 12, 48))


def test_functions_are_apart_and_bits_cost_less():
    found = block_reads([(1, 0, 1), (1, 400, 1), (3, 0, 1), (4, 0, 1)])
    assert found == ((1, 0, 401), (3, 0, 1), (4, 0, 1))


def test_registers_that_no_request_can_hold_are_refused():
    for wanted, words in (((3, 0, 4), 2), ((3, 65535, 2), 125), ((3, 0, 0), 125)):
        refused = False
        try:
            block_reads([wanted], words)
        except FrameError:
            refused = True
        assert refused, wanted
