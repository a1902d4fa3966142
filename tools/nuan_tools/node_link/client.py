"""A node's console as programs use it: one JSON line asks, one JSON line answers.

    with ConsoleClient("/dev/ttyUSB0") as node:
        node.unlock(key)
        node.request("status")["version"]

The node prints other things, too (a log line, a traceback of a part that was started again), so
whatever doesn't begin with "{" is passed over, and an answer to another request as well.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from types import TracebackType
from typing import Any, Self, cast

from nuan_protocols.uplink.console_key import console_answer
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr
from nuan_tools.node_link.port import BAUD, Port, PortError, open_port

# An ESP32 keeps this many bytes of input while its program is busy; a longer line would be lost.
LINE_BYTES_MAX = 256
# Of a file that is transferred, in one request: with the frame around it, it fits a line.
PIECE_BYTES = 120
ANSWER_S = 10.0
# Between two bytes of an answer; a name look-up may hold up a node for some seconds.
_TRIES = 3
_CLEAR_LINE = b"\x15"
_ID_MAX = 1 << 20


class NoAnswerError(UserError):
    """Nothing at the port answers as a node does."""


class RefusedError(UserError):
    """The node has answered, and says no; `answer` is all it said."""

    def __init__(self, command: str, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.reason = str(answer.get("error", ""))
        super().__init__(
            tr("the node refuses {command}: {reason}", command=command, reason=self.reason)
        )

    @property
    def is_locked(self) -> bool:
        """Whether the console only has to be unlocked."""
        return self.answer.get("locked") is True


class ConsoleClient:
    """One node at a port: /dev/ttyUSB0, COM3, a pseudo-terminal's path, or tcp://host:port.

    Raises NoAnswerError, RefusedError and PortError, all of them UserError.
    """

    def __init__(self, port: str | Port, *, baud: int = BAUD, answer_s: float = ANSWER_S) -> None:
        self._port = open_port(port, baud) if isinstance(port, str) else port
        self._answer_s = answer_s
        self._id = 0
        self._received = b""

    def request(
        self, command: str, *, answer_s: float | None = None, tries: int = 1, **args: Any
    ) -> dict[str, Any]:
        """Ask, and return the answer's members. What is asked more than once (`tries`) must do no
        harm when it is done twice."""
        wait_s = self._answer_s if answer_s is None else answer_s
        for _ in range(tries):
            self._send(command, args)
            answer = self._await(self._port.now_s() + wait_s)
            if answer is not None:
                break
        else:
            raise NoAnswerError(
                tr(
                    "{port}: no node answers; check the cable, the port, and that no other program "
                    "holds it",
                    port=self._port.name,
                )
            )
        if answer.get("ok") is not True:
            raise RefusedError(command, answer)
        return answer

    def unlock(self, key: bytes) -> None:
        """Open the console with the node's 32-byte key; nothing to do when it is open."""
        asked = self.request("unlock", tries=_TRIES)
        challenge = asked.get("challenge")
        if isinstance(challenge, str):
            self.request("unlock", answer=console_answer(key, challenge))

    def transfer(
        self,
        command: str,
        content: bytes,
        progress: Callable[[int], None] | None = None,
        **args: Any,
    ) -> dict[str, Any]:
        """Bring a file to `config`, `update` or `key`, from where an earlier try has ended;
        `progress` is told how many bytes are there. Returns the answer to its end."""
        digest = sha256(content).hexdigest()
        begun = self.request(
            command, do="begin", size=len(content), sha256=digest, tries=_TRIES, **args
        )
        at = _next(command, begun, len(content))
        while at < len(content):
            if progress:
                progress(at)
            piece = b64encode(content[at : at + PIECE_BYTES]).decode()
            answer = self.request(command, do="data", at=at, data=piece, tries=_TRIES)
            following = _next(command, answer, len(content))
            if following == at:
                raise RefusedError(command, {"error": f"took nothing at byte {at}"})
            at = following
        if progress:
            progress(at)
        return self.request(command, do="end", answer_s=60)

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, command: str, args: dict[str, Any]) -> None:
        self._id = self._id % _ID_MAX + 1
        asked = {"id": self._id, "cmd": command, **args}
        line = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > LINE_BYTES_MAX:
            raise UserError(
                tr(
                    "{command}: a request has at most {most} bytes, this one has {count}",
                    command=command,
                    most=LINE_BYTES_MAX,
                    count=len(line),
                )
            )
        self._received = b""
        self._port.discard()
        self._port.write(_CLEAR_LINE + line)

    def _await(self, deadline: float) -> dict[str, Any] | None:
        """The answer to the last request; None when none comes in time, or a damaged one."""
        while True:
            line = self._line(deadline)
            if line is None:
                return None
            if not line.startswith(b"{"):
                continue
            try:
                answer = json.loads(line)
            except ValueError:
                # Damaged on its way: as good as none.
                return None
            if isinstance(answer, dict):
                members = cast("dict[str, Any]", answer)
                if members.get("id") == self._id:
                    return members

    def _line(self, deadline: float) -> bytes | None:
        while True:
            end = self._received.find(b"\n")
            if end >= 0:
                line = self._received[:end].strip()
                self._received = self._received[end + 1 :]
                return line
            left_s = deadline - self._port.now_s()
            if left_s <= 0:
                return None
            self._received += self._port.read(left_s)


def _next(command: str, answer: dict[str, Any], size: int) -> int:
    """The byte the node wants next; raises RefusedError for what is none of a file this long."""
    following = answer.get("next")
    if type(following) is not int or not 0 <= following <= size:
        raise RefusedError(command, {"error": f"wants byte {following!r} of {size}"})
    return following


__all__ = ["ConsoleClient", "NoAnswerError", "PortError", "RefusedError"]
