"""The way to the broker: link, name, TCP, TLS, CONNECT, SUBSCRIBE; then packets both ways.

    link -> address -> TCP -> [TLS] -> CONNECT/CONNACK -> SUBSCRIBE/SUBACK -> open
      ^________ any fault or deadline: back-off with jitter _______________|

A look-up of a name blocks the whole board for seconds where there is no answer. So an address is
kept for a day, and only asked for again after three connections in a row have failed on it.
"""

import asyncio
import gc
import socket
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import mqtt

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.links import Links
    from nuan_firmware.trust import Trust
    from nuan_protocols.uplink.keys import Buffer

_CONNECT_S = const(60)
_BACKOFF_S_MAX = const(300)
# Nobody mends a password or a certificate within seconds.
_REFUSED_FAILURES = const(8)
_DAY_S = const(86400)
_TOLD_MAX = const(4)
_RESOLVE_FAILURES = const(3)
# A command with a whole piece of a transfer: 579 bytes, behind its topic.
_PACKET_BYTES_MAX = const(640)
_CHUNK_BYTES = const(512)
_CONNACK_WORDS = ("", "protocol", "client id", "", "user or password", "not authorised")

NEVER = const(1 << 29)


class RefusedError(Exception):
    """The other side, or this one, refuses for a reason that somebody has to mend."""


