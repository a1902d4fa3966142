"""A battery meter that lets itself be read so often and no more, whatever it is inside."""

from __future__ import annotations

from collections.abc import Callable

from nuan_emulator.meters.device import Device, Reaction
from nuan_emulator.meters.mbus_layout import ACK, long_frame

HOUR_MS = 3_600_000
TOO_MANY_READOUTS = 9
"""EN 13757-3: application error of a meter that was read too often."""

Refusal = Callable[[bytes], bytes | None]
"""What is answered to a request instead of the reading; None: nothing."""


def silence(request: bytes) -> bytes | None:  # noqa: ARG001 - says nothing to any
    """The meter doesn't answer at all."""
    return None


def mbus_refusal(address: int) -> Refusal:
    """An M-Bus meter that says why: CI 70, too many readouts."""
    refusal = long_frame.build({"user_data": bytes((0x08, address, 0x70, TOO_MANY_READOUTS))})
    return lambda _request: refusal


class Sparing:
    """`device`, but after `readings` readings in `period_ms` it refuses until the oldest is over.

    A reading is any answer but an M-Bus acknowledgement; a refused one doesn't count.
    """

    def __init__(
        self,
        device: Device,
        *,
        readings: int = 2,
        period_ms: int = HOUR_MS,
        refusal: Refusal = silence,
    ) -> None:
        self.device = device
        self.refused = 0
        self._readings = readings
        self._period_ms = period_ms
        self._refusal = refusal
        self._times_ms: list[int] = []

    @property
    def reaction(self) -> Reaction:
        """As the device itself."""
        return self.device.reaction

    def concerns(self, request: bytes) -> bool:
        """As the device itself."""
        return self.device.concerns(request)

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """The device's answer, while its battery allows it."""
        self._times_ms = [at for at in self._times_ms if now_ms - at < self._period_ms]
        answer = self.device.answer(request, now_ms)
        if answer is None or answer == ACK:
            return answer
        if len(self._times_ms) >= self._readings:
            self.refused += 1
            return self._refusal(request)
        self._times_ms.append(now_ms)
        return answer
