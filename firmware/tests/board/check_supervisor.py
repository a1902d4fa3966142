import asyncio

import edge_in_memory

from nuan_firmware.supervisor import Supervisor

Hal = edge_in_memory.Hal


class Clock:
    s = 0

    def uptime(self):
        return self.s

    def now(self):
        return 1000 + self.s

    def quality(self):
        return 2


class Book:
    """A journal of events alone."""

    def __init__(self):
        self.events = []
        self.flushes = 0

    def event(self, code, text):
        self.events.append((code, text))

    def flush(self):
        self.flushes += 1


class Part:
    """Fails as often as it is told to, then waits for ever; `turns` grows when it is told so."""

    def __init__(self, clock, faults=0, problem=OSError):
        self.name = "line"
        self.deadline_s = 100
        self.turns = 0
        self.runs = 0
        self.rests = []
        self._clock = clock
        self._faults = faults
        self._problem = problem

    async def run(self):
        self.runs += 1
        if self.runs <= self._faults:
            raise self._problem(5)
        while True:
            await asyncio.sleep_ms(1000)

    def rest(self, seconds):
        self.rests.append(seconds)
        self.deadline_s = self._clock.s + seconds + 100


def made(part=None, **options):
    clock, book = Clock(), Book()
    supervisor = Supervisor(clock, book)
    part = part or Part(clock, **options)
    supervisor.add(part, is_vital=True)
    return supervisor, part, clock, book


def live(supervisor, script):
    """Run the parts without pauses while `script(tick)` goes on; tick() lets them all move."""
    real = asyncio.sleep

    async def sleep(seconds):
        await asyncio.sleep_ms(0)

    async def tick():
        for _ in range(20):
            await asyncio.sleep_ms(0)

    async def main():
        for watch in supervisor.watches:
            watch.start()
        await tick()
        await script(tick)

    asyncio.sleep = sleep
    try:
        asyncio.run(main())
    finally:
        asyncio.sleep = real
        asyncio.new_event_loop()


