"""The shims on the genuine VM: each test is a board program and what the world sees of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nuan_emulator import flash
from nuan_emulator.errors import NodeCrashLoopError, NodeDiedError
from nuan_emulator.node import BOOT_MS, Node
from nuan_emulator.node_spec import SHIMS_KB, BoardCost
from nuan_emulator.world import World

AddBoard = Callable[..., tuple[World, Node]]
DAY_MS = 86_400_000
FOREVER = "\nwhile True:\n    time.sleep(3600)\n"


class Answering:
    """A line that answers every request after a fixed time."""

    def __init__(self, answer: bytes, after_ms: int, baud: int = 2400) -> None:
        self.answer = answer
        self.after_ms = after_ms
        self.baud = baud
        self.asked: list[tuple[int, bytes]] = []

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        self.asked.append((start_ms, request))
        return [(start_ms + self.after_ms, self.answer)]


def lines(node: Node) -> list[str]:
    return node.console_tail().splitlines()


def test_the_clock_is_unset_whole_seconds_and_counts_from_2000(add_board: AddBoard) -> None:
    program = """
import time, machine
print(time.time(), time.gmtime(0), machine.RTC().datetime())
time.sleep_ms(2500)
print(time.time(), machine.RTC().datetime()[6:], time.mktime((2026, 11, 1, 0, 0, 0, 0, 0)))
machine.RTC().datetime((2026, 11, 1, 0, 1, 2, 3, 600000))
print(time.time(), type(time.time()), time.localtime()[:6])
time.sleep_ms(500)
print(machine.RTC().datetime()[3:])
"""
    world, node = add_board(program + FOREVER)
    world.run_until(world.now_ms + 10_000)
    assert lines(node) == [
        "0 (2000, 1, 1, 0, 0, 0, 5, 1) (2000, 1, 1, 5, 0, 0, 0, 0)",
        "2 (2, 500000) 846806400",
        "846810123 <class 'int'> (2026, 11, 1, 1, 2, 3)",
        "(6, 1, 2, 4, 100000)",
    ]


def test_asyncio_keeps_periods_over_weeks_and_across_the_wrap_of_ticks(
    add_board: AddBoard,
) -> None:
    program = """
import asyncio, time

async def tick(period, name):
    last = time.ticks_ms()
    count = 0
    while True:
        await asyncio.sleep_ms(period)
        now = time.ticks_ms()
        if time.ticks_diff(now, last) != period:
            print(name, "late", time.ticks_diff(now, last))
        last = now
        count += 1
        if count * period % 864000000 == 0:
            print(name, count)

async def patience():
    while True:
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 40000)
        except asyncio.TimeoutError:
            pass

