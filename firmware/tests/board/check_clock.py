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


def gateway(clock, utc_s):
    """The gateway's word: the second it names has begun, and half a second of way at most."""
    return clock.tell(clocks.GATEWAY, utc_s, 0, 1500)


def live(clock, ticks, seconds):
    """Let time pass in steps that a node makes; it is asked at each."""
    for _ in range(seconds // 60):
        ticks.ms += 60000
        clock.now()
    ticks.ms += seconds % 60 * 1000


def test_unset_it_counts_from_boot():
    clock, ticks, _ = make()
    assert (clock.now(), clock.quality(), clock.was_set.is_set()) == (0, 0, False)
    ticks.ms += 12345
    assert (clock.now(), clock.uptime()) == (12, 12)


def test_a_chip_that_kept_its_time_makes_it_coast():
    clock, ticks, _ = make(NOW)
    ticks.ms += 2000
    assert (clock.now(), clock.quality(), clock.was_set.is_set()) == (NOW + 2, 1, True)
    assert clock.is_vouched_for()


def test_a_chip_that_began_anew_or_tells_nonsense_sets_nothing():
    for chip_s in (946684800, 1735689599, 0xFFFFFFFF):
        assert make(chip_s)[0].quality() == 0


def test_a_season_of_2019_is_replayed_by_the_gateways_word_alone():
    clock, _, _ = make()
    assert clock.tell(clocks.NTP, 1553817600, 0, 0) == clocks.REFUSED
    assert gateway(clock, 1553817600) == clocks.STEPPED
    assert clock.now() == 1553817600
    assert gateway(make()[0], 946684799) == clocks.REFUSED


def test_the_gateway_sets_it_and_the_chip():
    clock, ticks, chip = make()
    ticks.ms += 40000
    assert gateway(clock, NOW) == clocks.STEPPED
    assert (clock.now(), clock.quality(), clock.steps) == (NOW, 2, 1)
    assert (chip, clock.rank) == ([NOW], clocks.GATEWAY)


def test_the_quality_says_how_many_days_ago_the_gateway_told_the_time():
    clock, ticks, _ = make()
    gateway(clock, NOW)
    seen = []
    for _ in range(600):
        seen.append(clock.quality())
        live(clock, ticks, 86400)
    # It is asked a moment after each day: a day old, it is two days old tomorrow.
    assert seen[:6] == [2, 2, 4, 4, 5, 5]
    assert [seen.index(quality) for quality in range(4, 12)] == [2, 4, 8, 16, 32, 64, 128, 256]
    assert seen[-1] == 11
    ticks.ms += 1
    gateway(clock, clock.now())
    assert clock.quality() == 2
    live(clock, ticks, 86401)
    assert clock.quality() == 3


def test_what_the_source_cant_tell_apart_moves_nothing():
    clock, ticks, chip = make(NOW)
    # The gateway's second may be over when its word arrives.
    assert gateway(clock, NOW) == clocks.TAKEN
    assert gateway(clock, NOW - 1) == clocks.TAKEN
    live(clock, ticks, 600)
    assert (clock.now(), clock.steps, chip) == (NOW + 600, 0, [])


def test_small_differences_are_slewed_and_no_second_is_left_out_or_comes_again():
    for difference in (4, 3, 1, -3, -5):
        clock, ticks, chip = make(NOW)
        gateway(clock, NOW + difference)
        # What it moves by: to the beginning of the second told, or back to a second and a half
        # behind it.
        moved_ms = difference * 1000 if difference > 0 else difference * 1000 + 1500
        seen = []
        for _ in range(400000 // 250):
            ticks.ms += 250
            if not seen or clock.now() != seen[-1]:
                seen.append(clock.now())
        # The board's range() ends at 2**30.
        assert [second - seen[0] for second in seen] == list(range(len(seen)))
        assert seen[-1] == (NOW * 1000 + 400000 + moved_ms) // 1000
        assert clock.steps == 0
        gateway(clock, clock.now())
        assert chip == [clock.now()]


def test_a_large_difference_is_a_step_forward_or_back():
    clock, _, chip = make(NOW)
    assert gateway(clock, NOW + 5) == clocks.STEPPED
    assert gateway(clock, NOW - 3600) == clocks.STEPPED
    assert (clock.now(), clock.steps) == (NOW - 3600, 2)
    assert chip == [NOW + 5, NOW - 3600]


def test_times_that_no_entry_can_hold_or_that_are_long_past_are_refused():
    clock, _, _ = make()
    for utc_s in (0, 946684799, 0xFFFF0000, 1 << 32, 1 << 40):
        for rank in (clocks.METERS, clocks.NTP, clocks.KEPT, clocks.GATEWAY):
            assert clock.tell(rank, utc_s, 0, 1000) == clocks.REFUSED
    for rank in (clocks.METERS, clocks.NTP, clocks.KEPT):
        assert clock.tell(rank, 1735689599, 0, 1000) == clocks.REFUSED
    assert clock.quality() == 0


def test_it_counts_through_2038_until_2106():
    for utc_s in ((1 << 31) - 2, 0xFFFE0000):
        clock, ticks, _ = make(utc_s)
        live(clock, ticks, 3600)
        assert clock.now() == utc_s + 3600


def test_meters_set_only_what_nobody_has_set():
    clock, _, _ = make()
    assert clock.tell(clocks.METERS, NOW, 0, 60000) == clocks.STEPPED
    assert (clock.now(), clock.quality(), clock.is_vouched_for()) == (NOW + 20, 1, False)
    assert clock.tell(clocks.METERS, NOW + 100, 0, 60000) == clocks.REFUSED
    # Whoever knows better may move it as far as need be.
    assert clock.tell(clocks.NTP, NOW + 864000, 0, 10) == clocks.STEPPED
    assert (clock.quality(), clock.rank) == (1, clocks.NTP)
    assert gateway(clock, NOW) == clocks.STEPPED
    assert clock.quality() == 2


def test_ntp_never_moves_a_synchronised_clock_by_more_than_four_seconds():
    clock, ticks, _ = make()
    gateway(clock, NOW)
    for difference in (5, 60, 86400 * 365, -5, -86400):
        assert clock.tell(clocks.NTP, NOW + difference, 500, 10) == clocks.REFUSED
    assert clock.tell(clocks.NTP, NOW + 3, 500, 10) == clocks.TAKEN
    live(clock, ticks, 300)
    assert (clock.now(), clock.steps) == (NOW + 303, 1)


def test_ntp_leads_a_coasting_clock_an_hour_at_most_however_often_it_speaks():
    clock, ticks, _ = make()
    gateway(clock, NOW)
    live(clock, ticks, 2 * 86400)
    moved = 0
    for _ in range(100):
        before = clock.now()
        if clock.tell(clocks.NTP, before + 60, 500, 10) == clocks.STEPPED:
            moved += clock.now() - before
    assert 3500 <= moved <= 3700
    # The age of the gateway's word is what it was.
    assert clock.quality() == 4
    gateway(clock, NOW + 2 * 86400)
    assert abs(clock.now() - NOW - 2 * 86400) < 2


def test_uptime_knows_no_steps():
    clock, ticks, _ = make()
    ticks.ms += 5000
    gateway(clock, NOW)
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


def test_a_boot_without_a_time_flushes_its_first_turn():
    clock, ticks, _ = make()
    book = Book()
    cycle = Cycle(book, clock, 900, lambda: None)
    ticks.ms += 100000
    cycle.check()
    assert book.flushes == 0
    cycle.begin()
    ticks.ms += 30000
    cycle.end()
    assert book.flushes == 1
    ticks.ms += 300000
    cycle.check()
    assert book.flushes == 1


def test_a_boot_without_time_and_turn_flushes_its_events_after_five_minutes():
    clock, ticks, _ = make()
    book = Book()
    cycle = Cycle(book, clock, 900, lambda: None)
    for _ in range(6):
        ticks.ms += 60000
        cycle.check()
    assert book.flushes == 1


def test_lines_that_never_rest_together_are_flushed_in_the_second_period():
    clock, ticks, _ = make(NOW // 900 * 900 + 890)
    book = Book()
    cycle = Cycle(book, clock, 900, lambda: None)
    ticks.ms += 10000
    cycle.begin()
    for _ in range(12):
        cycle.begin()
        ticks.ms += 300000
        cycle.end()
        cycle.check()
    # In an hour: half an hour after the start, and then every half hour.
    assert book.flushes == 2, book.flushes
