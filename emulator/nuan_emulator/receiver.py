"""The heating company's end of the feed: a real HTTP server that stores messages in SQLite.

    POST /v1/messages      {"messages": [{"key", "kind", "payload"}, ...]}
      Nuan-Key-Id: <16 hex digits: SHA-256 of the Ed25519 public key, its first 8 bytes>
      Nuan-Signature: ed25519=<base64 of the signature over the raw body>
    200 {"accepted": [keys]}     stored, or stored before: the sender may forget them
    400, 409, 413                will never be accepted as it is; {"error": why}
    401, 500, no answer          nothing is wrong with the messages: try again later

    POST /control          {"down": true, "fail_rate": 0.1, "lose_answer_rate": 0.1}, loopback only
    GET /status            counts; loopback only

Delivery is at least once, so a message may arrive again: its idempotency key tells.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, cast

from nuan_emulator.receiver_keys import TrustedKeys
from nuan_emulator.receiver_store import FeedError, MessageStore, parse_messages

BODY_BYTES_MAX = 16 * 1024 * 1024
MESSAGES_PATH = "/v1/messages"
REQUEST_TIMEOUT_S = 30


class Mood:
    """How well the company's server works at present; drawn from a seed, changed by /control."""

    def __init__(self, seed: int, fail_rate: float, lose_answer_rate: float) -> None:
        """`fail_rate`: 500 before anything is stored; `lose_answer_rate`: 500 after it was."""
        self._rng = Random(f"{seed}/receiver")  # noqa: S311 - a simulation, not a secret
        self._lock = threading.Lock()
        self.down = False
        self.fail_rate = fail_rate
        self.lose_answer_rate = lose_answer_rate

    def draw(self) -> tuple[bool, bool]:
        """(fail before storing, lose the answer after storing) of the next request."""
        with self._lock:
            fails = self._rng.random() < self.fail_rate
            return fails, self._rng.random() < self.lose_answer_rate

    def change(self, wish: dict[str, object]) -> None:
        """Apply a /control message; FeedError for an unknown key or a value out of range."""
        for key, value in wish.items():
            is_rate = isinstance(value, int | float) and not isinstance(value, bool)
            if key == "down" and isinstance(value, bool):
                self.down = value
            elif key in ("fail_rate", "lose_answer_rate") and is_rate:
                rate = float(cast(float, value))
                if not 0 <= rate <= 1:
                    raise FeedError(400, f"{key} {rate} is outside 0..1")
                setattr(self, key, rate)
            else:
                raise FeedError(400, f"no such control: {key} = {value!r}")


class Receiver(ThreadingHTTPServer):
    """The server of one company: its store, its mood, and the keys it trusts."""

    daemon_threads = True

    def __init__(self, port: int, store: MessageStore, mood: Mood, trusted: TrustedKeys) -> None:
        """Listens on 127.0.0.1; port 0 takes a free one, see `server_port`."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.store = store
        self.mood = mood
        self.trusted = trusted

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that went away is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(cast(Any, request), client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = REQUEST_TIMEOUT_S
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Messages and control."""
        receiver = cast(Receiver, self.server)
        try:
            body = self._body()
            if self.path == "/control":
                self._require_loopback()
                receiver.mood.change(_object(body))
                self._reply(200, {})
            elif self.path == MESSAGES_PATH:
                self._messages(receiver, body)
            else:
                raise FeedError(404, f"no such path: {self.path}")
        except FeedError as error:
            self._reply(error.status, {"error": error.reason})

    def do_GET(self) -> None:
        """Counts of what was received."""
        try:
            if self.path != "/status":
                raise FeedError(404, f"no such path: {self.path}")
            self._require_loopback()
            self._reply(200, cast(Receiver, self.server).store.counts())
        except FeedError as error:
            self._reply(error.status, {"error": error.reason})

    def _messages(self, receiver: Receiver, body: bytes) -> None:
        if receiver.mood.down:
            # A dead host: the connection ends without an answer.
            self.close_connection = True
            return
        fails, loses_answer = receiver.mood.draw()
        if fails:
            receiver.store.count("failed")
            raise FeedError(500, "out of order, try again")
        key_id = self.headers.get("Nuan-Key-Id", "")
        receiver.trusted.check(key_id, self.headers.get("Nuan-Signature", ""), body)
        accepted = receiver.store.accept(parse_messages(body), key_id)
        if loses_answer:
            receiver.store.count("answers_lost")
            raise FeedError(500, "stored, but the answer was lost")
        self._reply(200, {"accepted": accepted})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise FeedError(411, "Content-Length is missing")
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            raise FeedError(413, f"body of {length} bytes: at most {BODY_BYTES_MAX}")
        return self.rfile.read(int(length))

    def _require_loopback(self) -> None:
        if not str(self.client_address[0]).startswith("127."):
            raise FeedError(403, "only from the same machine")

    def _reply(self, status: int, content: object) -> None:
        data = json.dumps(content, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: /status tells."""


def _object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError:
        raise FeedError(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise FeedError(400, "the body is not a JSON object")
    return cast(dict[str, object], value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; prints {"pid", "port"} on one line when ready."""
    options = _parse(arguments)
    mood = Mood(options.seed, 0.0, 0.0)
    try:
        mood.change(
            {
                "down": options.down,
                "fail_rate": options.fail_rate,
                "lose_answer_rate": options.lose_answer_rate,
            }
        )
        store = MessageStore(options.db)
        server = Receiver(options.port, store, mood, TrustedKeys(options.trust))
    except FeedError as error:
        return _refuse(error.reason)
    except sqlite3.Error as error:
        return _refuse(f"{options.db}: {error}; name a file in a folder that can be written")
    except OSError as error:
        return _refuse(f"port {options.port}: {error.strerror}; choose another with --port")
    stop = threading.Thread(target=server.shutdown)

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        if stop.ident is None:
            stop.start()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    _announce(server.server_port, options.ready)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    store.close()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nuan_emulator.receiver", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="SQLite file, made when missing")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fail-rate", type=float, default=0.0, help="500 before storing")
    parser.add_argument("--lose-answer-rate", type=float, default=0.0, help="500 after storing")
    parser.add_argument("--down", action="store_true", help="begin without answering")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="KEY",
        help="public key of a sender: 64 hex digits or a PEM file, which may appear later",
    )
    parser.add_argument("--ready", type=Path, help="write {pid, port} to this file when ready")
    return parser.parse_args(arguments)


def _refuse(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 2


def _announce(port: int, ready: Path | None) -> None:
    line = json.dumps({"pid": os.getpid(), "port": port}) + "\n"
    if ready is not None:
        whole = ready.with_suffix(ready.suffix + ".new")
        whole.write_text(line, "utf-8")
        whole.replace(ready)
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
