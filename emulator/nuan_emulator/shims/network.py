# ruff: noqa: D102, D103, PLW0603, ARG002
"""ESP32's network module: one station whose link is the world's; LAN and PPP on demand."""

import lockstep_client as _clock
from micropython import const

STA_IF = const(0)
AP_IF = const(1)
STAT_BEACON_TIMEOUT = const(200)
STAT_NO_AP_FOUND = const(201)
STAT_WRONG_PASSWORD = const(202)
STAT_IDLE = const(1000)
STAT_CONNECTING = const(1001)
STAT_GOT_IP = const(1010)

_active = False
_status = STAT_IDLE
_down_hooks = []
_wired = []


def _link_changed(_ident, data):
    global _status
    _status = data[0] | data[1] << 8
    if _status != STAT_GOT_IP:
        for hook in _down_hooks:
            hook()


def connected():
    return (_active and _status == STAT_GOT_IP) or bool(_wired)


def changed(link, up):
    """Ethernet (1) or PPP (2) has an address, or none any more."""
    if up and link not in _wired:
        _wired.append(link)
    elif not up and link in _wired:
        _wired.remove(link)
        for hook in _down_hooks:
            hook()


def __getattr__(name):
    import network_wired

    return getattr(network_wired, name)


class WLAN:
    """The station interface; an access point does not exist here."""

    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("only the station interface is emulated")

    def active(self, on=None):
        global _active, _status
        if on is None:
            return _active
        if bool(on) != _active:
            _active = bool(on)
            _status = STAT_IDLE
            if not _active:
                _clock.put(7, 0, b"", True)
        return _active

    def connect(self, ssid=None, key=None, *, bssid=None):
        global _status
        if not _active:
            raise OSError("Wifi Not Started")
        _status = STAT_CONNECTING
        _clock.put(7, 1, (ssid or "").encode(), True)

    def disconnect(self):
        global _status
        _status = STAT_IDLE
        _clock.put(7, 0, b"", True)

    def isconnected(self):
        return _active and _status == STAT_GOT_IP

    def status(self, what=None):
        return -60 if what == "rssi" else _status

    def scan(self):
        return []

    def config(self, *names, **settings):
        return b"\x02nuan\x00" if names == ("mac",) else None

    def ifconfig(self):
        address = "10.1.0.2" if self.isconnected() else "0.0.0.0"  # noqa: S104
        return (address, "255.255.0.0", "10.1.0.1", "10.1.0.1")


def hostname(name=None):  # noqa: ARG001
    return "nuan"


def country(code=None):  # noqa: ARG001
    return "CN"


_clock.handle(6, _link_changed)
