"""Reads the meters of one bus when they are due and journals every exchange, byte for byte.

A meter is due when UTC is a multiple of its period (instants.py); those due at one instant are
read in the order of their slots. A meter that stays silent is asked once instead of three times,
and then skips more and more of its turns, so that it doesn't cost the living theirs.
"""

import asyncio
from array import array
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.bus import RAW_BYTES_MAX, Line
from nuan_firmware.instants import Instants
from nuan_firmware.masters import master
from nuan_protocols.uplink.body import (
    RESULT_NO_ANSWER,
    RESULT_OK,
    RESULT_UNREADABLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config, Meter
    from nuan_firmware.cycle import Cycle
    from nuan_firmware.hal.serial import Port
    from nuan_firmware.journal import Journal
    from nuan_protocols.readout import Exchange, ReadOut
    from nuan_protocols.uplink.keys import Buffer

_TRIES = const(3)
_MISSES_DEAD = const(3)
SKIPS_MAX = const(8)
# Without a time the meters are read all the same, by the seconds since boot. A gateway in reach has
# told it within two minutes, router and all; a node that loses its power again and again, or has
# no network, shall read at every start.
_COLD_START_S = const(120)
_SLEEP_MS_MAX = const(300000)
_EXCHANGE_S_MAX = const(120)
# An exchange is kept as a reference under its part and how many of the part came before.
_PARTS_MAX = const(16)
_FOLLOWS_MAX = const(16)
_QUESTION_BYTES_USUAL = const(18)
_TAKEN_LOOK_MS = const(20)


class Poller:
    """One bus. `on_answer(slot, read, answer)` sees every good answer as it comes.

    `deadline_s` is the uptime by which the poller must have moved on; the supervisor watches it.
    Of the meter at each place of `meters`: `misses` in a row, `results` of the last read + 1 (0:
    none since boot), and the uptime of it in `read_s`. `wrote` is the number journaled last.
    A tool may ask on `line` between borrow() and give_back(), until a turn `is_due`.
    """

    def __init__(
        self,
        config: "Config",
        bus: int,
        port: "Port",
        journal: "Journal",
        clock: "Clock",
        cycle: "Cycle",
        on_answer: "Callable[[int, int, Buffer], None]",
        on_fault: "Callable[[str, Exception | str], None]",
    ) -> None:
        self.name = config.buses[bus].name
        self.turns = 0
        # Exchanges since boot that came to nothing.
        self.unanswered = self.unreadable = 0
        self.deadline_s = clock.uptime() + _COLD_START_S + _EXCHANGE_S_MAX
        self._bus = bus
        self._version = config.version
        self.meters = [meter for meter in config.meters if meter.bus == bus]
        self._periods = {meter.every_s for meter in self.meters}
        self._journal = journal
        self._clock = clock
        self._cycle = cycle
        self._on_answer = on_answer
        self._on_fault = on_fault
        self.misses = bytearray(len(self.meters))
        self.results = bytearray(len(self.meters))
        self.read_s = array("I", bytes(4 * len(self.meters)))
        self.wrote = 0
        # Whether a turn waits for the line, and whether somebody has it.
        self.is_due = self._taken = False
        self._skips = bytearray(len(self.meters))
        self.line = Line(port, config.buses[bus].timeout_ms)
        self._usual = (config.buses[bus].baud, config.buses[bus].parity)
        self.master = master(config.buses[bus].protocol, len(self.meters))
        self._failed = False
        # Places of the meters to read at once after a boot, whatever time it is.
        self.urgent: "list[int]" = []
        # An update on trial is judged by a turn: it can't wait for meters that are due once a day.
        self.owes_turn = False
        self._instants: "Instants | None" = None
        self._unwritten: "tuple[int, int, Meter, int, Exchange] | None" = None

    async def run(self) -> None:
        """Read the meters, for ever."""
        clock = self._clock
        if not self._periods:
            self.deadline_s = 1 << 29
            return
        if self.owes_turn:
            # On trial everything is read at once anyway.
            self.urgent[:] = []
        while self.urgent:
            # Should it stay silent or fail, it is asked again with the turn that is owed then.
            self.owes_turn, owed = True, self.owes_turn
            index = self.urgent.pop(0)
            await self.read_one(index)
            self.owes_turn = owed or self.results[index] != RESULT_OK + 1
        if self._instants is None:
            await self._await_time()
            self._instants = Instants(clock, self._periods, self.owes_turn)
        instants = self._instants
        while True:
            wait_ms = min(instants.wait_ms(), _SLEEP_MS_MAX)
            if wait_ms > 0:
                self.deadline_s = clock.uptime() + wait_ms // 1000 + _EXCHANGE_S_MAX
                await asyncio.sleep_ms(wait_ms)
                continue
            due, late = instants.take()
            if late:
                self._on_fault(self.name, "late, %d turns left out" % late)
            self.is_due = True
            await self.borrow()
            self.is_due = False
            self._cycle.begin()
            try:
                await self._turn(due)
                self._write()
                self.turns += 1
            finally:
                self._cycle.end()
                self.give_back()

    def rest(self, seconds: int) -> None:
        """The supervisor starts it again after so many seconds."""
        self.deadline_s = self._clock.uptime() + seconds + _EXCHANGE_S_MAX

    async def _await_time(self) -> None:
        # Looked for, not waited for: asyncio's wait_for would take 1 KB of heap for good.
        left_s = _COLD_START_S
        while left_s and not self._clock.was_set.is_set():
            left_s -= 1
            await asyncio.sleep_ms(1000)

    async def _turn(self, due: "list[int]") -> None:
        for index, meter in enumerate(self.meters):
            if meter.every_s not in due:
                continue
            if self._skips[index]:
                self._skips[index] -= 1
                continue
            self.deadline_s = self._clock.uptime() + _EXCHANGE_S_MAX
            alive = False
            try:
                exchanges = (await self._ask(index, meter)).exchanges
                alive = not exchanges or exchanges[-1][1] != RESULT_NO_ANSWER
            except Exception as problem:
                # A fault of ours, or of this meter's making: those behind it are to be read.
                self._fail(meter, problem)
            finally:
                self._count_miss(index, alive)

    async def _ask(self, index: int, meter: "Meter", readout: "ReadOut | None" = None) -> "ReadOut":
        if readout is None:
            tries = _TRIES if self.misses[index] < _MISSES_DEAD else 1
            readout = self.master.begin(index, meter, tries)
        baud, parity = meter.way.line or self._usual
        self.line.port.set_line(baud, parity)
        await self._read(meter, readout)
        self.master.end(index, readout)
        self.results[index] = readout.result + 1
        self.read_s[index] = self._clock.uptime()
        return readout

    async def borrow(self) -> None:
        """Take the line, once nobody else has it: between two turns a tool may ask on it."""
        while self._taken:
            await asyncio.sleep_ms(_TAKEN_LOOK_MS)
        self._taken = True

    def give_back(self) -> None:
        """Let go of the line."""
        self._taken = False

    async def read_one(self, index: int, readout: "ReadOut | None" = None) -> "list[Exchange]":
        """Read one meter out of its turn, journaled like any; the exchanges, as they came.

        `readout` asks something else than usual of it.
        """
        await self.borrow()
        try:
            self._cycle.begin()
            try:
                exchanges = (await self._ask(index, self.meters[index], readout)).exchanges
                self._write()
            finally:
                self._cycle.end()
            if exchanges:
                exchanges[-1] = self._heard(exchanges[-1])
            return exchanges
        finally:
            self.give_back()

    def _count_miss(self, index: int, answered: bool) -> None:
        if answered:
            self.misses[index] = 0
            return
        misses = min(self.misses[index] + 1, _MISSES_DEAD + 4)
        self.misses[index] = misses
        if misses >= _MISSES_DEAD:
            self._skips[index] = min(SKIPS_MAX, (1 << misses - _MISSES_DEAD) - 1)

    async def _read(self, meter: "Meter", readout: "ReadOut") -> None:
        """One meter's turn."""
        line, clock, exchanges = self.line, self._clock, readout.exchanges
        done = 0
        question = readout.request()
        while question is not None:
            # Whoever waits for the line moves on as long as the meter does.
            deadline_s = clock.uptime() + _EXCHANGE_S_MAX
            self.deadline_s = max(self.deadline_s, deadline_s)
            # The clock may be set while the meter answers: its time and quality are of one moment.
            time, quality = clock.now(), clock.quality()
            await line.send(question, self.master.quiet_ms(line.port, self._failed), readout)
            # The meter takes its time to answer: time to journal what the last one said.
            self._write()
            self._failed = not await line.receive(readout)
            if len(exchanges) > done:
                exchange = exchanges[done]
                done += 1
                told = self._heard(exchange)
                self._unwritten = (time, quality, meter, reference(exchanges), told)
            question = readout.request()

    def _heard(self, exchange: "Exchange") -> "Exchange":
        """The exchange, with what came instead of an answer."""
        part, result, tries, question = exchange[:4]
        if result != RESULT_UNREADABLE:
            return exchange
        line = self.line
        room = RAW_BYTES_MAX - max(0, len(question) - _QUESTION_BYTES_USUAL)
        return part, result, tries, question, bytes(line.raw[: min(line.received, room)])

    def _write(self) -> None:
        """Journal the exchange that is over, and hand on what the meter has said."""
        if self._unwritten is None:
            return
        time, quality, meter, reference, exchange = self._unwritten
        self._unwritten = None
        part, result, tries, question, answer = exchange
        self.unanswered += result == RESULT_NO_ANSWER
        self.unreadable += result == RESULT_UNREADABLE
        try:
            self.wrote = self._journal.seq
            self._journal.exchange(
                time,
                quality,
                self._bus,
                meter.slot,
                reference,
                self._version,
                result,
                tries,
                question,
                answer,
            )
            if result == RESULT_OK:
                self._on_answer(meter.slot, part, answer)
        except Exception as problem:
            # The next meter has the line already: its turn isn't to end with this.
            self._fail(meter, problem)

    def _fail(self, meter: "Meter", problem: Exception) -> None:
        self._on_fault("%s, slot %d" % (self.name, meter.slot), problem)


def reference(exchanges: "list[Exchange]") -> int:
    """The number under which the journal looks for what the meter said last time, -1: none."""
    part = exchanges[-1][0]
    follows = -1
    for exchange in exchanges:
        follows += exchange[0] == part
    return follows * _PARTS_MAX + part if follows < _FOLLOWS_MAX and part < _PARTS_MAX else -1
