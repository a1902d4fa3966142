from nuan_firmware import clock as clocks
from nuan_firmware.clock import Clock
from nuan_firmware.instants import Instants

NOW = 1762000000
PERIODS = (300, 900, 3600, 86400)
SLEEP_MS = 300000
SEED = 20261121


class Ticks:
    def __init__(self):
        self.ms = 0

    def __call__(self):
        return self.ms % (1 << 30)


class Dice:
    """Numbers that are the same on every machine."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, low, high):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return low + (self.state >> 8) % (high - low + 1)


class Life:
    """A clock that lives, and the turns that its instants give."""

    def __init__(self, periods=PERIODS, begin_s=NOW):
        self.ticks = clocks.ticks_ms = Ticks()
        self.clock = Clock(begin_s, lambda seconds: None)
        self.instants = Instants(self.clock, periods)
        # (period, number of the instant, real second, how many steps there had been)
        self.taken = []
        self.late = 0

    def turn(self):
        due, late = self.instants.take()
        self.late += late
        now = self.clock.now()
        for period in due:
            self.taken.append((period, now // period, self.ticks.ms // 1000, self.clock.steps))

    def live(self, seconds):
        """As a poller sleeps: until the next instant, or five minutes at most."""
        end = self.ticks.ms + seconds * 1000
        while self.ticks.ms < end:
            wait = min(self.instants.wait_ms(), SLEEP_MS)
            if wait <= 0:
                self.turn()
            else:
                self.ticks.ms = min(end, self.ticks.ms + wait)

    def step(self, seconds):
        now = self.clock.now()
        assert self.clock.tell(clocks.GATEWAY, now + seconds, 0, 0) == clocks.STEPPED

    def numbers(self, period):
        return [number for p, number, _, _ in self.taken if p == period]


def test_every_instant_has_one_turn():
    life = Life()
    life.live(2 * 86400)
    for period in PERIODS:
        seen = life.numbers(period)
        assert [number - seen[0] for number in seen] == list(range(len(seen)))
        assert len(seen) == (NOW + 2 * 86400) // period - NOW // period


def test_an_unset_clock_begins_with_a_turn_at_once_and_goes_on_by_the_seconds_since_boot():
    life = Life(begin_s=0)
    life.live(7300)
    assert life.numbers(3600) == [0, 1, 2]
    assert [second for period, _, second, _ in life.taken if period == 3600] == [0, 3600, 7200]


def test_who_owes_a_turn_begins_with_it_at_once_and_goes_on_as_usual():
    life = Life()
    life.instants = Instants(life.clock, PERIODS, True)
    assert life.instants.wait_ms() <= 0
    life.turn()
    assert [period for period, _, _, _ in life.taken] == list(PERIODS)
    assert life.instants.wait_ms() > 0
    life.live(86400)
    assert life.late == 0
    assert len(life.numbers(3600)) == 25


def test_setting_the_clock_is_a_step_forward_with_one_turn():
    life = Life(begin_s=0)
    life.live(4000)
    before = len(life.taken)
    life.step(NOW)
    life.live(300)
    assert sorted([entry[0] for entry in life.taken[before:]]) == [300, 300, 900, 3600, 86400]


def test_a_skipped_span_has_one_turn_whether_minutes_or_years():
    for skipped in (300, 7200, 86400 * 30, 86400 * 365 * 10):
        life = Life((300,))
        life.live(1000)
        before = len(life.taken)
        life.step(skipped)
        life.live(SLEEP_MS // 1000)
        turns = life.numbers(300)[before:]
        assert len(turns) in (1, 2)
        assert turns[-1] - life.numbers(300)[before - 1] >= skipped // 300


def test_what_was_read_is_not_read_again_within_an_hour_back():
    for back in (5, 299, 1200, 3600):
        life = Life((300, 86400))
        life.live(86400)
        life.step(-back)
        life.live(back + 1000)
        seen = life.numbers(300)
        assert [number - seen[0] for number in seen] == list(range(len(seen)))
        assert len(life.numbers(86400)) == 1


def test_a_single_instant_is_not_read_again_however_long_its_period():
    life = Life((86400,))
    life.live(86400 - NOW % 86400 + 60)
    life.step(-7200)
    life.live(7300)
    assert len(life.numbers(86400)) == 1
    life.live(86400)
    assert len(life.numbers(86400)) == 2


def test_far_back_the_schedule_begins_anew():
    life = Life((300,), NOW + 86400 * 365 * 10)
    life.live(86400)
    life.step(-86400 * 365 * 9)
    begun = len(life.taken)
    life.live(3000)
    seen = life.numbers(300)[begun:]
    assert [number - seen[0] for number in seen] == list(range(10))


def test_turns_that_come_too_late_are_counted_and_those_of_a_step_are_not():
    life = Life((300,))
    life.live(1000)
    life.ticks.ms += 1000 * 1000
    life.turn()
    assert life.late in (2, 3)
    before = life.late
    life.step(86400)
    life.turn()
    assert life.late == before


def test_two_hundred_steps_leave_out_no_instant_and_read_none_twice():
    print("seed", SEED)
    dice = Dice(SEED)
    life = Life((300, 900, 3600))
    steps = []
    for _ in range(200):
        life.live(dice(10, 9000))
        low, high = ((5, 60), (60, 3600), (3600, 86400), (86400, 86400 * 900))[dice(0, 3)]
        size = dice(low, high)
        if dice(0, 1) and life.clock.now() - size > clocks.PLAUSIBLE_S:
            size = -size
        steps.append(size)
        life.step(size)
    life.live(9000)
    for period in (300, 900, 3600):
        check(life, period, steps)


def check(life, period, steps):
    """One period's turns follow the rule, and no meter waits longer than it says."""
    turns = [entry for entry in life.taken if entry[0] == period]
    for index in range(1, len(turns)):
        (_, before, at, old), (_, number, then, new) = turns[index - 1], turns[index]
        between = steps[old:new]
        if not between:
            # Nothing happened: the next instant, and no other.
            assert number == before + 1
        elif number <= before:
            # Read again: only where the clock went far back.
            assert max(3600, period) <= -min(between)
        elif number > before + 1:
            # Left out: only where the clock went forward, or back and began anew.
            assert max(between) > 0 or -min(between) >= max(3600, period)
        assert then - at <= 2 * period + 3600 + SLEEP_MS // 1000
