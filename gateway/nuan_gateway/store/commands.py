"""What each node last said of itself, and the commands that it was, is and will be given."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, LargeBinary, delete, func, insert, select, update

from nuan_gateway.store.dialect import insert_ignore, upsert
from nuan_gateway.store.schema import node_command, node_file, node_state

QUEUED = "queued"
SENT = "sent"
TRIAL = "trial"
"""The node has a configuration and must prove that it reaches the gateway with it."""
DONE = "done"
REFUSED = "refused"
FAILED = "failed"
EXPIRED = "expired"
OPEN = (QUEUED, SENT, TRIAL)


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """A row of node_command; instants are UTC milliseconds."""

    id: int
    node: str
    code: int
    payload: bytes
    file: str | None
    version: int | None
    state: str
    who: str
    what: str
    asked_at: int
    expires_at: int
    sent_at: int | None
    ended_at: int | None
    done_bytes: int
    result: str


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's last HELLO, and when it came, in UTC milliseconds."""

    node: str
    epoch: str
    nonce: str
    firmware: str
    config_version: int
    oldest: int
    newest: int
    hello_at: int


_ANY_OPEN = "SELECT 1 FROM node_command WHERE state IN ('queued', 'sent', 'trial') LIMIT 1"
_COMMAND = [node_command.c[name] for name in StoredCommand.__slots__]
_STATE = [node_state.c[name] for name in NodeState.__slots__]


def add(
    connection: Connection,
    node: str,
    code: int,
    payload: bytes,
    *,
    who: str,
    what: str,
    now_ms: int,
    expires_ms: int,
    content: bytes | None = None,
    version: int | None = None,
) -> int:
    """Queue a command, with the bytes of a transfer; returns its id."""
    digest = None
    if content is not None:
        digest = hashlib.sha256(content).hexdigest()
        insert_ignore(connection, node_file, [{"digest": digest, "content": content}])
    values = {
        "node": node,
        "code": code,
        "payload": payload,
        "file": digest,
        "version": version,
        "state": QUEUED,
        "who": who,
        "what": what,
        "asked_at": now_ms,
        "expires_at": expires_ms,
    }
    done = connection.execute(insert(node_command).values(values))
    return int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted


def open_commands(connection: Connection) -> list[StoredCommand]:
    """Those that have not come to an end, oldest first."""
    # Asked in every transaction, and nearly always there is none.
    if connection.exec_driver_sql(_ANY_OPEN).first() is None:
        return []
    query = select(*_COMMAND).where(node_command.c.state.in_(OPEN)).order_by(node_command.c.id)
    return [StoredCommand(*row) for row in connection.execute(query)]


def latest(
    connection: Connection, count: int, node: str | None = None, ids: Sequence[int] = ()
) -> list[StoredCommand]:
    """The newest first; of one node or with these ids where given."""
    query = select(*_COMMAND).order_by(node_command.c.id.desc()).limit(count)
    if node is not None:
        query = query.where(node_command.c.node == node)
    if ids:
        query = query.where(node_command.c.id.in_(ids))
    return [StoredCommand(*row) for row in connection.execute(query)]


def latest_configuration(connection: Connection, node: str) -> StoredCommand | None:
    """The node's newest command that transfers a configuration."""
    query = select(*_COMMAND).where(
        node_command.c.node == node, node_command.c.version.is_not(None)
    )
    row = connection.execute(query.order_by(node_command.c.id.desc()).limit(1)).first()
    return StoredCommand(*row) if row else None


def change(connection: Connection, command: int, **values: Any) -> None:
    """Set columns of a command."""
    connection.execute(update(node_command).where(node_command.c.id == command).values(values))


def piece(connection: Connection, digest: str, offset: int, count: int) -> bytes:
    """At most `count` bytes of a transfer from `offset` on."""
    content = func.substr(node_file.c.content, offset + 1, count, type_=LargeBinary)
    found = connection.scalar(select(content).where(node_file.c.digest == digest))
    return bytes(found or b"")


def forget_files(connection: Connection) -> None:
    """Remove the bytes of transfers that are over."""
    wanted = select(node_command.c.file).where(
        node_command.c.state.in_((QUEUED, SENT)), node_command.c.file.is_not(None)
    )
    connection.execute(delete(node_file).where(node_file.c.digest.not_in(wanted)))


def save_state(connection: Connection, state: NodeState) -> None:
    """Keep a node's HELLO instead of the one before."""
    upsert(connection, node_state, [{name: getattr(state, name) for name in NodeState.__slots__}])


def states(connection: Connection) -> list[NodeState]:
    """Of all nodes that have ever said HELLO, by node."""
    query = select(*_STATE).order_by(node_state.c.node)
    return [NodeState(*row) for row in connection.execute(query)]


def state_of(connection: Connection, node: str) -> NodeState | None:
    """A node's last HELLO."""
    row = connection.execute(select(*_STATE).where(node_state.c.node == node)).first()
    return NodeState(*row) if row else None
