"""Sends the journal to the gateway and takes its acknowledgements.

    link down -> link up -> TCP -> CONNECT/CONNACK -> SUBSCRIBE/SUBACK -> HELLO -> ACK -> batches
         ^_____________________ any fault or deadline: back-off with jitter ______________|

One task sends, one receives; check(), called at every beat of the supervisor, holds the deadlines,
so that no timer runs for them. Delivered is what the gateway acknowledges, never a PUBACK: after
`ack_timeout_s` without an acknowledgement everything behind the last one is sent again.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import mqtt
from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.ack import parse_ack
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.message import MESSAGE_BYTES_DEFAULT, NONCE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.hal.links import Link
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.ack import Ack
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

_CONNECT_S = const(60)
_LINK_S = const(20)
_BACKOFF_S_MAX = const(300)
_CREDIT_QUESTION_S = const(60)
_STRIKES_MAX = const(3)
_PACKET_BYTES_MAX = const(192)
_CHUNK_BYTES = const(512)

_NEVER = const(1 << 29)


class Uplink:
    """The node's one connection. `on_time` is told the gateway's UTC of every acknowledgement."""

    def __init__(
        self,
        config: "Config",
        version: str,
        password: str,
        link: "Link",
        journal: "Journal",
        keys: "NodeKeys",
        clock: "Clock",
        random_bytes: "Callable[[int], bytes]",
        on_time: "Callable[[int], None]",
        tls: "object | None" = None,
    ) -> None:
        node = config.node
        self._config = config
        self._version = version
        self._link = link
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._random = random_bytes
        self._on_time = on_time
        self._tls = tls
        self._connect = mqtt.connect(
            "nuan-" + node.hex(), config.user, password, config.keepalive_s
        )
        self._up = mqtt.text("nuan/v1/" + node.hex() + "/up")
        self._down = "nuan/v1/" + node.hex() + "/down"
        self._packets = mqtt.Packets(_PACKET_BYTES_MAX)
        self._builder = BatchBuilder(bytearray(MESSAGE_BYTES_DEFAULT), keys, node, journal.epoch)
        self._wake = asyncio.Event()
        self._pubacks: "list[int]" = []
        self._failures = 0
        self._packet_id = 0
        self._forget()
        self._conversation: "asyncio.Task[None] | None" = None
        self._reader: "asyncio.StreamReader | None" = None
        self.deadline_s = _NEVER
        self.name = "uplink"
        # Greetings, as the supervisor counts its parts' turns.
        self.turns = 0
        self.fault = ""

    # -- called by others

    def kick(self) -> None:
        """Something was flushed."""
        self._wake.set()

    def check(self) -> None:
        """Hold the deadlines; called at every beat."""
        now = self._clock.uptime()
        if now >= self.deadline_s:
            self._end("no answer in time")
        elif self._is_greeted:
            timeout = self._config.ack_timeout_s
            if self._in_flight and now - self._progress_s >= timeout:
                self._resend()
            if self._pinged_s != _NEVER and now - self._pinged_s >= timeout:
                self._end("the broker answers no ping")
            elif self._must_ping(now) or self._must_ask(now):
                self._wake.set()

    async def run(self) -> None:
        """Connect, converse, back off; for ever."""
        while True:
            self._forget()
            self.deadline_s = self._clock.uptime() + _CONNECT_S
            self._conversation = asyncio.create_task(self._converse())
            try:
                await self._conversation
            except asyncio.CancelledError:
                pass
            except (OSError, EOFError, ValueError, mqtt.MqttError, UplinkError) as problem:
                # A refused certificate is a ValueError, a broker that dies mid-packet an EOFError.
                self.fault = repr(problem)
            self.deadline_s = _NEVER
            await self._close()
            self._failures += 1
            await asyncio.sleep_ms(self._backoff_ms())

    def rest(self, seconds: int) -> None:  # noqa: ARG002
        """The supervisor starts it again after so many seconds; nothing is due until then."""
        self.deadline_s = _NEVER
        self._is_greeted = False

    # -- one connection

    def _forget(self) -> None:
        self._nonce = self._random(NONCE_BYTES)
        self._is_greeted = False
        self._credit = self._in_flight = self._strikes = 0
        self._sent_s = self._progress_s = self._clock.uptime()
        self._pinged_s = _NEVER
        self._seek = 0
        self._rewound = -1
        self._broken = False
        self._pubacks[:] = []
        self._packets.reset()

    async def _converse(self) -> None:
        await self._bring_link_up()
        config = self._config
        if self._tls is None:
            streams = await asyncio.open_connection(config.host, config.port)
        else:
            streams = await asyncio.open_connection(
                config.host, config.port, ssl=self._tls, server_hostname=config.host
            )
        self._reader, self._writer = streams
        await self._send(self._connect)
        mqtt.check_connack(await self._expect(mqtt.CONNACK))
        self._packet_id = 1
        await self._send(mqtt.subscribe(1, self._down))
        mqtt.check_suback(await self._expect(mqtt.SUBACK))
        await self._hello()
        receiver = asyncio.create_task(self._receive())
        try:
            while not self._broken:
                await self._work()
                await self._wake.wait()
                self._wake.clear()
        finally:
            receiver.cancel()
        raise OSError("the connection ended")

    async def _bring_link_up(self) -> None:
        if not self._link.is_up():
            self._link.raise_up()
            for _ in range(_LINK_S):
                await asyncio.sleep_ms(1000)
                if self._link.is_up():
                    return
            raise OSError("no link")

    async def _close(self) -> None:
        if self._reader is not None:
            try:
                self._writer.close()
                await self._writer.wait_closed()
            except OSError:
                pass
            self._reader = None

    def _end(self, fault: str) -> None:
        self.fault = fault
        self.deadline_s = _NEVER
        if self._conversation is not None:
            self._conversation.cancel()

    def _backoff_ms(self) -> int:
        delay_s = min(_BACKOFF_S_MAX, 1 << min(self._failures, 9))
        # Jitter keeps the nodes of a city from coming back at the same second.
        return delay_s * 500 + delay_s * 500 * self._random(1)[0] // 255

    # -- sending

    async def _work(self) -> None:
        while self._pubacks:
            await self._send(mqtt.puback(self._pubacks.pop(0)))
        if self._is_greeted:
            now = self._clock.uptime()
            if self._seek:
                self._journal.rewind(self._seek)
                self._seek = self._in_flight = 0
            while self._in_flight < self._credit and await self._batch():
                pass
            if self._must_ask(now):
                await self._hello()
            elif self._must_ping(now):
                self._pinged_s = now
                await self._send(mqtt.PING)

    def _must_ask(self, now: int) -> bool:
        return self._credit == 0 and now - self._sent_s >= _CREDIT_QUESTION_S

    def _must_ping(self, now: int) -> bool:
        silent_s = now - self._sent_s
        return self._pinged_s == _NEVER and 4 * silent_s >= 3 * self._config.keepalive_s

    async def _hello(self) -> None:
        journal = self._journal
        hello = Hello(
            self._config.node,
            journal.epoch,
            self._nonce,
            journal.oldest(),
            journal.flushed,
            self._config.version,
            self._version,
        )
        self.deadline_s = self._clock.uptime() + self._config.ack_timeout_s
        await self._publish(build_hello(hello, self._keys))

    async def _batch(self) -> bool:
        journal = self._journal
        cursor = journal.cursor
        if cursor.seq > journal.flushed:
            return False
        entry = cursor.entry()
        if entry is None:
            return False
        builder = self._builder
        builder.begin(self._nonce, cursor.seq, cursor.chain)
        following = cursor.seq
        # A jump in the numbers starts a new batch: its first entry is the tombstone that names it.
        while entry is not None and cursor.seq == following and builder.add(entry):
            cursor.advance()
            following += 1
            entry = cursor.entry()
        journal.name_losses()
        if not self._in_flight:
            self._progress_s = self._clock.uptime()
        self._in_flight += 1
        await self._publish(builder.finish())
        return True

    async def _publish(self, message: "Buffer") -> None:
        self._packet_id = self._packet_id % 0xFFFF + 1
        head = mqtt.publish_head(self._up, self._packet_id, len(message))
        await self._send(head, message)

    async def _send(self, head: bytes, rest: "Buffer" = b"") -> None:
        self._sent_s = self._clock.uptime()
        writer = self._writer
        writer.write(head)
        view = memoryview(rest)
        # What the socket doesn't take at once is copied: small pieces keep the copies small.
        for at in range(0, len(view), _CHUNK_BYTES):
            writer.write(view[at : at + _CHUNK_BYTES])
            await writer.drain()
        if not view:
            await writer.drain()

    # -- receiving

    async def _next_packet(self) -> "tuple[int, int, memoryview]":
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
        packet = await self._next_packet()
        if packet[0] != kind:
            raise mqtt.MqttError("packet type %d instead of %d" % (packet[0], kind))
        return packet[2]

    async def _receive(self) -> None:
        try:
            while True:
                kind, flags, rest = await self._next_packet()
                if kind == mqtt.PUBLISH:
                    self._take(flags, rest)
                elif kind == mqtt.PINGRESP:
                    self._pinged_s = _NEVER
        except (OSError, EOFError, mqtt.MqttError) as problem:
            self.fault = repr(problem)
        self._broken = True
        self._wake.set()

    def _take(self, flags: int, rest: memoryview) -> None:
        packet_id, payload = mqtt.publication(flags, rest)
        if packet_id:
            self._pubacks.append(packet_id)
        try:
            ack = parse_ack(payload, self._keys)
        except UplinkError as problem:
            self.fault = repr(problem)
        else:
            # An acknowledgement of an earlier connection may not rewind or advance this one.
            if ack.nonce == self._nonce and ack.epoch == self._journal.epoch:
                self._acknowledged(ack)
        self._wake.set()

    def _acknowledged(self, ack: "Ack") -> None:
        journal = self._journal
        self._on_time(ack.time)
        self._credit = ack.credit
        self._progress_s = self._clock.uptime()
        if ack.answers_hello:
            self.deadline_s = _NEVER
            self._failures = self._strikes = 0
            self._is_greeted = True
            self.turns += 1
            journal.acknowledge(ack.cumulative)
            self._seek = ack.cumulative + 1
            return
        if self._in_flight:
            self._in_flight -= 1
        if ack.cumulative > journal.delivered:
            journal.acknowledge(ack.cumulative)
            self._strikes = 0
        # What isn't held any more can't be sent again: the tombstone that names it is on its way.
        held = bool(ack.gaps) and ack.gaps[0][1] >= journal.oldest()
        if held and self._rewound != ack.cumulative:
            self._rewound = ack.cumulative
            self._seek = ack.cumulative + 1

    def _resend(self) -> None:
        self._strikes += 1
        if self._strikes >= _STRIKES_MAX:
            self._end("the gateway does not acknowledge")
            return
        self._progress_s = self._clock.uptime()
        self._seek = self._journal.delivered + 1
        self._wake.set()
