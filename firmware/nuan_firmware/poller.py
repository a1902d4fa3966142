"""Reads the meters of one bus when they are due and journals every exchange, byte for byte.

A meter is due when UTC is a multiple of its period; those due at one instant are read in the order
of their slots. A meter that stays silent is asked once instead of three times, and then skips more
and more of its turns, so that it doesn't cost the living theirs.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.bus import Line
from nuan_protocols.mbus.frame import FRAME_BYTES_MAX
from nuan_protocols.mbus.master import ReadOut
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import EXCEPTION_BYTES, data_bytes, exception_code, read_request
from nuan_protocols.uplink.body import (
    EVENT_FAULT,
    RESULT_EXCEPTION,
    RESULT_NO_ANSWER,
    RESULT_OK,
    RESULT_UNREADABLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config, Meter
    from nuan_firmware.cycle import Cycle
    from nuan_firmware.hal import Port
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

_TRIES = const(3)
_MISSES_DEAD = const(3)
SKIPS_MAX = const(8)
# Without the gateway's time the meters are read all the same, by the seconds since boot.
_COLD_START_S = const(600)
_LATE_MS_MAX = const(300000)
_SLEEP_MS_MAX = const(300000)
_EXCHANGE_S_MAX = const(120)
_FCB_UNKNOWN = const(2)


class Poller:
    """One bus. `on_answer(slot, read, answer)` sees every good Modbus answer as it comes.

    `deadline_s` is the uptime by which the poller must have moved on; the supervisor watches it.
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
    ) -> None:
        self.name = config.buses[bus].name
        self.deadline_s = clock.uptime() + _COLD_START_S + _EXCHANGE_S_MAX
        self._bus = bus
        self._version = config.version
        self._meters = [meter for meter in config.meters if meter.bus == bus]
        self._periods = sorted({meter.every_s for meter in self._meters})
        self._journal = journal
        self._clock = clock
        self._cycle = cycle
        self._on_answer = on_answer
        self._misses = bytearray(len(self._meters))
        self._skips = bytearray(len(self._meters))
        self._line = Line(port, config.buses[bus].timeout_ms)
        self._is_mbus = config.buses[bus].protocol == "mbus"
        if self._is_mbus:
            self._frames = FrameReader()
            self._fcb = bytearray([_FCB_UNKNOWN] * len(self._meters))
        else:
            self._questions = [
                [read_request(meter.address, *read) for read in meter.reads]
                for meter in self._meters
            ]
            self._responses = ResponseReader()

    async def run(self) -> None:
        """Read the meters, for ever."""
        clock = self._clock
        if not self._periods:
            self.deadline_s = 1 << 29
            return
        await self._await_time()
        last, steps = clock.now(), clock.steps
        while True:
            if steps != clock.steps:
                last, steps = clock.now(), clock.steps
            due = min([(last // period + 1) * period for period in self._periods])
            wait_ms = clock.ms_until(due)
            if wait_ms > 0:
                wait_ms = min(wait_ms, _SLEEP_MS_MAX)
                self.deadline_s = clock.uptime() + wait_ms // 1000 + _EXCHANGE_S_MAX
                await asyncio.sleep_ms(wait_ms)
                continue
            last = due
            if wait_ms < -_LATE_MS_MAX:
                self._journal.event(EVENT_FAULT, self.name + ": late, turns left out")
                last = clock.now()
                continue
            self._cycle.begin()
            try:
                await self._turn(due)
            finally:
                self._cycle.end()

    def rest(self, seconds: int) -> None:
        """The supervisor starts it again after so many seconds."""
        self.deadline_s = self._clock.uptime() + seconds + _EXCHANGE_S_MAX

    async def _await_time(self) -> None:
        clock = self._clock
        if not clock.was_set.is_set():
            try:
                await asyncio.wait_for(clock.was_set.wait(), _COLD_START_S)
            except asyncio.TimeoutError:
                pass

    async def _turn(self, due: int) -> None:
        for index, meter in enumerate(self._meters):
            if due % meter.every_s:
                continue
            if self._skips[index]:
                self._skips[index] -= 1
                continue
            self.deadline_s = self._clock.uptime() + _EXCHANGE_S_MAX
            tries = _TRIES if self._misses[index] < _MISSES_DEAD else 1
            if self._is_mbus:
                answered = await self._read_mbus(index, meter, tries)
            else:
                answered = await self._read_modbus(index, meter, tries)
            self._count_miss(index, answered)

    def _count_miss(self, index: int, answered: bool) -> None:
        if answered:
            self._misses[index] = 0
            return
        misses = min(self._misses[index] + 1, _MISSES_DEAD + 4)
        self._misses[index] = misses
        if misses >= _MISSES_DEAD:
            self._skips[index] = min(SKIPS_MAX, (1 << misses - _MISSES_DEAD) - 1)

    async def _read_mbus(self, index: int, meter: "Meter", tries: int) -> bool:
        line, clock = self._line, self._clock
        fcb = self._fcb[index]
        readout = ReadOut(meter.address, self._frames, fcb == _FCB_UNKNOWN, fcb != 0, tries)
        self._fcb[index] = _FCB_UNKNOWN
        done = time = 0
        question = readout.request()
        while question is not None:
            time = clock.now()
            await line.send(question)
            size = len(question)
            if not await line.receive(readout.feed, lambda: readout.waiting, size, FRAME_BYTES_MAX):
                readout.timeout()
            if len(readout.exchanges) > done:
                asked, answer, tried = readout.exchanges[done]
                self._note(time, meter, done, RESULT_OK, tried, asked, answer)
                done += 1
            question = readout.request()
        if readout.result == RESULT_OK:
            self._fcb[index] = 1 if readout.fcb else 0
            return True
        raw = line.raw[: line.received] if readout.result == RESULT_UNREADABLE else b""
        self._note(time, meter, done, readout.result, readout.tries, readout.question, raw)
        return readout.result != RESULT_NO_ANSWER

    async def _read_modbus(self, index: int, meter: "Meter", tries: int) -> bool:
        alive = False
        for part, question in enumerate(self._questions[index]):
            answer_bytes = data_bytes(meter.reads[part][0], meter.reads[part][2]) + EXCEPTION_BYTES
            result = await self._ask_modbus(meter, part, question, tries, answer_bytes)
            if result == RESULT_NO_ANSWER:
                break
            alive = True
        return alive

    async def _ask_modbus(
        self, meter: "Meter", part: int, question: bytes, tries: int, answer_bytes: int
    ) -> int:
        line, reader = self._line, self._responses
        tried = time = 0
        answer = None
        while answer is None and tried < tries:
            tried += 1
            reader.expect(question)
            time = self._clock.now()
            await line.send(question)
            await line.receive(reader.feed, self._is_waiting, len(question), answer_bytes)
            answer = reader.next_frame()
        if answer is not None:
            result = RESULT_OK if exception_code(answer) is None else RESULT_EXCEPTION
            self._note(time, meter, part, result, tried, question, answer)
            if result == RESULT_OK:
                self._on_answer(meter.slot, part, answer)
            return result
        raw = bytes(line.raw[: line.received])
        # A line that only repeats the question has nobody answering on it.
        result = RESULT_UNREADABLE if raw and raw != question else RESULT_NO_ANSWER
        self._note(time, meter, part, result, tried, question, raw)
        return result

    def _is_waiting(self) -> bool:
        return self._responses.wanted() > 0

    def _note(
        self,
        time: int,
        meter: "Meter",
        part: int,
        result: int,
        tries: int,
        question: "Buffer",
        answer: "Buffer",
    ) -> None:
        self._journal.exchange(
            time,
            self._clock.quality(),
            self._bus,
            meter.slot,
            part,
            self._version,
            result,
            tries,
            question,
            answer,
        )
