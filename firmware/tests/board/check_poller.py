import asyncio

from config_kit import make_config
from serial_port import ACK, Book, Cycles, Port, Uart, modbus, telegram

from nuan_firmware.bus import Line
from nuan_firmware.config import Bus, Meter, Way
from nuan_firmware.poller import SKIPS_MAX, Poller

MBUS = Bus("mbus", "mbus", 1, 17, 16, -1, 2400, "E", 30)
RS485 = Bus("rs485", "modbus", 2, 25, 26, 27, 9600, "N", 30)
NOW = 1762000000 // 900 * 900 + 899


class Time:
    """A clock whose seconds pass when the poller sleeps them away."""

    def __init__(self):
        self.s = NOW
        self.steps = 0
        self.was_set = asyncio.Event()
        self.was_set.set()

    def now(self):
        return self.s

    def uptime(self):
        return self.s - NOW

    def quality(self):
        return 2

    def ms_until(self, instant):
        # The poller is to sleep a millisecond, and find the instant there.
        if instant <= self.s:
            return 0
        self.s = instant
        return 1


def broke(name, problem):
    raise problem


def poll(bus, meters, answer, turns, on_answer=None, split=0, clock=None):
    """Let a poller live for some turns; its journal and its port."""
    book, port = Book(), Port(answer)
    port.uart.split(split)
    config = make_config(buses=(bus,), meters=tuple(meters))
    answers = []
    poller = Poller(
        config,
        0,
        port,
        book,
        clock or Time(),
        Cycles(turns),
        on_answer or (lambda *answer: answers.append(answer)),
        broke,
    )
    try:
        asyncio.run(poller.run())
    except asyncio.CancelledError:
        pass
    return book, port


def meter(slot, address=1, every_s=900, reads=(), line=None, extra=-1):
    return Meter(slot, 0, address, every_s, Way(reads, line, extra))


class MbusMeters:
    """Meters at the given addresses that keep to the frame count bit."""

    def __init__(self, *addresses, telegrams=1):
        self.number = dict.fromkeys(addresses, 0)
        self.bit = dict.fromkeys(addresses, None)
        self.telegrams = telegrams
        self.lose = 0

    def __call__(self, question):
        control, address = question[1], question[2]
        if address not in self.number:
            return b""
        if control == 0x40:
            self.bit[address] = None
            return ACK
        if self.bit[address] != control & 0x20:
            self.number[address] += 1
        self.bit[address] = control & 0x20
        if self.lose:
            self.lose -= 1
            return b""
        number = self.number[address]
        return telegram(address, number, number % self.telegrams != 0)


def test_meters_are_read_in_slot_order_when_due():
    meters = [meter(1, 1, 3600), meter(2, 2, 900), meter(3, 3, 1800)]
    book, _ = poll(MBUS, meters, MbusMeters(1, 2, 3), 4)
    # NOW is the last second before a multiple of 900 s.
    first = (NOW + 1) // 900
    due = [
        slot
        for turn in range(first, first + 4)
        for slot, every in ((1, 4), (2, 1), (3, 2))
        if turn % every == 0
    ]
    assert [exchange[0] for exchange in book.exchanges] == due


def test_the_first_reading_resets_the_link_and_the_next_go_on_with_the_bit():
    book, port = poll(MBUS, [meter(1)], MbusMeters(1), 3)
    assert [question[1] for question in port.uart.asked] == [0x40, 0x7B, 0x5B, 0x7B]
    assert [exchange[5] for exchange in book.exchanges] == [telegram(1, n) for n in (1, 2, 3)]
    assert all(exchange[2:4] == (0, 1) for exchange in book.exchanges)


def test_every_telegram_of_a_meter_is_an_entry_of_its_own():
    book, _ = poll(MBUS, [meter(1)], MbusMeters(1, telegrams=3), 2)
    assert [exchange[1] for exchange in book.exchanges] == [0, 1, 2, 0, 1, 2]


def test_an_answer_in_pieces_is_one_answer():
    for size in (1, 2, 7, 30):
        book, _ = poll(MBUS, [meter(1)], MbusMeters(1), 1, split=size)
        assert book.exchanges[0][5] == telegram(1, 1)


