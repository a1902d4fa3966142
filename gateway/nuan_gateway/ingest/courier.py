"""Brings queued commands to their nodes and takes the results; used by the writer's thread.

A node gets one command at a time, bound to its session's nonce and a counter. It is published
before the answer to whatever the node says, or pushed to a node that says nothing. Unanswered it is
sent again, the same bytes; in a new session it is made anew. A transfer goes piece by piece, from
the offset that the node names. What became of it all is in the database with the messages that
told so; what is remembered here may be forgotten at any time.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from nuan_gateway.command_queue import CommandError, Orders
from nuan_gateway.ingest.messages import Authentic
from nuan_gateway.plain_text import plain
from nuan_gateway.site import Site
from nuan_gateway.store import commands
from nuan_gateway.store.commands import NodeState, StoredCommand
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink import result as results
from nuan_protocols.uplink.batch_reader import Batch
from nuan_protocols.uplink.body import EVENT_CONFIGURATION
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EVENT
from nuan_protocols.uplink.entry_reader import parse_event
from nuan_protocols.uplink.hello import Hello
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.result import Result

RETRY_MIN_MS = 30_000
RETRY_MAX_MS = 900_000
UNANSWERED_MAX = 8
"""How often a node that speaks may leave a command without a result."""
GATEWAY = "gateway"
"""Who queues what nobody has asked for."""

_ROLLED_BACK = "trial rolled back"
_COUNTER_TICK_MS = 16
_STATES = {
    results.DONE: commands.DONE,
    results.REFUSED: commands.REFUSED,
    results.FAILED: commands.FAILED,
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Session:
    """What is known of one connection of a node; `command` has no result yet, `transfer` has begun
    and goes on at `offset` (0: none)."""

    epoch: bytes
    nonce: bytes
    counter: int
    command: int = 0
    message: bytes = b""
    transfer: int = 0
    offset: int = 0
    sent_ms: int = 0
    times: int = 0
    unanswered: int = 0

    def is_late(self, now_ms: int) -> bool:
        """Whether the command's result should have come."""
        pause_ms = min(RETRY_MAX_MS, RETRY_MIN_MS << min(self.times, 8))
        return bool(self.command) and now_ms - self.sent_ms >= pause_ms