class Connection:
    """One connection to the broker at a time; `note` is told what somebody has to mend.

    check() holds `deadline_s` at every beat of the supervisor, so that no timer runs for it.
    """

    def __init__(
        self,
        config: "Config",
        password: str,
        links: "Links",
        clock: "Clock",
        random_bytes: "Callable[[int], bytes]",
        trust: "Trust | None",
        note: "Callable[[str], None]",
    ) -> None:
        node = config.node.hex()
        self._config = config
        self._connect = mqtt.connect("nuan-" + node, config.user, password, config.keepalive_s)
        self._topic = mqtt.text("nuan/v1/" + node + "/up")
        self._down = "nuan/v1/" + node + "/down"
        self.links = links
        self._clock = clock
        self._random = random_bytes
        self._trust = trust
        self._note = note
        self._packets = mqtt.Packets(_PACKET_BYTES_MAX)
        self._packet_id = 0
        self._address: "Any" = None
        self._resolved_s = 0
        self._reader: "asyncio.StreamReader | None" = None
        self._told: "list[tuple[int, str]]" = []
        self.failures = 0
        self.sent_s = 0
        self.deadline_s = NEVER
        self.fault = ""

    @property
    def is_provisional(self) -> bool:
        """Whether the certificate's dates were judged by a time that nobody vouches for."""
        return self._trust is not None and self._trust.is_provisional

    def has_time(self) -> bool:
        """The gateway has told the time over a provisional connection; whether it was taken."""
        return self._trust is not None and self._trust.has_time()

    async def open(self) -> None:
        """Return when the broker has taken the subscription. Raises OSError, EOFError, ValueError
        (a certificate), MqttError, RefusedError."""
        self._packets.reset()
        await self.links.bring_up()
        self.deadline_s = self._clock.uptime() + _CONNECT_S
        # TLS takes its memory in large pieces, on the board beside this heap.
        gc.collect()
        trust = self._trust
        if trust is None:
            await self._dial(None)
            await self._log_in()
        else:
            # The handshake is over when the broker has answered.
            with trust:
                await self._dial(trust.context())
                await self._log_in()

    async def _dial(self, tls: "Any") -> None:
        config = self._config
        host = self._look_up()
        if tls is None:
            streams = await asyncio.open_connection(host, config.port)
        else:
            streams = await asyncio.open_connection(
                host, config.port, ssl=tls, server_hostname=config.host
            )
        self._reader, self._writer = streams

    async def _log_in(self) -> None:
        await self.send(self._connect)
        code = mqtt.connack_code(await self._expect(mqtt.CONNACK))
        if code:
            word = _CONNACK_WORDS[code] if code < len(_CONNACK_WORDS) else ""
            if not word:
                raise OSError("the broker is not ready, code %d" % code)
            raise RefusedError("the broker refuses: " + word)
        self._packet_id = 1
        await self.send(mqtt.subscribe(1, self._down))
        mqtt.check_suback(await self._expect(mqtt.SUBACK))

    async def close(self) -> None:
        """Close what is open."""
        self.deadline_s = NEVER
        if self._reader is not None:
            self._reader = None
            try:
                self._writer.close()
                await self._writer.wait_closed()
            except (OSError, ValueError):
                pass

    def greeted(self) -> None:
        """The gateway has answered: the way is good."""
        self.deadline_s = NEVER
        self.failures = 0
        self.links.reached()

    def failed(self, problem: Exception) -> None:
        """The connection has ended by this: keep it as `fault`, tell what has to be mended."""
        self.failures += 1
        self.fault = problem.args[0] if isinstance(problem, RefusedError) else repr(problem)
        learned = self._trust is not None and self._trust.failed(problem)
        if isinstance(problem, (RefusedError, ValueError)) and not learned:
            self.failures = max(self.failures, _REFUSED_FAILURES)
            self._tell()
        self.links.failed(self.fault)

    def _tell(self) -> None:
        """Note the fault, each kind of them once a day."""
        now, text = self._clock.uptime(), self.fault
        told = [each for each in self._told if now - each[0] < _DAY_S]
        if text not in [each[1] for each in told]:
            told = told[1 - _TOLD_MAX :]
            told.append((now, text))
            self._note(text)
        self._told = told

    def backoff_ms(self) -> int:
        """How long to wait before the next connection."""
        delay_s = min(_BACKOFF_S_MAX, 1 << min(self.failures, 9))
        # Jitter keeps the nodes of a city from coming back at the same second.
        return delay_s * 500 + delay_s * 500 * self._random(1)[0] // 255

    async def publish(self, message: "Buffer") -> None:
        """Publish to the node's own topic at QoS 1."""
        self._packet_id = self._packet_id % 0xFFFF + 1
        head = mqtt.publish_head(self._topic, self._packet_id, len(message))
        await self.send(head, message)

    async def send(self, head: bytes, rest: "Buffer" = b"") -> None:
        """Send bytes; returns when the socket has taken them."""
        self.sent_s = self._clock.uptime()
        writer = self._writer
        writer.write(head)
        view = memoryview(rest)
        # What the socket doesn't take at once is copied: small pieces keep the copies small.
        for at in range(0, len(view), _CHUNK_BYTES):
            writer.write(view[at : at + _CHUNK_BYTES])
            await writer.drain()
        if not view:
            await writer.drain()

    async def packet(self) -> "tuple[int, int, memoryview]":
        """(type, flags, rest) of the next packet; the rest is good until the next call."""
        packets = self._packets
        while True:
            packet = packets.next()
            if packet is not None:
                return packet
            count = await self._reader.readinto(packets.space())  # type: ignore[union-attr]
            if count == 0:
                raise OSError("the broker has closed the connection")
            packets.filled(count or 0)

    async def _expect(self, kind: int) -> memoryview:
        packet = await self.packet()
        if packet[0] != kind:
            raise mqtt.MqttError("packet type %d instead of %d" % (packet[0], kind))
        return packet[2]

    def _look_up(self) -> str:
        """The broker's address; the name itself where the port hands out none to keep."""
        host, now = self._config.host, self._clock.uptime()
        kept = self._address
        if kept and self.failures % _RESOLVE_FAILURES and now - self._resolved_s < _DAY_S:
            return kept  # type: ignore[no-any-return]
        try:
            found: Any = socket.getaddrinfo(host, self._config.port, 0, socket.SOCK_STREAM)[0][-1]
        except OSError:
            if not kept:
                raise OSError("no address for " + host) from None
            return kept  # type: ignore[no-any-return]
        self._address = found[0] if isinstance(found, tuple) else host
        self._resolved_s = now
        return self._address  # type: ignore[no-any-return]