def test_a_lost_answer_is_asked_for_again_with_the_same_bit():
    meters = MbusMeters(1)
    meters.lose = 1
    book, port = poll(MBUS, [meter(1)], meters, 1)
    assert [question[1] for question in port.uart.asked] == [0x40, 0x7B, 0x7B]
    assert book.exchanges == [(1, 0, 0, 2, port.uart.asked[1], telegram(1, 1))]


def test_a_silent_meter_is_journaled_with_its_tries():
    book, port = poll(MBUS, [meter(1)], MbusMeters(), 1)
    assert book.exchanges == [(1, 0, 1, 3, port.uart.asked[0], b"")]


def test_a_silent_meter_is_asked_less_and_less_but_never_given_up():
    book, _ = poll(MBUS, [meter(1), meter(2, 2)], MbusMeters(2), 60)
    living = [exchange for exchange in book.exchanges if exchange[0] == 2]
    silent = [exchange for exchange in book.exchanges if exchange[0] == 1]
    assert len(living) == 60
    assert [exchange[3] for exchange in silent][:5] == [3, 3, 3, 1, 1]
    turns = [
        sum(1 for e in book.exchanges[:i] if e[0] == 2)
        for i, exchange in enumerate(book.exchanges)
        if exchange[0] == 1
    ]
    gaps = [turns[i + 1] - turns[i] for i in range(len(turns) - 1)]
    assert gaps[:6] == [1, 1, 1, 2, 4, 8]
    assert max(gaps) == SKIPS_MAX + 1


def test_a_meter_that_makes_our_code_fail_leaves_turns_to_those_behind_it():
    def fail_for_slot_1(slot, read, answer):
        if slot == 1:
            raise ValueError("of ours")

    book, port = Book(), Port(slave)
    meters = (meter(1, 1, 900, READS), meter(2, 2, 900, READS))
    config = make_config(buses=(RS485,), meters=meters)
    faults = []
    poller = Poller(
        config,
        0,
        port,
        book,
        Time(),
        Cycles(30),
        fail_for_slot_1,
        lambda name, problem: faults.append((name, problem.args)),
    )
    try:
        asyncio.run(poller.run())
    except asyncio.CancelledError:
        pass
    slots = [exchange[0] for exchange in book.exchanges]
    assert slots == [1, 1, 2, 2] * 30, slots
    assert faults == [("rs485, slot 1", ("of ours",))] * 60, faults[:3]
    assert poller.turns == 30


def test_a_meter_that_comes_back_is_read_every_turn_again():
    late = MbusMeters(1)
    count = [0]

    def answer(question):
        count[0] += 1
        return late(question) if count[0] > 10 else b""

    book, _ = poll(MBUS, [meter(1)], answer, 30)
    results = [exchange[2] for exchange in book.exchanges]
    assert results.index(0) <= 6
    assert results[-10:] == [0] * 10


def test_noise_alone_is_unreadable_and_kept():
    book, port = poll(
        MBUS, [meter(1)], lambda q: ACK if q[1] == 0x40 else b"\x68\x05\x05\x68\x08", 1
    )
    assert book.exchanges == [(1, 0, 2, 3, port.uart.asked[1], b"\x68\x05\x05\x68\x08")]


READS = ((3, 8192, 2), (4, 1, 1))


def slave(question):
    data = bytes((question[3], question[5])) * question[5]
    return modbus(question[0], question[1], data)


def test_every_modbus_read_is_an_entry_and_is_shown_to_the_zones():
    shown = []
    book, port = poll(
        RS485, [meter(5, 1, 900, READS)], slave, 2, on_answer=lambda *seen: shown.append(seen)
    )
    assert [exchange[:4] for exchange in book.exchanges] == [(5, 0, 0, 1), (5, 1, 0, 1)] * 2
    assert [seen[:2] for seen in shown] == [(5, 0), (5, 1)] * 2
    assert bytes(shown[1][2]) == slave(port.uart.asked[1])
    assert port.driven == [True, False] * 4


def test_the_own_echo_is_no_answer():
    book, _ = poll(RS485, [meter(5, 1, 900, READS)], lambda question: question, 1)
    assert [exchange[:4] for exchange in book.exchanges] == [(5, 0, 1, 3)]
    book, _ = poll(RS485, [meter(5, 1, 900, READS)], lambda question: question + slave(question), 1)
    assert [exchange[2] for exchange in book.exchanges] == [0, 0]


