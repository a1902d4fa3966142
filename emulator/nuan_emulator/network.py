"""A node's links: Wi-Fi, Ethernet and a modem, each with its outages; and who uses which.

A chip sends over the link that its network stack prefers, whatever its program means to use: over
Wi-Fi before Ethernet before PPP, of those that have an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

from nuan_emulator import lockstep
from nuan_emulator.modem import Modem
from nuan_emulator.wifi import BEACON_TIMEOUT, Wifi

WIFI = 0
LAN = 1
PPP = 2

# What LAN's status() says.
ETH_DISCONNECTED = 4
ETH_GOT_IP = 5
_LAN_MS = (1200, 3500)
PPP_DOWN = 0
PPP_UP = 1

Outages = Sequence[tuple[int, int]]


class Board(Protocol):
    """The board's side: `give` tells it something, `drop` ends what goes over a link."""

    def give(self, at_ms: int, kind: int, ident: int, data: bytes) -> None: ...  # noqa: D102
    def drop(self, link: int, now_ms: int) -> None: ...  # noqa: D102


class Network:
    """The links of one node. Times are UTC milliseconds, outages half-open."""

    def __init__(
        self,
        board: Board,
        wifi: Wifi,
        lan_outages: Outages,
        modem: Modem | None,
        random: Random,
    ) -> None:
        self._board = board
        self._wifi = wifi
        self._lan_outages = tuple(lan_outages)
        self._random = random
        self.modem = modem
        self._lan_wanted = self._lan_up = self._ppp_up = False

    def way(self) -> int | None:
        """The link that a new connection goes over."""
        for link, is_up in ((WIFI, self._wifi.connected), (LAN, self._lan_up), (PPP, self._ppp_up)):
            if is_up:
                return link
        return None

    def leave(self) -> None:
        """The board has lost its power, or was reset."""
        self._wifi.leave()
        self._lan_wanted = self._lan_up = self._ppp_up = False
        if self.modem:
            self.modem.end_ppp()

    def request(self, link: int, on: bool, now_ms: int) -> None:
        """The board wants a link, or no longer."""
        if link == WIFI:
            self._request_wifi(on, now_ms)
        elif link == LAN:
            self._lan_wanted = on
            if on:
                self.back(LAN, now_ms)
            else:
                self._lan_up = False
                self._board.drop(LAN, now_ms)
        elif self.modem:
            self._request_ppp(self.modem, on, now_ms)

    def outage(self, link: int, now_ms: int) -> None:
        """An outage begins."""
        if link == WIFI:
            if self._wifi.wanted:
                self._board.drop(WIFI, now_ms)
                if self._wifi.connected:
                    self._tell_wifi(now_ms, BEACON_TIMEOUT)
                self._wifi.connected = False
        elif link == LAN and self._lan_wanted:
            self._lan_up = False
            self._board.drop(LAN, now_ms)
            self._tell(now_ms, LAN, ETH_DISCONNECTED)
        elif link == PPP and self._ppp_up and self.modem:
            self.modem.end_ppp()
            self._ppp_up = False
            self._board.drop(PPP, now_ms)
            self._tell(now_ms, PPP, PPP_DOWN)

    def back(self, link: int, now_ms: int) -> None:
        """An outage is over; a modem waits for being dialled."""
        if link == WIFI and self._wifi.wanted:
            self._tell_wifi(*self._wifi.join(now_ms))
        elif link == LAN and self._lan_wanted and not self._is_lan_out(now_ms):
            self._lan_up = True
            self._tell(now_ms + self._random.randint(*_LAN_MS), LAN, ETH_GOT_IP)

    def _request_wifi(self, on: bool, now_ms: int) -> None:
        if on:
            self._tell_wifi(*self._wifi.join(now_ms))
        else:
            self._wifi.leave()
            self._board.drop(WIFI, now_ms)

    def _request_ppp(self, modem: Modem, on: bool, now_ms: int) -> None:
        if on:
            at_ms, self._ppp_up = modem.begin_ppp(now_ms)
            self._tell(at_ms, PPP, PPP_UP if self._ppp_up else PPP_DOWN)
        else:
            modem.end_ppp()
            self._ppp_up = False
            self._board.drop(PPP, now_ms)

    def _is_lan_out(self, now_ms: int) -> bool:
        return any(begin_ms <= now_ms < end_ms for begin_ms, end_ms in self._lan_outages)

    def _tell_wifi(self, at_ms: int, status: int) -> None:
        self._board.give(at_ms, lockstep.WIFI_STATE, 0, status.to_bytes(2, "little"))

    def _tell(self, at_ms: int, link: int, state: int) -> None:
        self._board.give(at_ms, lockstep.LINK_STATE, link, bytes([state]))
