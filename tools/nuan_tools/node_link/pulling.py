"""Takes a node's journal over its console into a file, and goes on where an earlier try ended."""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import crc32
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nuan_gateway.errors import GatewayError
from nuan_gateway.ingest.pull_file import Damage, header, node_of, record, records
from nuan_protocols.uplink.batch import COUNT_AT
from nuan_protocols.uplink.fields import uint
from nuan_protocols.uplink.message import HEAD_BYTES, MESSAGE_BYTES_MAX, TYPE_BATCH, parse_head
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr
from nuan_tools.node_link.client import ConsoleClient, NoAnswerError, RefusedError

_TRIES = 5
_ANSWER_S = 15.0


@dataclass(frozen=True, slots=True)
class Journal:
    """What a node holds: numbers `oldest` to `newest` of the journal `epoch`."""

    node: str
    epoch: str
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class PullResult:
    """What came; `first` is where the numbers asked for begin, `messages` how many were written."""

    journal: Journal
    first: int
    messages: int
    was_resumed: bool


class _Earlier:
    """What a file holds already."""

    def __init__(self, path: Path) -> None:
        self.node = ""
        self.end = 0
        self.next: dict[str, int] = {}
        data = path.read_bytes() if path.exists() else b""
        if not data:
            return
        try:
            self.node = node_of(data, path).hex()
        except GatewayError as error:
            raise UserError(
                tr("{problem}; give another file with -o", problem=str(error))
            ) from None
        self.end = len(data)
        for each in records(data):
            if isinstance(each, Damage):
                if each.offset + each.size == len(data):
                    # The last try broke off within a message: it comes again.
                    self.end = each.offset
                continue
            head = parse_head(each.message)
            if head.type == TYPE_BATCH:
                first = uint(each.message, HEAD_BYTES, 4)
                count = uint(each.message, COUNT_AT, 2)
                epoch = head.epoch.hex()
                known = self.next.get(epoch, 1)
                # A tombstone comes alone, ahead of what stands behind the gap that it names.
                if count > 1 or first <= known:
                    self.next[epoch] = max(first + count, known)


def pull(
    client: ConsoleClient,
    path: Path,
    first: int | None = None,
    progress: Callable[[Journal, int], None] | None = None,
) -> PullResult:
    """Write HELLO and batches behind what the file holds; `progress` is told the next number.

    From `first` on, else from where the file ends, else from the oldest. Raises UserError; what is
    in the file by then is sound, and the next call goes on behind it.
    """
    earlier = _Earlier(path)
    journal, hello = _begin(client)
    if earlier.node and earlier.node != journal.node:
        raise UserError(
            tr(
                "{file} holds the journal of node {theirs}, this is node {ours}; give another file",
                file=path,
                theirs=earlier.node,
                ours=journal.node,
            )
        )
    resumed = earlier.next.get(journal.epoch)
    seq = max(1, first or resumed or journal.oldest)
    begun_at = seq
    messages = 0
    with path.open("r+b" if earlier.node else "wb") as file:
        file.truncate(earlier.end)
        file.seek(earlier.end)
        if not earlier.node:
            file.write(header(bytes.fromhex(journal.node)))
        _write(file, hello)
        stayed = False
        while True:
            if progress:
                progress(journal, seq)
            answer = _next(client, seq)
            if "message" not in answer:
                break
            _write(file, _message(answer))
            messages += 1
            stays = seq == answer.get("next")
            seq = _following(answer, seq, may_stay=not stayed)
            stayed = stays
        os.fsync(file.fileno())
    return PullResult(journal, begun_at, messages, first is None and resumed is not None)


def _begin(client: ConsoleClient) -> tuple[Journal, bytes]:
    for _ in range(_TRIES):
        answer = client.request("pull", tries=_TRIES, answer_s=_ANSWER_S)
        message = _message(answer)
        if message:
            journal = Journal(
                str(answer["node"]),
                str(answer["epoch"]),
                int(answer["oldest"]),
                int(answer["newest"]),
            )
            return journal, message
    raise _damaged()


def _next(client: ConsoleClient, seq: int) -> dict[str, Any]:
    """The node's answer, whose message is as the node has sent it."""
    for _ in range(_TRIES):
        try:
            answer = client.request("pull", tries=_TRIES, answer_s=_ANSWER_S, **{"from": seq})
        except RefusedError as refused:
            if refused.is_locked:
                raise
            # It was restarted, or hasn't heard from us for a minute.
            _begin(client)
            continue
        if "message" not in answer or _message(answer):
            return answer
    raise _damaged()


def _following(answer: dict[str, Any], seq: int, *, may_stay: bool) -> int:
    """The number behind a batch; raises NoAnswerError for one that would have no end.

    With `may_stay` the same number again, as behind a tombstone that is sent ahead.
    """
    following = answer.get("next")
    if not isinstance(following, int) or following < seq + (not may_stay):
        raise _damaged()
    return following


def _message(answer: dict[str, Any]) -> bytes:
    """The message; empty when it was damaged on its way."""
    try:
        message = b64decode(answer["message"], validate=True)
    except (KeyError, TypeError, ValueError):
        return b""
    if len(message) > MESSAGE_BYTES_MAX:
        return b""
    return message if crc32(message) == answer.get("crc") else b""


def _damaged() -> NoAnswerError:
    return NoAnswerError(
        tr("the node's answers are damaged on their way; try another cable or a shorter one")
    )


def _write(file: BinaryIO, message: bytes) -> None:
    file.write(record(message))
    file.flush()
