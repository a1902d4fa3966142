import asyncio

from check_poller import READS, RS485, Time, broke, meter, slave
from config_kit import make_config
from serial_port import Book, Cycles, Port

from nuan_firmware.poller import Poller


def read(answer, turns):
    """(slot, uptime) of what a node with a sensor in slot 2 reads until it has gone through so
    many cycles, each turn or reading on its own being one."""
    clock = Time()
    seen = []

    class Kept(Book):
        def exchange(self, time, quality, bus, slot, *rest):
            seen.append((slot, clock.uptime()))

    meters = (meter(1, 1, 3600, READS[:1]), meter(2, 2, 3600, READS[:1]))
    poller = Poller(
        make_config(buses=(RS485,), meters=meters), 0, Port(answer), Kept(), clock, Cycles(turns),
        lambda *answer: None, broke,
    )  # fmt: skip
    poller.urgent = [1]
    try:
        asyncio.run(poller.run())
    except asyncio.CancelledError:
        pass
    return seen


def test_a_rooms_sensor_is_read_at_once_after_a_boot_and_not_within_the_hour():
    seen = read(slave, 2)
    assert seen[0] == (2, 0)
    assert [slot for slot, _ in seen] == [2, 1, 2]
    assert seen[1][1] > 0


def test_a_sensor_that_is_silent_after_a_boot_is_asked_again_before_the_hour():
    asked = []

    def starting(question):
        asked.append(question)
        return slave(question) if len(asked) > 3 else b""

    assert read(starting, 2) == [(2, 0), (1, 0), (2, 0)]
