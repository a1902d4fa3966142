from nuan_firmware import clock as clocks
from nuan_firmware.clock import Clock
from nuan_firmware.cycle import Cycle

NOW = 1762000000
WRAP = 1 << 30


class Ticks:
    """The millisecond counter, under our hand; starts just before it wraps."""

    def __init__(self):
        self.ms = WRAP - 5000

    def __call__(self):
        return self.ms % WRAP


def make(chip_s=0):
    ticks = Ticks()
    clocks.ticks_ms = ticks
    chip = []
    return Clock(chip_s, chip.append), ticks, chip


def test_unset_it_counts_from_boot():
    clock, ticks, _ = make()
    assert (clock.now(), clock.quality(), clock.was_set.is_set()) == (0, 0, False)
    ticks.ms += 12345
    assert (clock.now(), clock.uptime()) == (12, 12)


def test_a_chip_that_kept_its_time_makes_it_coast():
    clock, ticks, _ = make(NOW)
    ticks.ms += 2000
    assert (clock.now(), clock.quality(), clock.was_set.is_set()) == (NOW + 2, 1, True)


def test_the_gateway_sets_it_and_the_chip_for_a_day():
    clock, ticks, chip = make()
    ticks.ms += 40000
    assert clock.synchronise(NOW) == NOW - 40
    assert (clock.now(), clock.quality(), clock.steps) == (NOW, 2, 1)
    assert chip == [NOW]
    for _ in range(24):
        ticks.ms += 3600000
        clock.now()
    assert clock.quality() == 2
    ticks.ms += 1000
    assert clock.quality() == 1


def test_small_differences_are_followed_without_a_step():
    clock, _, chip = make(NOW)
    for difference, moved in ((0, 0), (1, 0), (-1, 0), (2, 1), (-2, -1)):
        before = clock.now()
        assert clock.synchronise(before + difference) == 0
        assert clock.now() - before == moved
    assert (clock.steps, chip) == (0, [])


def test_a_large_difference_is_a_step_forward_or_back():
    clock, _, chip = make(NOW)
    assert clock.synchronise(NOW + 3) == 3
    assert clock.synchronise(NOW - 3600) == -3603
    assert (clock.now(), clock.steps) == (NOW - 3600, 2)
    assert chip == [NOW + 3, NOW - 3600]


def test_uptime_knows_no_steps():
    clock, ticks, _ = make()
    ticks.ms += 5000
    clock.synchronise(NOW)
    ticks.ms += 5000
    assert clock.uptime() == 10


def test_it_runs_through_the_counters_wraps():
    clock, ticks, _ = make(NOW)
    start = ticks.ms
    while ticks.ms - start < 3 * WRAP:
        ticks.ms += 3600123
        passed = (ticks.ms - start) // 1000
        assert (clock.now(), clock.uptime()) == (NOW + passed, passed)


def test_time_until_an_instant_is_exact_to_the_millisecond():
    clock, ticks, _ = make(NOW)
    start = ticks.ms
    while ticks.ms - start < 40 * 3600000:
        ticks.ms += 1234567
        passed_ms = ticks.ms - start
        due = clock.now() // 900 * 900 + 900
        assert clock.ms_until(due) == (due - NOW) * 1000 - passed_ms
    late = clock.now() - 10
    assert -11000 < clock.ms_until(late) <= -10000


def test_far_instants_are_capped_at_an_hour():
    clock, ticks, _ = make(NOW)
    ticks.ms += 3 * 3600000
    assert 3599000 <= clock.ms_until(NOW + 86400) <= 3600000


class Book:
    def __init__(self):
        self.flushes = 0
        self.pending = True

    def flush(self):
        self.flushes += 1
        return self.pending


def test_a_flush_waits_for_the_last_bus_of_the_period():
    clock, ticks, _ = make(NOW // 900 * 900 + 890)
    book, told = Book(), []
    cycle = Cycle(book, clock, 900, lambda: told.append(1))
    ticks.ms += 10000
    cycle.begin()
    cycle.begin()
    ticks.ms += 1000
    cycle.end()
    assert book.flushes == 0
    ticks.ms += 20000
    cycle.end()
    assert (book.flushes, told) == (1, [1])
    cycle.begin()
    cycle.end()
    assert book.flushes == 1


def test_events_without_polls_are_flushed_a_minute_late():
    clock, ticks, _ = make(NOW // 900 * 900 + 890)
    book = Book()
    cycle = Cycle(book, clock, 900, lambda: None)
    ticks.ms += 40000
    cycle.check()
    assert book.flushes == 0
    ticks.ms += 60000
    cycle.check()
    assert book.flushes == 1


def test_a_flush_that_wrote_nothing_wakes_nobody():
    clock, ticks, _ = make(NOW // 900 * 900 + 890)
    book, told = Book(), []
    book.pending = False
    cycle = Cycle(book, clock, 900, lambda: told.append(1))
    ticks.ms += 100000
    cycle.check()
    assert (book.flushes, told) == (1, [])
