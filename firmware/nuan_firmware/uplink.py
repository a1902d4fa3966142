"""Sends the journal to the gateway and takes its acknowledgements.

    connection open -> HELLO -> ACK -> batches
         ^___ any fault or deadline: back-off ___|

One task sends, one receives; check(), called at every beat of the supervisor, holds the deadlines,
so that no timer runs for them. Delivered is what the gateway acknowledges, never a PUBACK: after
`ack_timeout_s` without an acknowledgement everything behind the last one is sent again.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import mqtt
from nuan_firmware.connection import NEVER, RefusedError
from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.ack import parse_ack
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.message import MESSAGE_BYTES_DEFAULT, NONCE_BYTES, TYPE_COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nuan_firmware.clock import Clock
    from nuan_firmware.commands import Commands
    from nuan_firmware.config import Config
    from nuan_firmware.connection import Connection
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.ack import Ack
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

_CREDIT_QUESTION_S = const(60)
_STRIKES_MAX = const(3)
# The publications of a broker that ask for a PUBACK and wait for it; a gateway's ask for none.
_PUBACKS_MAX = const(16)
# A message says what time it was when it was made: on the way longer than this, it tells none.
_LATE_S_MAX = const(10)
# What the node's own seconds may be off by, 1 in 8192.
_DRIFT_SHIFT = const(13)


class Uplink:
    """The node's one conversation. `on_time` is told the gateway's UTC of every acknowledgement."""

    def __init__(
        self,
        config: "Config",
        version: str,
        connection: "Connection",
        journal: "Journal",
        keys: "NodeKeys",
        clock: "Clock",
        random_bytes: "Callable[[int], bytes]",
        on_time: "Callable[[int], None]",
    ) -> None:
        self._config = config
        self._version = version
        self.connection = connection
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._random = random_bytes
        self._on_time = on_time
        self.builder = BatchBuilder(
            bytearray(MESSAGE_BYTES_DEFAULT), keys, config.node, journal.epoch
        )
        # While `lent`, journal.cursor and `builder` are somebody else's, once nothing is `sending`.
        self.lent = self.sending = False
        self._wake = asyncio.Event()
        self._pubacks: "list[int]" = []
        self.commands: "Commands | None" = None
        # The highest time that this connection has told, less the uptime then; and that uptime, 0
        # when it has told none.
        self._offset_s = self._offset_at_s = 0
        self._forget()
        self._conversation: "asyncio.Task[None] | None" = None
        self.name = "uplink"
        # Greetings, as the supervisor counts its parts' turns.
        self.turns = 0
        # Since boot: how often what wasn't acknowledged in time was sent again.
        self.resends = 0

    # -- called by others

    @property
    def deadline_s(self) -> int:
        """The uptime at which the supervisor should wonder: a while after check() should have."""
        deadline_s = self.connection.deadline_s
        return deadline_s if deadline_s == NEVER else deadline_s + self._config.ack_timeout_s

    @deadline_s.setter
    def deadline_s(self, uptime_s: int) -> None:
        self.connection.deadline_s = uptime_s

    @property
    def fault(self) -> str:
        """What last ended a connection, or went wrong on it; empty when nothing did."""
        return self.connection.fault

    def is_greeted(self) -> bool:
        """Whether the gateway has acknowledged this connection's HELLO."""
        return self._is_greeted

    def kick(self) -> None:
        """Something was flushed."""
        self._wake.set()

    def send_again(self, seq: int) -> None:
        """Send the journal once more from the number `seq` on, as far as it is held."""
        self._again = seq
        self._wake.set()

    def take_time(self, utc_s: int) -> bool:
        """Take the gateway's time from an authentic message of this connection, unless a broker has
        kept the message, or says it again: time can't go back. False when it wasn't taken."""
        uptime_s = self._clock.uptime()
        offset_s = utc_s - uptime_s
        late_s = self._offset_s - (uptime_s - self._offset_at_s >> _DRIFT_SHIFT) - offset_s
        if not self._offset_at_s or late_s <= 0:
            self._offset_s, self._offset_at_s = offset_s, uptime_s
        elif late_s > _LATE_S_MAX:
            if late_s > (_STRIKES_MAX + 1) * self._config.ack_timeout_s:
                # So old nothing honest is, unless the gateway's clock was put back: another nonce
                # tells these two apart.
                self._end("the gateway's time goes back")
            return False
        self._on_time(utc_s)
        return True

    def take_back(self) -> None:
        """Send again what isn't acknowledged: what was lent is free."""
        self.lent = False
        self._seek = self._journal.delivered + 1
        self._wake.set()

    def check(self) -> None:
        """Hold the deadlines; called at every beat."""
        connection = self.connection
        now = self._clock.uptime()
        if now >= connection.deadline_s:
            self._end("no answer in time")
        elif self._is_greeted:
            timeout = self._config.ack_timeout_s
            if self._in_flight and now - self._progress_s >= timeout:
                self._resend()
            if self._pinged_s != NEVER and now - self._pinged_s >= timeout:
                self._end("the broker answers no ping")
            elif connection.links.check(self._is_idle()):
                self._end("a better link works again")
            elif not connection.links.is_up():
                self._end("the link is down")
            elif self._must_ping(now) or self._must_ask(now):
                self._wake.set()

    def describe(self) -> "dict[str, Any]":
        """The state in plain values, for the console."""
        return {
            "connected": self._is_greeted,
            "fault": self.connection.fault,
            "failures": self.connection.failures,
            "flushed": self._journal.flushed,
            "delivered": self._journal.delivered,
            "in_flight": self._in_flight,
            "credit": self._credit,
            "tls": self._config.tls,
            "links": self.connection.links.describe(),
        }

    async def run(self) -> None:
        """Connect, converse, back off; for ever."""
        connection = self.connection
        while True:
            self._forget()
            self._conversation = asyncio.create_task(self._converse())
            try:
                await self._conversation
            except asyncio.CancelledError:
                pass
            except (OSError, EOFError, ValueError, mqtt.MqttError, RefusedError) as problem:
                # A refused certificate is a ValueError, a broker that dies mid-packet an EOFError.
                connection.failed(problem)
            was_provisional = self._is_provisional
            self._is_greeted = False
            await connection.close()
            if not was_provisional:
                await asyncio.sleep_ms(connection.backoff_ms())

    def rest(self, seconds: int) -> None:  # noqa: ARG002
        """The supervisor starts it again after so many seconds; nothing is due until then."""
        self.connection.deadline_s = NEVER
        self._is_greeted = False
        if self._conversation is not None:
            self._conversation.cancel()

    # -- one connection

    def _forget(self) -> None:
        self._nonce = self._random(NONCE_BYTES)
        self._is_greeted = self._is_provisional = False
        self._credit = self._in_flight = self._strikes = 0
        self._progress_s = self._clock.uptime()
        self._pinged_s = NEVER
        self._seek = self._again = 0
        self._offset_at_s = 0
        self._rewound = -1
        self._broken = False
        self._ended = ""
        self._pubacks[:] = []
        if self.commands is not None:
            self.commands.forget()

    async def _converse(self) -> None:
        connection = self.connection
        await connection.open()
        await self._hello()
        receiver = asyncio.create_task(self._receive())
        try:
            while not self._broken:
                await self._work()
                await self._wake.wait()
                self._wake.clear()
        finally:
            receiver.cancel()
        if not self._is_provisional:
            raise OSError(self._ended or "the connection ended")

    def _end(self, fault: str) -> None:
        """End the conversation, for this reason."""
        self.connection.deadline_s = NEVER
        if self._conversation is not None:
            self._conversation.cancel()
            self.connection.failed(OSError(fault))

    def _is_idle(self) -> bool:
        return not self._in_flight and self._journal.delivered >= self._journal.flushed

    # -- sending

    async def _work(self) -> None:
        while self._pubacks:
            await self.connection.send(mqtt.puback(self._pubacks.pop(0)))
        if self._is_greeted:
            now = self._clock.uptime()
            commands = self.commands
            if commands is not None and commands.due:
                await self._said(commands.result(self._nonce))
            if self._again:
                self._seek, self._again = self._again, 0
            if self._seek and not self.lent:
                self._journal.rewind(self._seek)
                self._seek = self._in_flight = 0
            while not self.lent and self._in_flight < self._credit and await self._batch():
                pass
            if self._must_ask(now):
                await self._hello()
            elif self._must_ping(now):
                self._pinged_s = now
                await self.connection.send(mqtt.PING)

    def _must_ask(self, now: int) -> bool:
        return self._credit == 0 and now - self.connection.sent_s >= _CREDIT_QUESTION_S

    def _must_ping(self, now: int) -> bool:
        silent_s = now - self.connection.sent_s
        return self._pinged_s == NEVER and 4 * silent_s >= 3 * self._config.keepalive_s

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
        self.connection.deadline_s = self._clock.uptime() + self._config.ack_timeout_s
        await self.connection.publish(build_hello(hello, self._keys))

    async def _batch(self) -> bool:
        builder = self.builder
        if not self._journal.next_batch(builder, self._nonce):
            return False
        self.sending = True
        try:
            await self._said(builder.finish())
        finally:
            self.sending = False
        return True

    async def _said(self, message: "Buffer") -> None:
        """Send what an acknowledgement is owed for."""
        if not self._in_flight:
            self._progress_s = self._clock.uptime()
        self._in_flight += 1
        await self.connection.publish(message)

    # -- receiving

    async def _receive(self) -> None:
        try:
            while not self._broken:
                kind, flags, rest = await self.connection.packet()
                if kind == mqtt.PUBLISH:
                    self._take(flags, rest)
                elif kind == mqtt.PINGRESP:
                    self._pinged_s = NEVER
        except (OSError, EOFError, ValueError, MemoryError, mqtt.MqttError) as problem:
            self._ended = repr(problem)
        self._broken = True
        self._wake.set()

    def _take(self, flags: int, rest: memoryview) -> None:
        packet_id, payload = mqtt.publication(flags, rest)
        if packet_id:
            if len(self._pubacks) >= _PUBACKS_MAX:
                raise mqtt.MqttError("the broker doesn't take what it asks for")
            self._pubacks.append(packet_id)
        try:
            if len(payload) > 1 and payload[1] == TYPE_COMMAND:
                self._ordered(payload)
            else:
                ack = parse_ack(payload, self._keys)
                # An acknowledgement of an earlier connection may not rewind or advance this one.
                if ack.nonce == self._nonce and ack.epoch == self._journal.epoch:
                    self._acknowledged(ack)
        except UplinkError as problem:
            self.connection.fault = repr(problem)
        self._wake.set()

    def _ordered(self, message: memoryview) -> None:
        # Over a certificate whose dates were not checked, nothing but the time is taken.
        if self.commands is not None and not self.connection.is_provisional:
            self.commands.take(message, self._nonce)

    def _acknowledged(self, ack: "Ack") -> None:
        journal = self._journal
        self.take_time(ack.time)
        if self.connection.is_provisional:
            # The certificate's dates were not checked by the true time: nothing but it was taken.
            self._is_provisional = self.connection.has_time()
            self._broken = True
            return
        self._credit = ack.credit
        self._progress_s = self._clock.uptime()
        if ack.answers_hello:
            self.connection.greeted()
            self._strikes = 0
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
        # A tombstone is sent before what it stands behind: that gap is still to be filled.
        held = bool(ack.gaps) and journal.oldest() <= ack.gaps[0][1] < journal.cursor.seq
        if held and self._rewound != ack.cumulative:
            self._rewound = ack.cumulative
            self._seek = ack.cumulative + 1

    def _resend(self) -> None:
        self._strikes += 1
        self.resends += 1
        if self._strikes >= _STRIKES_MAX:
            self._end("the gateway does not acknowledge")
            return
        self._progress_s = self._clock.uptime()
        self._seek = self._journal.delivered + 1
        self._wake.set()