def test_an_exception_answer_is_kept_and_not_asked_again():
    def refuse(question):
        answer = modbus(question[0], question[1], b"")
        return answer if question[1] == 4 else exception(question)

    shown = []
    book, _ = poll(RS485, [meter(5, 1, 900, READS)], refuse, 1, lambda *seen: shown.append(seen))
    assert book.exchanges[0][2:4] == (3, 1)
    assert book.exchanges[0][5] == exception(b"\x01\x03")
    assert shown == []


def exception(question):
    from nuan_protocols.checksum import crc16_modbus

    frame = bytes((question[0], question[1] | 0x80, 2))
    return frame + crc16_modbus(frame).to_bytes(2, "little")


def test_a_damaged_answer_is_asked_for_again():
    left = [2]

    def damage(question):
        answer = bytearray(slave(question))
        if left[0]:
            left[0] -= 1
            answer[4] ^= 1
        return bytes(answer)

    book, _ = poll(RS485, [meter(5, 1, 900, READS)], damage, 1)
    assert [exchange[2:4] for exchange in book.exchanges] == [(0, 3), (0, 1)]


def stepped(back_s, turns):
    """The seconds at which a meter was read, when the clock stepped back during the second turn."""
    clock = Time()
    times = []

    def answer(question):
        times.append(clock.s - NOW)
        if len(times) == 2:
            clock.s -= back_s
            clock.steps += 1
        return slave(question)

    poll(RS485, [meter(5, 1, 900, READS[:1])], answer, turns, clock=clock)
    return times


def test_after_a_step_back_what_was_read_is_not_read_again():
    assert stepped(3600, 3) == [1, 901, 1801]


def test_after_a_step_far_back_the_schedule_begins_anew():
    assert stepped(7200, 4) == [1, 901, 901 - 7200 + 900, 901 - 7200 + 1800]


def test_after_a_step_forward_what_was_skipped_is_read_once():
    assert stepped(-7250, 4) == [1, 901, 8151, 9001]


def test_a_clock_that_is_set_while_a_meter_answers_leaves_time_and_quality_of_one_moment():
    class Unset(Time):
        is_set = False

        def quality(self):
            return 2 if self.is_set else 0

    clock = Unset()
    seen = []

    def answer(question):
        clock.is_set = True
        clock.s += 1000000000
        return slave(question)

    class Kept(Book):
        def exchange(self, time, quality, *rest):
            seen.append((time - NOW, quality))

    poller = Poller(
        make_config(buses=(RS485,), meters=(meter(5, 1, 900, READS[:1]),)),
        0, Port(answer), Kept(), clock, Cycles(1), lambda *answer: None, broke,
    )  # fmt: skip
    try:
        asyncio.run(poller.run())
    except asyncio.CancelledError:
        pass
    assert seen == [(1, 0)]


def test_a_bus_without_meters_has_nothing_to_do():
    book, _ = poll(RS485, [], slave, 1)
    assert book.exchanges == []


def test_a_meters_own_line_is_set_for_its_turn_only():
    meters = [
        meter(1, 1, 900, READS[:1]),
        meter(2, 2, 900, READS[:1], line=(2400, "E")),
        meter(3, 3, 900, READS[:1]),
        meter(4, 4, 900, READS[:1]),
    ]
    _, port = poll(RS485, meters, slave, 2)
    assert port.lines == [(9600, "N"), (2400, "E"), (9600, "N"), (2400, "E"), (9600, "N")]


def test_after_several_telegrams_the_link_is_reset_again():
    book, port = poll(MBUS, [meter(1)], MbusMeters(1, telegrams=2), 2)
    assert [exchange[1] for exchange in book.exchanges] == [0, 1, 0, 1]
    assert [question[1] for question in port.uart.asked] == [0x40, 0x7B, 0x5B] * 2


