"""One half-duplex line with true timing: what a master sees after it sent a request.

    request  |--- n characters ---|
    device                         |- reaction -|--- answer ---|
    master   [echo at its end]                                 [burst at its end]

Times are computed in whole microseconds from the baud rate and rounded up to milliseconds. The
reaction is drawn from the device's window, with one generator per device.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from nuan_emulator.faults import Burst, LineFaults
from nuan_emulator.meters.device import Device, Tunable

STALE_FRAMES_MAX = 4
REQUESTS_REMEMBERED_MAX = 1024


class _Answer(NamedTuple):
    device: int
    begin_us: int
    data: bytes


class Line:
    """Devices on one pair of wires, a baud rate and the faults of the line."""

    def __init__(
        self,
        baud: int,
        bits_per_byte: int,
        devices: Sequence[Device],
        faults: LineFaults | None = None,
        seed: int = 0,
        *,
        parity: str | None = None,
    ) -> None:
        """`bits_per_byte`: start, data, parity and stop bits: 11 for 8E1, 10 for 8N1.

        `parity` N, E or O only matters where a master's setting is known, as on a served port.
        """
        if baud <= 0 or not 10 <= bits_per_byte <= 12:
            raise ValueError(f"no such line: {baud} baud, {bits_per_byte} bits a character")
        self.baud = baud
        self.bits_per_byte = bits_per_byte
        self.parity = parity
        self.devices = list(devices)
        self.faults = faults or LineFaults.none()
        self.exchanges = 0
        self.collisions = 0
        self._tunable = [device for device in self.devices if isinstance(device, Tunable)]
        self._reaction = [Random(f"{seed}/reaction/{i}") for i in range(len(self.devices))]  # noqa: S311
        self._window_us = [self._reaction_window_us(device) for device in self.devices]
        self._addressees: dict[bytes, list[int]] = {}
        self._busy_until_us = 0
        self._frames: list[tuple[int, bytes]] = []

    def duration_us(self, count: int) -> int:
        """Microseconds that `count` characters take on the wire, rounded up."""
        return self._bits_us(count * self.bits_per_byte)

    def _bits_us(self, bits: int) -> int:
        return -(-bits * 1_000_000 // self.baud)

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        """Bursts the master receives, as (UTC ms at the end of the burst, bytes), in order.

        A request that begins while an answer is still on the wire is garbled and reaches nobody.
        """
        self.exchanges += 1
        start_us = start_ms * 1000
        end_us = start_us + self.duration_us(len(request))
        seen: list[tuple[int, bytes]] = []
        if self.faults.rates.echo:
            seen.append((_ceil_ms(end_us), request))
        if start_us < self._busy_until_us:
            self.collisions += 1
            return seen
        if self.faults.request_lost():
            return seen
        answers = self._ask(request, end_us)
        if not answers:
            return seen
        if len(answers) > 1:
            self.collisions += 1
        begin_us, data = self._on_the_wire(answers)
        others = [frame for device, frame in self._frames if device != answers[0].device]
        bursts = self.faults.disturb(data, others)
        self._remember(answers[0].device, data)
        return seen + self._arrivals(begin_us, bursts)

    def _ask(self, request: bytes, end_us: int) -> list[_Answer]:
        now_ms = _ceil_ms(end_us)
        answers: list[_Answer] = []
        for tunable in self._tunable:
            tunable.line_baud = self.baud
        for index in self._concerned(request):
            if self.faults.dead(index, now_ms):
                continue
            data = self.devices[index].answer(request, now_ms)
            if data is not None:
                earliest_us, latest_us = self._window_us[index]
                delay_us = self._reaction[index].randint(earliest_us, latest_us)
                answers.append(_Answer(index, end_us + delay_us, data))
        return answers

    def _concerned(self, request: bytes) -> list[int]:
        """Places of the devices the request is addressed to; a master asks the same for ever."""
        known = self._addressees.get(request)
        if known is None:
            known = [i for i, device in enumerate(self.devices) if device.concerns(request)]
            if len(self._addressees) >= REQUESTS_REMEMBERED_MAX:
                self._addressees.clear()
            self._addressees[request] = known
        return known

    def _reaction_window_us(self, device: Device) -> tuple[int, int]:
        window = device.reaction
        latest_us = self._bits_us(window.max_bits) + window.extra_us
        return self._bits_us(window.min_bits) + window.min_us, latest_us

    def _on_the_wire(self, answers: Sequence[_Answer]) -> tuple[int, bytes]:
        """Several answers at once: a slave's 0 bit overrides a 1, character by character."""
        begin_us = min(answer.begin_us for answer in answers)
        if len(answers) == 1:
            return begin_us, answers[0].data
        character_us = self.duration_us(1)
        mixed = bytearray()
        for answer in answers:
            first = (answer.begin_us - begin_us) // character_us
            missing = first + len(answer.data) - len(mixed)
            mixed.extend(b"\xff" * max(0, missing))
            for offset, byte in enumerate(answer.data, first):
                mixed[offset] &= byte
        return begin_us, bytes(mixed)

    def _arrivals(self, begin_us: int, bursts: Sequence[Burst]) -> list[tuple[int, bytes]]:
        seen: list[tuple[int, bytes]] = []
        at_us = begin_us
        for burst in bursts:
            at_us += burst.pause_us + self.duration_us(len(burst.data))
            seen.append((_ceil_ms(at_us), burst.data))
        self._busy_until_us = max(self._busy_until_us, at_us)
        return seen

    def _remember(self, device: int, frame: bytes) -> None:
        self._frames = [(d, f) for d, f in self._frames if d != device][-STALE_FRAMES_MAX + 1 :]
        self._frames.append((device, frame))


def _ceil_ms(at_us: int) -> int:
    return -(-at_us // 1000)
