"""Dials a modem: from power and SIM to PPP, in small steps that never wait.

    off | data mode          the power key; +++ between two silent seconds
    AT, ATE0                 it answers
    AT+CPIN?                 the SIM is ready, or wants its PIN, which is tried until refused
    AT+CGATT?                attached to the network's packet service
    AT+CGDCONT=1,"IP",apn    where the packets go
    ATD*99#                  CONNECT: data mode; PPP from here on

Lines are ASCII, ended by carriage return and line feed; an echo and unsolicited lines are skipped.
"""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from typing import Any

_START_S = const(150)
_STEPS_PER_S = const(2)
_ANSWER_STEPS = const(6)
_DIAL_STEPS = const(120)
_GUARD_STEPS = const(3)
_BOOT_STEPS = const(30)
_SILENCES_MAX = const(3)
_HEARD_BYTES_MAX = const(128)

_ESCAPE = const(0)
_HELLO = const(1)
_ECHO = const(2)
_SIM = const(3)
_UNLOCK = const(4)
_ATTACH = const(5)
_CONTEXT = const(6)
_DIAL = const(7)
_PPP = const(8)
_PRESS = const(9)
_BOOT = const(10)

_WHAT = ("hanging up", "no answer", "no answer", "no SIM", "PIN refused", "no network",
         "APN refused", "no carrier", "no address", "starting", "starting")  # fmt: skip


class Modem:
    """A modem on `port` (hal.modem.ModemPort) that reaches the internet by the access point
    `apn`."""

    kind = "ppp"
    start_s = _START_S

    def __init__(self, port: "Any", apn: str) -> None:
        self._port = port
        self._apn = apn
        self._state = _HELLO
        self._left = 0
        self._silences = 0
        self._heard = b""
        self._why = ""
        self._pin_spent = False
        self._was_online = False

    def start(self) -> None:
        """Begin to dial."""
        self._port.disconnect()
        self._silences = 0
        self._enter(_ESCAPE if self._was_online else _HELLO)

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return self._state == _PPP and bool(self._port.is_connected())

    def why(self) -> str:
        """What keeps the modem from coming up."""
        return self._why or _WHAT[self._state]

    def stop(self) -> None:
        """Hang up; the modem itself stays on."""
        self._port.disconnect()
        if self._state == _PPP:
            self._enter(_ESCAPE)

    def step(self) -> None:
        """Go on with whatever is due."""
        if self._state == _PPP:
            self._port.poll()
            return
        self._heard = (self._heard + self._port.read())[-_HEARD_BYTES_MAX:]
        self._left -= 1
        if self._state in (_ESCAPE, _PRESS, _BOOT):
            if self._left <= 0:
                self._timed()
        elif not self._went_on() and self._left <= 0:
            self._silent()

    def _enter(self, state: int) -> None:
        self._state = state
        self._heard = b""
        self._left = _ANSWER_STEPS
        if state == _ESCAPE:
            self._left = _GUARD_STEPS
        elif state == _HELLO:
            self._say("AT")
        elif state == _ECHO:
            self._say("ATE0")
        elif state == _SIM:
            self._say("AT+CPIN?")
        elif state == _UNLOCK:
            self._pin_spent = True
            self._say("AT+CPIN=" + self._port.pin())
        elif state == _ATTACH:
            self._say("AT+CGATT?")
        elif state == _CONTEXT:
            self._say('AT+CGDCONT=1,"IP","' + self._apn + '"')
        elif state == _DIAL:
            self._left = _DIAL_STEPS
            self._say("ATD*99#")
        elif state == _PPP:
            self._why = ""
            self._was_online = True
            self._port.connect()
        elif state == _PRESS:
            self._left = self._port.power_ms * _STEPS_PER_S // 1000 + 1
            self._port.press(True)
        else:
            self._left = _BOOT_STEPS
            self._port.press(False)

    def _say(self, command: str) -> None:
        self._port.read()
        self._port.write((command + "\r").encode())

    def _timed(self) -> None:
        """A pause is over."""
        if self._state == _ESCAPE:
            if self._was_online:
                # Silence before and after, or it would be data.
                self._was_online = False
                self._port.write(b"+++")
                self._left = _GUARD_STEPS
            else:
                self._port.write(b"ATH\r")
                self._enter(_HELLO)
        else:
            self._enter(_BOOT if self._state == _PRESS else _HELLO)

    def _went_on(self) -> bool:
        """Whether the modem has said what lets the next step begin."""
        heard, state = self._heard, self._state
        if state == _DIAL and b"CONNECT" in heard:
            self._enter(_PPP)
        elif state == _SIM and b"READY" in heard:
            self._enter(_ATTACH)
        elif state == _SIM and b"SIM PIN" in heard and self._port.pin() and not self._pin_spent:
            # One that was refused is never tried again, nor after a restart: the third would lock
            # the card.
            self._enter(_UNLOCK)
        elif state == _ATTACH and b"+CGATT: 1" in heard:
            self._enter(_CONTEXT)
        elif b"ERROR" in heard or b"NO CARRIER" in heard or b"BUSY" in heard:
            if state == _UNLOCK and b"ERROR: 14" not in heard and b"busy" not in heard:
                # 14 is a SIM that is busy; any other reason is the PIN.
                self._port.refuse_pin()
            self._why = _WHAT[state]
            self._heard = b""
            return False
        elif b"OK" not in heard:
            return False
        elif state in (_HELLO, _ECHO, _CONTEXT):
            self._why = ""
            self._enter(_DIAL if state == _CONTEXT else state + 1)
        elif state == _UNLOCK:
            self._pin_spent = False
            self._enter(_SIM)
        else:
            # SIM or network not ready yet: asked again when the time for an answer is over.
            return False
        return True

    def _silent(self) -> None:
        state = self._state
        if state != _HELLO:
            wants_pin = state == _SIM and b"SIM PIN" in self._heard
            self._why = _WHAT[_UNLOCK if wants_pin else state]
            self._enter(state if state in (_SIM, _ATTACH) else _HELLO)
            return
        self._silences += 1
        if self._silences < _SILENCES_MAX:
            self._was_online = self._silences == _SILENCES_MAX - 1
            self._enter(_ESCAPE if self._was_online else _HELLO)
        elif self._port.has_power_key():
            self._silences = 0
            self._enter(_PRESS)
        else:
            self._silences = 0
            self._enter(_HELLO)