def test_a_part_that_fails_is_started_again_later_and_later_and_its_event_bounded():
    supervisor, part, _, book = made(faults=20)

    async def script(tick):
        for _ in range(10):
            await tick()

    live(supervisor, script)
    assert part.runs == 21
    assert part.rests[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert supervisor.watches[0].restarts == 20
    assert [text for _, text in book.events] == ["line: OSError(5,)"] + [
        "line: OSError(5,) (%d times)" % times for times in (2, 4, 8, 16)
    ]


def test_work_done_in_between_makes_the_next_pause_short_again():
    supervisor, part, _, _ = made(faults=3)

    async def script(tick):
        part.turns = 1
        await tick()

    part.run = worked(part, part.run)
    live(supervisor, script)
    assert part.rests == [1, 1, 1]


def worked(part, run):
    async def turn():
        part.turns += 1
        await run()

    return turn


def test_many_faults_of_many_kinds_are_so_many_events_an_hour():
    supervisor, _, clock, book = made()
    for number in range(100):
        supervisor.fault("line", "fault %d" % number)
    assert len(book.events) == 20
    clock.s = 3600
    supervisor.beat()
    supervisor.fault("line", "one more")
    assert book.events[-1] == (4, "line: one more")


def test_a_part_that_stands_still_is_cancelled_and_started_again():
    supervisor, part, clock, book = made()

    async def script(tick):
        clock.s = 101
        assert supervisor.beat()
        await tick()
        assert part.runs == 2
        assert supervisor.beat()

    live(supervisor, script)
    assert supervisor.watches[0].restarts == 1
    assert book.events == [(4, "line: stands still")]


def test_the_watchdog_starves_only_when_starting_again_does_not_help():
    supervisor, part, clock, book = made()

    async def script(tick):
        fed = []
        for _ in range(4):
            clock.s = part.deadline_s + 1
            fed.append(supervisor.beat())
            await tick()
        assert fed == [True, True, False, False]
        assert book.flushes == 1

    with_panics(lambda: live(supervisor, script), ["line stands still"])


def test_work_done_in_between_forgives_standing_still():
    supervisor, part, clock, _ = made()

    async def script(tick):
        for _ in range(10):
            clock.s = part.deadline_s + 1
            assert supervisor.beat()
            await tick()
            part.turns += 1

    live(supervisor, script)
    assert part.runs == 11


def test_no_memory_again_and_again_restarts_the_node_in_good_order():
    supervisor, _, clock, book = made()
    Hal.resets = 0

    def run():
        for _ in range(2):
            supervisor.fault("uplink", MemoryError())
        assert not Hal.resets
        clock.s = 3600
        supervisor.beat()
        for _ in range(2):
            supervisor.fault("uplink", MemoryError())
        assert not Hal.resets
        supervisor.fault("uplink", MemoryError())
        assert Hal.resets == 1
        assert book.flushes == 1

    with_panics(run, ["uplink: out of memory, 3 times in an hour"])


def test_a_fault_that_cannot_be_journaled_does_not_end_the_part():
    supervisor, part, _, book = made(faults=2)

    def full(code, text):
        raise MemoryError

    book.event = full

    async def script(tick):
        await tick()

    live(supervisor, script)
    assert part.runs == 3


def test_a_restart_comes_even_when_its_reason_cannot_be_kept():
    supervisor, _, _, book = made()
    Hal.resets = 0

    def broken():
        raise MemoryError

    book.flush = broken
    try:
        supervisor.restart("out of memory")
    except MemoryError:
        pass
    assert Hal.resets == 1


def with_panics(run, expected):
    """Run something that keeps panics, and compare their texts."""
    from ram_flash import MOUNT, RamFlash

    from nuan_firmware import panic

    chip = RamFlash(16)
    chip.format()
    chip.mount()
    panic.PATH = MOUNT + "/panics"
    try:
        run()
        assert [line[6] for line in panic.read()] == expected
    finally:
        chip.unmount()


def test_healthy_is_told_once_when_every_vital_part_has_worked():
    supervisor, part, clock, _ = made()
    other = Part(clock)
    supervisor.add(other, is_vital=True)
    supervisor.add(Part(clock))
    told = []
    supervisor.on_healthy.append(lambda: told.append(clock.s))
    Hal.numbers["crashes"] = 3
    clock.s = 60
    part.turns = 1
    supervisor.beat()
    assert not told
    assert Hal.numbers["crashes"] == 3
    other.turns = 1
    supervisor.beat()
    supervisor.beat()
    assert told == [60]
    assert supervisor.is_healthy
    assert Hal.numbers["crashes"] == 0


def test_ten_minutes_without_a_fault_end_the_crashes_but_are_not_healthy():
    supervisor, _, clock, _ = made()
    Hal.numbers["crashes"] = 3
    clock.s = 60
    supervisor.beat()
    assert Hal.numbers["crashes"] == 3
    clock.s = 660
    supervisor.watches[0].part.deadline_s = 2000
    supervisor.beat()
    assert Hal.numbers["crashes"] == 0
    assert not supervisor.is_healthy


def test_a_fault_in_the_first_ten_minutes_leaves_the_crashes_counted():
    supervisor, part, clock, _ = made()
    Hal.numbers["crashes"] = 3
    supervisor.fault("line", "broken")
    part.deadline_s = 2000
    clock.s = 700
    supervisor.beat()
    assert Hal.numbers["crashes"] == 3


def test_months_without_a_network_do_not_add_up_to_a_row_of_crashes():
    supervisor, part, clock, _ = made()
    part.deadline_s = 1 << 29
    Hal.numbers["crashes"] = 4
    supervisor.fault("line", "late, 2 turns left out")
    clock.s = 21540
    supervisor.beat()
    assert Hal.numbers["crashes"] == 4
    clock.s = 21600
    supervisor.beat()
    assert Hal.numbers["crashes"] == 0
    assert not supervisor.is_healthy


def test_what_fails_at_a_beat_costs_the_others_nothing():
    supervisor, _, _, book = made()
    called = []

    def fail(now_s):
        raise ValueError("of ours")

    supervisor.on_beat.append(fail)
    supervisor.on_beat.append(called.append)
    assert supervisor.beat()
    assert called == [0]
    assert book.events == [(4, "beat: ValueError('of ours',)")]


def test_a_part_with_nothing_to_do_has_done_it():
    supervisor, part, clock, _ = made()

    async def nothing():
        pass

    part.run = nothing

    async def script(tick):
        clock.s = 1 << 20
        assert supervisor.beat()
        assert supervisor.is_healthy

    live(supervisor, script)
