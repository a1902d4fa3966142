"""A modem on a board's serial port: AT commands (3GPP TS 27.007, ITU-T V.250), then PPP.

    off -> starting -> commands --ATD*99#--> data --+++, hang-up, no carrier--> commands

Commands end with a carriage return; answers stand between CR LF. In data mode only `+++` between
two silent seconds is heard; what PPP carries goes through the node's tunnel.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

OFF = 0
STARTING = 1
COMMANDS = 2
DATA = 3

BAUD = 115_200
PIN_TRIES = 3
_START_MS = 6000
_ATTACH_MS = 9000
_GUARD_MS = 1000
_PRESS_MS = 800
_ANSWER_MS = (15, 180)
_DIAL_MS = (400, 1500)
_PPP_MS = (900, 2600)
_PPP_TIMEOUT_MS = 30_000


class Modem:
    """Attached except during `outages` (UTC milliseconds, half-open). `pin` locks the SIM, no
    `sim` lacks one; `has_key` is off until its power key is pressed. `dials` counts calls."""

    def __init__(
        self,
        random: Random,
        outages: Sequence[tuple[int, int]] = (),
        *,
        sim: bool = True,
        pin: str = "",
        has_key: bool = False,
    ) -> None:
        self._random = random
        self.outages = tuple(outages)
        self._sim = sim
        self._pin = pin
        self._unlocked = not pin
        self._echo = True
        self._apn = False
        self._line = b""
        self._heard_ms = 0
        self._escape_ms = 0
        self._on_ms = 0
        self._pressed_ms = 0
        self.baud = BAUD
        self.pin_tries = PIN_TRIES
        self.state = OFF if has_key else STARTING
        self.dials = self.presses = 0

    def press(self, level: int, at_ms: int) -> None:
        """The power key's pin changes; a long press switches the modem on or off."""
        if level:
            self._pressed_ms = at_ms
        elif self._pressed_ms and at_ms - self._pressed_ms >= _PRESS_MS:
            self.presses += 1
            self.state = STARTING if self.state == OFF else OFF
            self._on_ms = at_ms
            self._echo, self._apn, self._line = True, False, b""
            self._unlocked = not self._pin

    def hang(self) -> None:
        """The modem falls silent: only its power key helps."""
        self.state = OFF

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        """Hear bytes, and say what is to be said."""
        if self.state == STARTING and start_ms - self._on_ms >= _START_MS:
            self.state = COMMANDS
        silent = start_ms - self._heard_ms >= _GUARD_MS
        self._heard_ms = start_ms
        if self.state == DATA:
            if request == b"+++" and silent:
                self.state = COMMANDS
                return [(start_ms + _GUARD_MS, b"\r\nOK\r\n")]
            return []
        if self.state != COMMANDS:
            return []
        self._line += request
        *lines, self._line = self._line.split(b"\r")
        bursts: list[tuple[int, bytes]] = []
        for line in lines:
            echo = line + b"\r" if self._echo else b""
            answer, delay = self._answer(line.decode("ascii", "replace").strip(), start_ms)
            bursts.append((start_ms + delay, echo + f"\r\n{answer}\r\n".encode()))
        return bursts

    def begin_ppp(self, now_ms: int) -> tuple[int, bool]:
        """PPP begins to talk: when it knows whether it has an address."""
        if self.state == DATA and self.is_attached(now_ms):
            return now_ms + self._random.randint(*_PPP_MS), True
        return now_ms + _PPP_TIMEOUT_MS, False

    def end_ppp(self) -> None:
        """The far end or the node has hung up."""
        if self.state == DATA:
            self.state = COMMANDS

    def is_attached(self, now_ms: int) -> bool:
        """Whether the network's packet service has it."""
        out = any(begin_ms <= now_ms < end_ms for begin_ms, end_ms in self.outages)
        ready = self._sim and self._unlocked and self.state in (COMMANDS, DATA)
        return ready and not out and now_ms - self._on_ms >= _ATTACH_MS

    def _answer(self, command: str, now_ms: int) -> tuple[str, int]:
        name, _, value = command.upper().partition("=")
        if name == "ATD*99#":
            return self._dial(now_ms), self._random.randint(*_DIAL_MS)
        answer = "ERROR"
        if name in ("AT", "ATH", "ATE0"):
            self._echo = self._echo and name != "ATE0"
            answer = "OK"
        elif name == "AT+CPIN?":
            answer = self._sim_state()
        elif name == "AT+CPIN":
            answer = self._unlock(value)
        elif name == "AT+CGATT?":
            answer = f"+CGATT: {int(self.is_attached(now_ms))}\r\n\r\nOK"
        elif name == "AT+CGDCONT" and value.startswith('1,"IP","'):
            self._apn = True
            answer = "OK"
        return answer, self._random.randint(*_ANSWER_MS)

    def _dial(self, now_ms: int) -> str:
        self.dials += 1
        if self.is_attached(now_ms) and self._apn:
            self.state = DATA
            return "CONNECT 150000000"
        return "NO CARRIER"

    def _sim_state(self) -> str:
        if not self._sim:
            return "+CME ERROR: 10"
        if not self.pin_tries:
            return "+CPIN: SIM PUK\r\n\r\nOK"
        return f"+CPIN: {'READY' if self._unlocked else 'SIM PIN'}\r\n\r\nOK"

    def _unlock(self, pin: str) -> str:
        if self.pin_tries and pin == self._pin:
            self._unlocked, self.pin_tries = True, PIN_TRIES
            return "OK"
        self.pin_tries = max(0, self.pin_tries - 1)
        return "+CME ERROR: 16"
