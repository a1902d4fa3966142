"""A modem's SIM and its PIN, step by step, over restarts of the node."""

import sys

from edge_in_memory import Hal

from nuan_firmware.modem import Modem


class Machine:
    class UART:
        def __init__(self, *place, **options):
            self.said = []
            self.heard = b""

        def write(self, command):
            self.said.append(command)

        def read(self):
            heard, self.heard = self.heard, b""
            return heard


Hal.secret = staticmethod(lambda name: Hal.pin if name == "sim_pin" else "")
sys.modules["machine"] = Machine
sys.modules["network"] = Machine
sys.modules["nuan_firmware.hal.chip"] = Hal

from nuan_firmware.hal.modem import ModemPort  # noqa: E402  # the board's edge comes first

OPTIONS = {
    "user": "",
    "uart": 2,
    "baud": 115200,
    "tx": 4,
    "rx": 5,
    "power_pin": -1,
    "power_ms": 1500,
}
WRONG, BUSY = b"\r\n+CME ERROR: 16\r\n", b"\r\n+CME ERROR: 14\r\n"


def started(answer):
    """One start of the node: the PINs that were tried, and what is missing; `answer` to a PIN."""
    modem = Modem(ModemPort(OPTIONS), "cmnet")
    uart = modem._port._uart
    modem.start()
    for _ in range(60):
        said = uart.said[-1] if uart.said else b""
        if said.startswith(b"AT+CPIN="):
            uart.heard = answer
        elif said == b"AT+CPIN?\r":
            uart.heard = b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
        else:
            uart.heard = b"\r\nOK\r\n"
        modem.step()
    return [said for said in uart.said if said.startswith(b"AT+CPIN=")], modem.why()


def with_pin(test):
    Hal.pin = "4321"
    Hal.numbers = {}
    try:
        test()
    finally:
        Hal.numbers = {}


def test_a_pin_that_was_refused_is_tried_by_no_later_start():
    def run():
        assert started(WRONG) == ([b"AT+CPIN=4321\r"], "PIN refused")
        # The power comes back three times: the third attempt would have locked the card.
        for _ in range(3):
            assert started(WRONG) == ([], "PIN refused")
        Hal.pin = "1234"
        assert started(WRONG)[0] == [b"AT+CPIN=1234\r"]
        Hal.numbers["pin_refused"] = 0
        assert started(WRONG)[0] == [b"AT+CPIN=1234\r"]

    with_pin(run)


def test_a_busy_card_has_refused_nothing():
    def run():
        for _ in range(2):
            assert started(BUSY)[0] == [b"AT+CPIN=4321\r"]

    with_pin(run)