async def main():
    asyncio.create_task(tick(60000, "a"))
    asyncio.create_task(tick(7 * 3600000 // 7, "b"))
    asyncio.create_task(patience())
    await tick(86400000, "c")

asyncio.run(main())
"""
    world, node = add_board(program)
    world.run_until(world.now_ms + 31 * DAY_MS)
    day = [["a 14400", "b 240", "c 10"], ["a 28800", "b 480", "c 20"], ["a 43200", "b 720", "c 30"]]
    assert sorted(lines(node)) == sorted(sum(day, []))  # noqa: RUF017


def test_a_uart_answer_is_one_event_when_timeout_char_covers_a_character(
    add_board: AddBoard,
) -> None:
    program = """
import asyncio, machine, time

async def main():
    for timeout_char in (6, 0):
        uart = machine.UART(1, 2400, bits=8, parity=0, stop=1, tx=17, rx=16,
                            rxbuf=512, timeout_char=timeout_char)
        stream = asyncio.StreamReader(uart)
        start = time.ticks_ms()
        print(uart.write(b"ask"), uart.txdone())
        pieces = []
        while sum(len(p) for p in pieces) < 6:
            pieces.append(await stream.read(100))
        print(len(pieces), b"".join(pieces), time.ticks_diff(time.ticks_ms(), start))
        print(uart.txdone(), uart.any(), uart.read())
    await asyncio.sleep(100000)

asyncio.run(main())
"""
    line = Answering(b"answer", 300)
    world, node = add_board(program, lines={1: line})
    world.run_until(world.now_ms + 5_000)
    # 11 bits at 2400 baud are 4.6 ms: buffered, the board hears of it one silent character later.
    assert lines(node) == [
        "3 False", "1 b'answer' 305", "True 0 None",
        "3 False", "6 b'answer' 300", "True 0 None",
    ]  # fmt: skip
    assert [request for _, request in line.asked] == [b"ask", b"ask"]


def test_a_receive_buffer_overflows_like_the_boards(add_board: AddBoard) -> None:
    program = """
import machine, time
uart = machine.UART(2, 9600, timeout_char=3)
uart.write(b"?")
uart.flush()
time.sleep_ms(1000)
print(uart.any(), uart.read(4), uart.any(), len(uart.read()), uart.any())
uart = machine.UART(2, 9600, timeout=700, timeout_char=3)
start = time.ticks_ms()
uart.write(b"?")
print(len(uart.read(10)), time.ticks_diff(time.ticks_ms(), start))
"""
    world, node = add_board(
        program + FOREVER, lines={2: Answering(bytes(range(256)) + b"lost", 400, 9600)}
    )
    world.run_until(world.now_ms + 5_000)
    assert lines(node) == ["256 b'\\x00\\x01\\x02\\x03' 252 252 0", "10 255"]


def test_a_line_that_is_not_driven_or_has_another_baud_rate_hears_nothing(
    add_board: AddBoard,
) -> None:
    program = """
import machine, time
driver = machine.Pin(27, machine.Pin.OUT, value=0)
uart = machine.UART(2, 9600, timeout_char=3)
def ask():
    uart.write(b"12345678")
    uart.flush()
    driver.off()
    time.sleep_ms(100)
    print(uart.any())
    uart.read()
ask()
driver.on()
ask()
uart.init(19200, timeout_char=3)
driver.on()
ask()
"""
    config = {"buses": [{"uart": 2, "de": 27}]}
    world, node = add_board(
        program + FOREVER, lines={2: Answering(b"abc", 50, 9600)}, config=config
    )
    world.run_until(world.now_ms + 5_000)
    assert lines(node) == ["0", "3", "0"]
    port = node.ports[2]
    assert (port.exchanges, port.unheard, port.cut_off, port.drowned) == (3, 2, 0, 0)


def test_letting_go_of_the_line_too_early_or_too_late_is_noticed(add_board: AddBoard) -> None:
    program = """
import machine, time
driver = machine.Pin(27, machine.Pin.OUT, value=0)
uart = machine.UART(2, 9600, timeout_char=3)
for wait in (2, 60):
    driver.on()
    uart.write(b"12345678")
    time.sleep_ms(wait)
    driver.off()
    time.sleep_ms(1000)
"""
    config = {"buses": [{"uart": 2, "de": 27}]}
    world, node = add_board(
        program + FOREVER, lines={2: Answering(b"abc", 50, 9600)}, config=config
    )
    world.run_until(world.now_ms + 5_000)
    assert (node.ports[2].cut_off, node.ports[2].drowned) == (1, 1)


def test_outputs_reach_the_world_with_their_times_and_inputs_the_board(
    add_board: AddBoard,
) -> None:
    program = """
import machine, time
valve = machine.Pin(33, machine.Pin.OUT, value=0)
sensor = machine.Pin(4, machine.Pin.IN)
time.sleep(10)
valve.on()
valve.value(1)
time.sleep(10)
valve(0)
time.sleep(10)
print(valve.value(), sensor.value())
"""
    seen: list[tuple[int, int]] = []
    world, node = add_board(
        program + FOREVER, pins={33: lambda value, now_ms: seen.append((value, now_ms))}
    )
    begin_ms = world.now_ms + BOOT_MS
    world.at(begin_ms + 25_000, lambda: node.set_pin(4, 1))
    world.run_until(begin_ms + 60_000)
    assert seen == [(0, begin_ms), (1, begin_ms + 10_000), (0, begin_ms + 20_000)]
    assert lines(node) == ["0 1"]


def test_a_reset_keeps_clock_and_store_a_power_cut_only_the_committed_store(
    add_board: AddBoard,
) -> None:
    program = """
import esp32, machine, os, time
store = esp32.NVS("test")
try:
    boots = store.get_i32("boots")
except OSError as error:
    print(error.errno)
    boots = 0
blob = bytearray(8)
print(machine.reset_cause(), boots, time.time(), esp32.NVS("nuan").get_blob("word", blob), blob)
store.set_i32("boots", -5 + boots)
store.commit()
store.set_i32("boots", 77)
if boots == 0:
    machine.RTC().datetime((2026, 1, 1, 0, 0, 0, 0, 0))
    machine.reset()
"""
    world, node = add_board(program + FOREVER, nvs={"nuan/word": b"hello"})
    world.run_until(world.now_ms + 60_000)
    node.kill()
    assert not node.running
    node.restart()
    world.run_until(world.now_ms + 60_000)
    word = "5 bytearray(b'hello\\x00\\x00\\x00')"
    since_2000 = 820_540_800
    assert lines(node) == [
        "-4354", f"1 0 0 {word}", f"2 -5 {since_2000 + 1} {word}", f"1 -10 0 {word}"
    ]  # fmt: skip
    assert [reset.cause for reset in node.resets] == [2]


def test_the_watchdog_bites_in_virtual_time(add_board: AddBoard) -> None:
    program = """
import asyncio, machine
print(machine.reset_cause())

async def main():
    watchdog = machine.WDT(timeout=60000)
    for _ in range(10):
        await asyncio.sleep(59)
        watchdog.feed()
    await asyncio.sleep(3600)

asyncio.run(main())
"""
    world, node = add_board(program)
    begin_ms = world.now_ms
    world.run_until(begin_ms + 660_000)
    assert lines(node) == ["1", "3"]
    assert [(r.at_ms - begin_ms, r.cause) for r in node.resets] == [(BOOT_MS + 650_000, 3)]


def test_a_board_that_resets_for_ever_ends_the_run(add_board: AddBoard) -> None:
    world, _ = add_board("import machine, time\nprint('again')\ntime.sleep(5)\nmachine.reset()\n")
    with pytest.raises(NodeCrashLoopError, match="again"):
        world.run_until(world.now_ms + DAY_MS)


def test_a_program_that_crashes_is_shown_with_its_traceback(add_board: AddBoard) -> None:
    world, _ = add_board("import time\ntime.sleep(5)\nraise ValueError('no such valve')\n")
    with pytest.raises(NodeDiedError, match="no such valve"):
        world.run_until(world.now_ms + DAY_MS)


def test_randomness_comes_from_the_world(add_board: AddBoard) -> None:
    program = "import os, random, time\nprint(os.urandom(8), random.getrandbits(30))\n" + FOREVER
    shown = []
    for seed in (1, 1, 2):
        world, node = add_board(program, seed=seed)
        world.run_until(world.now_ms + 5_000)
        shown.append(node.console_tail())
    assert shown[0] == shown[1] != shown[2]
    node.kill()
    node.restart()
    world.run_until(world.now_ms + 5_000)
    first, second = lines(node)
    assert first != second


def test_files_on_the_board_are_littlefs_and_outlive_the_power(
    add_board: AddBoard, vm: Path
) -> None:
    program = """
import os, time
print(os.listdir("/"), os.statvfs("/")[:3], os.getcwd())
try:
    os.mkdir("/log")
except OSError:
    pass
with open("/log/a", "ab") as file:
    file.write(b"line")
"""
    world, node = add_board(program + FOREVER, config={"name": "阳泉"})
    world.run_until(world.now_ms + 5_000)
    node.kill()
    node.restart()
    world.run_until(world.now_ms + 5_000)
    node.kill()
    assert lines(node) == [
        "['shims', 'config.json', 'main.py'] (4096, 4096, 240) /",
        "['shims', 'config.json', 'log', 'main.py'] (4096, 4096, 240) /",
    ]
    files = flash.read_files(vm, node.stage, node.spec.image)
    del files["/main.py"]
    assert files == {"/config.json": '{"name": "阳泉"}'.encode(), "/log/a": b"lineline"}


def test_the_power_fails_in_the_middle_of_any_flash_operation(
    add_board: AddBoard, vm: Path
) -> None:
    program = """
import os, time
for number in range(400):
    with open("/new", "wb") as file:
        file.write(b"%d " % number * 40)
    os.rename("/new", "/state")
    time.sleep(1)
"""
    world, node = add_board(program + FOREVER)
    seen = set()
    for operation in range(1, 60):
        node.power_cut(operation)
        world.run_until(world.now_ms + 60_000)
        assert node.power_lost_at_ms
        assert not node.running
        state = flash.read_files(vm, node.stage, node.spec.image).get("/state", b"")
        words = state.split()
        assert len(set(words)) <= 1
        assert len(words) in {0, 40}
        seen.add(state)
        node.restart()
    assert len(seen) > 3


def test_the_heap_is_measured_with_its_largest_free_block(add_board: AddBoard) -> None:
    program = """
import time
kept = []
for _ in range(10):
    time.sleep(10)
    kept.append(bytearray(2048))
"""
    world, node = add_board(program + FOREVER, heap_kb=96)
    world.run_until(world.now_ms + 5_000)
    before = node.heap()
    world.run_until(world.now_ms + 200_000)
    after = node.heap()
    assert 10 * 2048 <= after.live - before.live < 10 * 2048 + 600
    assert after.largest_free < before.largest_free <= before.free
    assert 12_000 < before.shims < 26_000
    assert before.live + before.free <= (96 + SHIMS_KB) * 1024


WORKING = (
    """
import time, machine
pin = machine.Pin(5, machine.Pin.OUT, value=0)
before = time.ticks_ms()
total = 0
for number in range(20000):
    total += number
pin.value(1)
with open("/file", "wb") as file:
    file.write(bytes(4096))
pin.value(0)
print(time.ticks_diff(time.ticks_ms(), before) > 0)
"""
    + FOREVER
)


@pytest.mark.parametrize("charged", [False, True])
def test_work_takes_virtual_time_on_a_board_with_a_cost(add_board: AddBoard, charged: bool) -> None:
    seen: list[tuple[int, int]] = []
    cost = BoardCost(cpu_permille=100_000, erase_us=50_000, page_us=1_000, read_us=100)
    world, node = add_board(
        WORKING,
        pins={5: lambda level, at_ms: seen.append((level, at_ms))},
        cost=cost if charged else None,
    )
    world.run_until(world.now_ms + 10_000)
    report = node.heap()
    (_, began_ms), (_, worked_ms), (_, stored_ms) = seen
    assert lines(node)[0] == str(charged)
    if charged:
        assert worked_ms > began_ms
        # 4096 bytes are sixteen pages, and a block or more to erase.
        assert stored_ms - worked_ms >= 16 + 50
        assert report.cpu_us > 0
        assert report.flash_us >= 16_000 + 50_000
    else:
        assert began_ms == worked_ms == stored_ms
        assert (report.cpu_us, report.flash_us) == (0, 0)
