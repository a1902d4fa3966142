"""A modem on a serial port: commands first, then PPP over the same wires."""

from binascii import crc32
from typing import TYPE_CHECKING

import machine
import network
from micropython import const

from nuan_firmware.hal.chip import number, secret, set_number

if TYPE_CHECKING:
    from typing import Any

# An IP packet arrives between two turns of the loop.
_UART_RX_BYTES = const(2048)
# In the chip's store: which PIN the SIM has refused.
PIN_REFUSED = "pin_refused"


class ModemPort:
    """The modem's wires, its power key (or supply switch), its PIN, and PPP."""

    def __init__(self, options: "dict[str, Any]") -> None:
        self._user = options["user"]
        self._uart = machine.UART(
            options["uart"],
            options["baud"],
            tx=options["tx"],
            rx=options["rx"],
            rxbuf=_UART_RX_BYTES,
            timeout=0,
            # One interrupt when the line falls silent, not one for every byte.
            timeout_char=2,
        )
        power = options["power_pin"]
        self._power = machine.Pin(power, machine.Pin.OUT, value=0) if power >= 0 else None
        self.power_ms = options["power_ms"]
        self._ppp: "Any" = None

    def write(self, command: bytes) -> None:
        """Send bytes to the modem."""
        self._uart.write(command)

    def read(self) -> bytes:
        """What the modem has said since."""
        return self._uart.read() or b""

    def has_power_key(self) -> bool:
        """Whether there is a pin to press."""
        return self._power is not None

    def press(self, on: bool) -> None:
        """Press or release the power key."""
        if self._power is not None:
            self._power.value(1 if on else 0)

    def pin(self) -> str:
        """The SIM's PIN, empty when there is none, or when the SIM has refused it before."""
        pin = secret("sim_pin")
        return "" if pin and _mark(pin) == number(PIN_REFUSED, 0) else pin

    def refuse_pin(self) -> None:
        """The SIM has refused the PIN: no start tries it again, until another one is stored."""
        set_number(PIN_REFUSED, _mark(secret("sim_pin")))

    def connect(self) -> None:
        """The modem is in data mode: begin PPP."""
        self._ppp = network.PPP(self._uart)
        if self._user:
            security = network.PPP.SEC_CHAP
            self._ppp.connect(security=security, user=self._user, key=secret("ppp_key"))
        else:
            self._ppp.connect()

    def poll(self) -> None:
        """Feed PPP what the interrupt may have left lying."""
        if self._ppp is not None:
            self._ppp.poll()

    def is_connected(self) -> bool:
        """Whether PPP has an address."""
        return self._ppp is not None and bool(self._ppp.isconnected())

    def disconnect(self) -> None:
        """End PPP; the wires are for commands again."""
        if self._ppp is not None:
            self._ppp.disconnect()
            self._uart.irq(None)
            self._ppp = None


def _mark(pin: str) -> int:
    """Something to know a PIN again by, never 0."""
    return int(crc32(pin.encode()) >> 2 | 1)