def test_an_application_reset_goes_before_each_reading():
    def answer(question):
        return telegram(1, 1) if question[0] == 0x10 and question[1] != 0x40 else ACK

    _, port = poll(MBUS, [meter(1, extra=0x10)], answer, 2)
    resets = [question for question in port.uart.asked if question[0] == 0x68]
    assert [(reset[4], reset[6], reset[7]) for reset in resets] == [(0x53, 0x50, 0x10)] * 2
    # A meter that counts one bit for all that is sent would take 53, 5B for a repetition.
    controls = [question[4 if question[0] == 0x68 else 1] for question in port.uart.asked]
    assert controls == [0x40, 0x53, 0x7B] * 2


class Broken:
    """A read-out whose reader fails."""

    question = b"?"
    waiting = True

    def answer_bytes_max(self):
        return 1

    def feed(self, data, size):
        raise ValueError("seen")


def test_a_fault_of_the_reader_is_the_askers():
    line = Line(Port(lambda question: b"!"), 1000)

    async def ask():
        await line.send(b"?", 0, Broken())
        await line.receive(Broken())

    told = ""
    try:
        asyncio.run(ask())
    except ValueError as problem:
        told = str(problem)
    assert told == "seen"


class FaultyUart(Uart):
    """A port that fails once."""

    faults = 1

    def readinto(self, target):
        if self.faults:
            self.faults -= 1
            raise OSError(5)
        return super().readinto(target)


class Hearing(Broken):
    """A read-out that is content with any byte."""

    def feed(self, data, size):
        self.waiting = False


def test_after_a_fault_of_the_port_the_line_listens_again():
    port = Port(lambda question: b"!")
    port.uart = FaultyUart(lambda question: b"!")
    port.drain = lambda into: None
    line = Line(port, 1000)
    told = []

    async def ask():
        for _ in range(2):
            readout = Hearing()
            try:
                await line.send(b"?", 0, readout)
                told.append(await line.receive(readout))
            except OSError as problem:
                told.append(problem.errno)

    asyncio.run(ask())
    assert told == [5, True]


class QuietUart(Uart):
    """A port without a file behind it, asked by poll() like a board's."""

    def ioctl(self, request, mask):
        return super().ioctl(request, mask) if request == 3 else -22


def test_an_answer_that_came_while_the_program_was_busy_is_taken():
    import time

    port = Port(lambda question: b"")
    port.uart = QuietUart(lambda question: b"")
    line = Line(port, 20)
    told = []

    async def busy():
        # A name is looked up, or a segment thinned: longer than any answer takes.
        await asyncio.sleep_ms(5)
        time.sleep_ms(60)

    async def ask():
        readout = Hearing()
        await line.send(b"?", 0, readout)
        task = asyncio.create_task(busy())
        late = asyncio.create_task(arrive())
        told.append(await line.receive(readout))
        await task
        await late

    async def arrive():
        await asyncio.sleep_ms(5)
        port.uart._waiting = b"!"

    asyncio.run(ask())
    assert told == [True]


def test_whoever_waits_for_a_slow_meter_moves_on_with_each_exchange():
    clock = Time()
    clock.seconds = 0
    clock.uptime = lambda: clock.seconds
    deadlines = []

    def slow(question):
        clock.seconds += 100
        deadlines.append(poller.deadline_s - clock.seconds)
        return modbus(1, 3, b"\0\1")

    reads = tuple([(3, register, 1) for register in range(6)])
    config = make_config(buses=(RS485,), meters=(meter(1, 1, 900, reads),))
    taken = []
    poller = Poller(
        config, 0, Port(slow), Book(), clock, Cycles(9), lambda *answer: taken.append(answer), broke
    )
    asyncio.run(poller.read_one(0))
    assert len(taken) == 6
    assert min(deadlines) >= 0


def test_what_is_said_in_several_frames_has_a_reference_for_each():
    from nuan_firmware.poller import reference

    parts = [(0,), (0,), (1,), (1,), (1,)]
    numbers = [reference(parts[: count + 1]) for count in range(len(parts))]
    assert numbers == [0, 16, 1, 17, 33]
    assert reference([(3,)] * 17) == -1


def test_noise_never_overflows_the_entry():
    book, _ = poll(RS485, [meter(5, 1, 900, READS[:1])], lambda question: b"\xaa" * 600, 1)
    assert book.exchanges[0][2] == 2
    assert len(book.exchanges[0][5]) == 261