class Courier:
    """One for all nodes. With `push_config` a node that has an older configuration than the site
    is offered the site's."""

    def __init__(
        self,
        keys_of: Callable[[str], NodeKeys],
        site: Site | None = None,
        *,
        push_config: bool = True,
    ) -> None:
        self._keys_of = keys_of
        self._site = site
        self._push_config = push_config and site is not None
        self._sessions: dict[str, _Session] = {}
        # Of the transaction at hand; None: to be asked for.
        self._waiting: list[StoredCommand] | None = None

    def begin(self) -> None:
        """A transaction begins."""
        self._waiting = None

    def forget(self) -> None:
        """A transaction failed: what was remembered in it may not be so."""
        self._sessions.clear()

    def is_due(self, connection: Connection, now_ms: int) -> bool:
        """Whether push() would do something."""
        for command in commands.open_commands(connection):
            session = self._sessions.get(command.node)
            if command.expires_at <= now_ms:
                return True
            if command.state == commands.TRIAL:
                continue
            if session is None:
                if commands.state_of(connection, command.node) is not None:
                    return True
            elif not session.command or session.is_late(now_ms):
                return True
        return False

    def push(self, connection: Connection, now_ms: int) -> list[tuple[str, bytes]]:
        """(node, COMMAND) for every node that has waited for one long enough."""
        pushed: list[tuple[str, bytes]] = []
        for node in sorted({command.node for command in self._open(connection, now_ms)}):
            if node not in self._sessions:
                state = commands.state_of(connection, node)
                if state is None:
                    continue
                self._begin(node, bytes.fromhex(state.epoch), bytes.fromhex(state.nonce), now_ms)
            message = self._next(connection, node, now_ms)
            if message is not None:
                pushed.append((node, message))
        return pushed

    def answer(self, connection: Connection, message: Authentic, now_ms: int) -> bytes | None:
        """Take what a node says of commands; the COMMAND to publish before its acknowledgement."""
        node, content = message.node, message.content
        known = self._sessions.get(node)
        if known is None or (known.nonce, known.epoch) != (content.nonce, content.epoch):
            self._begin(node, content.epoch, content.nonce, now_ms)
        if isinstance(content, Hello):
            self._note_hello(connection, node, content, now_ms)
        elif isinstance(content, Result):
            self._note_result(connection, node, content, now_ms)
        else:
            self._note_events(connection, node, content, now_ms)
        session = self._sessions[node]
        if session.is_late(now_ms):
            session.unanswered += 1
            if session.unanswered > UNANSWERED_MAX:
                self._give_up(connection, session, now_ms)
        return self._next(connection, node, now_ms)

    def _open(self, connection: Connection, now_ms: int) -> list[StoredCommand]:
        """The commands that wait; those whose time is over end here."""
        if self._waiting is None:
            found = commands.open_commands(connection)
            for command in found:
                if command.expires_at > now_ms:
                    continue
                if command.state == commands.TRIAL:
                    self._end(connection, command, commands.FAILED, "not heard of since", now_ms)
                else:
                    result = "not delivered in time"
                    self._end(connection, command, commands.EXPIRED, result, now_ms)
            self._waiting = [each for each in found if each.expires_at > now_ms]
        return self._waiting

    # -- what nodes say

    def _begin(self, node: str, epoch: bytes, nonce: bytes, now_ms: int) -> None:
        # Where a gateway that was restarted counted to, nobody knows: begin where it can't have
        # been at this instant, and let the node's result tell where it stands.
        counter = now_ms // _COUNTER_TICK_MS & 0x7FFFFFFF
        self._sessions[node] = _Session(epoch, nonce, counter)

    def _note_hello(self, connection: Connection, node: str, hello: Hello, now_ms: int) -> None:
        before = commands.state_of(connection, node)
        state = NodeState(
            node,
            hello.epoch.hex(),
            hello.nonce.hex(),
            plain(hello.firmware),
            hello.config_version,
            hello.oldest,
            hello.newest,
            now_ms,
        )
        commands.save_state(connection, state)
        transfer = commands.latest_configuration(connection, node)
        reconnected = before is None or before.nonce != state.nonce
        if transfer is not None and transfer.state not in (commands.DONE, commands.EXPIRED):
            if transfer.version == hello.config_version:
                self._end(connection, transfer, commands.DONE, "in use", now_ms)
                transfer = None
            elif transfer.state == commands.TRIAL and reconnected:
                result = f"the node runs version {hello.config_version} again"
                self._end(connection, transfer, commands.FAILED, result, now_ms)
        self._offer(connection, node, hello.config_version, now_ms)

    def _offer(self, connection: Connection, node: str, version: int, now_ms: int) -> None:
        """Queue the site's configuration for a board that has an older one."""
        site = self._site
        if site is None or not self._push_config:
            return
        found = next((each for each in site.boards if each.id == node), None)
        if found is None or found.config_version <= version:
            return
        last = commands.latest_configuration(connection, node)
        if last is not None and last.version == found.config_version and last.state in (
            *commands.OPEN,
            commands.REFUSED,
            commands.FAILED,
        ):  # fmt: skip
            # What the node didn't want, it isn't offered again before its version is raised.
            return
        try:
            Orders(connection, site, GATEWAY, now_ms).config(node)
            self._waiting = None
        except CommandError as error:
            log.error("%s", error)

    def _note_events(self, connection: Connection, node: str, batch: Batch, now_ms: int) -> None:
        for entry in batch.entries:
            if entry.kind != KIND_EVENT:
                continue
            try:
                code, text = parse_event(entry.canonical[HEAD_BYTES:])
            except ProtocolError:
                continue
            if code != EVENT_CONFIGURATION:
                continue
            transfer = commands.latest_configuration(connection, node)
            states = (commands.TRIAL, commands.FAILED)
            if text.startswith(_ROLLED_BACK) and transfer and transfer.state in states:
                self._end(connection, transfer, commands.FAILED, plain(text), now_ms)

    def _note_result(self, connection: Connection, node: str, result: Result, now_ms: int) -> None:
        session = self._sessions[node]
        if result.counter > session.counter:
            # The node is ahead: another gateway process has commanded it in this session.
            session.counter = result.counter
            session.command = 0
            return
        if result.counter < session.counter or not session.command:
            return
        found = commands.latest(connection, 1, ids=[session.command])
        if not found:
            session.command = 0
            return
        command = found[0]
        session.times = session.unanswered = 0
        if result.status == results.GO_ON:
            if command.code == wire.BEGIN:
                session.command, session.offset = 0, result.offset
                session.transfer = command.id
                commands.change(connection, command.id, done_bytes=result.offset)
            return
        session.command = session.transfer = 0
        state = _STATES[result.status]
        if state == commands.DONE and command.version is not None:
            state = commands.TRIAL
        self._end(connection, command, state, plain(result.text), now_ms)

    def _end(
        self, connection: Connection, command: StoredCommand, state: str, result: str, now_ms: int
    ) -> None:
        log.info("node %s: %s: %s, %s", command.node, command.what, state, result)
        commands.change(connection, command.id, state=state, result=result, ended_at=now_ms)
        commands.forget_files(connection)
        self._waiting = None

    def _give_up(self, connection: Connection, session: _Session, now_ms: int) -> None:
        for command in commands.latest(connection, 1, ids=[session.command]):
            self._end(connection, command, commands.FAILED, "the node gives no result", now_ms)
        session.command = session.transfer = session.unanswered = 0

    # -- what is sent

    def _next(self, connection: Connection, node: str, now_ms: int) -> bytes | None:
        session = self._sessions[node]
        if session.command:
            if not session.is_late(now_ms):
                return None
            session.times += 1
            session.sent_ms = now_ms
            return session.message
        waiting = self._open(connection, now_ms)
        ours = (each for each in waiting if each.node == node and each.state != commands.TRIAL)
        command = next(ours, None)
        if command is None:
            return None
        code, payload = self._step(connection, command, session, now_ms)
        session.counter = max(1, session.counter + 1 & wire.COUNTER_MAX)
        session.message = wire.build_command(
            wire.Command(
                bytes.fromhex(node), session.epoch, session.nonce, session.counter, code, payload
            ),
            self._keys_of(node),
        )
        session.command, session.sent_ms, session.times = command.id, now_ms, 0
        if command.state == commands.QUEUED:
            commands.change(connection, command.id, state=commands.SENT, sent_at=now_ms)
            self._waiting = None
        return session.message

    def _step(
        self, connection: Connection, command: StoredCommand, session: _Session, now_ms: int
    ) -> tuple[int, bytes]:
        """(code, payload) of what comes next of a command."""
        if command.code == wire.TIME:
            return wire.TIME, wire.number_payload(now_ms // 1000)
        if command.code != wire.BEGIN or session.transfer != command.id:
            return command.code, command.payload
        _, size, _ = wire.parse_begin(command.payload)
        if session.offset >= size:
            return wire.END, b""
        piece = commands.piece(connection, command.file or "", session.offset, wire.PIECE_BYTES_MAX)
        return wire.DATA, wire.data_payload(session.offset, piece)
