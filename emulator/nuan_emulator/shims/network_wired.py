# ruff: noqa: D102, ARG002
"""ESP32's network.LAN and network.PPP; loaded when a program first asks for one of them."""

import lockstep_client as _clock
import network as _network
from micropython import const

ETH_CONNECTED = const(3)
ETH_GOT_IP = const(5)
_STARTED = const(1)
_STOPPED = const(2)
_ON_SPI = const(100)

# In a row, and from 100 on: a name apiece would cost the board memory that a chip doesn't need.
_PHYS = "LAN8710 LAN8720 IP101 RTL8201 DP83848 KSZ8041 KSZ8081"
_SPI_PHYS = "KSZ8851SNL DM9051 W5500"

_lan = [False, 0]
_ppp = [None]


def __getattr__(name):
    chip = name[4:]
    if name[:4] == "PHY_" and chip in _PHYS.split():
        return _PHYS.split().index(chip)
    if name[:4] == "PHY_" and chip in _SPI_PHYS.split():
        return _ON_SPI + _SPI_PHYS.split().index(chip)
    raise AttributeError(name)


class LAN:
    """The one Ethernet port; a second object is the same port."""

    def __init__(
        self, id=None, *, mdc=None, mdio=None, reset=None, power=None, phy_addr, phy_type,
        spi=None, cs=None, int=None, ref_clk_mode=-1, ref_clk=None,
    ):  # fmt: skip
        for pin in (mdc, mdio, reset, power, cs, int, ref_clk):
            if pin is not None and not hasattr(pin, "value"):
                raise ValueError("expecting a pin")
        if not 0 <= phy_addr <= 31:
            raise ValueError("invalid phy address")
        if phy_type < _ON_SPI and (mdc is None or mdio is None):
            raise ValueError("mdc and mdio must be specified")
        if phy_type >= _ON_SPI and (spi is None or cs is None):
            raise ValueError("spi and cs must be specified")

    def active(self, on=None):
        if on is not None:
            if bool(on) == _lan[0]:
                # The driver of IDF takes neither twice.
                raise OSError("ethernet %s failed" % ("enable" if on else "disable"))
            _lan[0] = bool(on)
            _lan[1] = _STARTED if on else _STOPPED
            _network.changed(1, False)
            _clock.put(18, 1, b"\x01" if on else b"\x00", True)
        return _lan[0]

    def status(self):
        return _lan[1]

    def isconnected(self):
        return _lan[0] and _lan[1] == ETH_GOT_IP

    def ifconfig(self):
        address = "10.2.0.2" if self.isconnected() else "0.0.0.0"  # noqa: S104
        return (address, "255.255.0.0", "10.2.0.1", "10.2.0.1")


class PPP:
    """PPP over a serial port whose far end is in data mode."""

    SEC_NONE = const(0)
    SEC_PAP = const(1)
    SEC_CHAP = const(2)

    def __init__(self, stream):
        self._stream = stream
        # Inactive, active, error, connecting, connected.
        self._state = 0

    def connect(self, *, security=0, user=None, key=None):
        if self._state >= 3:
            raise OSError(114)
        self._stream.irq(self.poll, self._stream.IRQ_RXIDLE)
        _ppp[0] = self
        self._state = 3
        _clock.put(18, 2, b"\x01", True)

    def disconnect(self):
        if self._state >= 3:
            self._state = 1
            _ppp[0] = None
            _network.changed(2, False)
            _clock.put(18, 2, b"\x00", True)

    def poll(self, _=None):
        return len(self._stream.read() or b"")

    def status(self):
        return self._state

    def isconnected(self):
        return self._state == 4

    def ifconfig(self):
        address = "10.3.0.2" if self.isconnected() else "0.0.0.0"  # noqa: S104
        return (address, "255.255.255.255", "10.3.0.1", "10.3.0.1")


def _link_changed(ident, data):
    if ident == 1:
        _lan[1] = data[0]
        _network.changed(1, data[0] == ETH_GOT_IP)
    elif _ppp[0] is not None:
        _ppp[0]._state = 4 if data[0] else 2
        _network.changed(2, bool(data[0]))


_clock.handle(8, _link_changed)
