"""The gateway and the heating company's receiver as processes of their own.

Both are what a user starts; here they are started, awaited and stopped (or killed) by a program.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from nuan_tools.errors import UserError

READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
_POLL_S = 0.02
_LOG_TAIL_BYTES = 2000


class Process:
    """A child that writes to a log file; killed at the end if it doesn't stop when asked."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start `command` at once; its output is appended to `log`."""
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def alive(self) -> bool:
        """Tell whether the child still runs."""
        return self._child.poll() is None

    def kill(self) -> None:
        """SIGKILL, as a power cut does it, and wait until it is gone."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Ask it to end; kill it when it doesn't within STOP_TIMEOUT_S."""
        if not self.alive():
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def await_json(self, path: Path) -> dict[str, object]:
        """Wait until the child has written `path` with its own pid; UserError if it ends first."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            document = _read_json(path)
            if document.get("pid") == self.pid:
                return document
            if not self.alive():
                raise UserError(f"the {self.name} did not start: {self.last_words()}")
            time.sleep(_POLL_S)
        raise UserError(
            f"the {self.name} was not ready after {READY_TIMEOUT_S} s; its log is {self.log}"
        )

    def last_words(self) -> str:
        """The last line of the log, or where to look."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended without a word (log: {self.log})"

    def __enter__(self) -> Self:
        """The process itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()


def _read_json(path: Path) -> dict[str, object]:
    try:
        return cast(dict[str, object], json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


class Gateway(Process):
    """`nuan gateway run SETTINGS`, ready when its broker answers; `port` is the broker's."""

    def __init__(self, folder: Path) -> None:
        """`folder` is one laid out by season.layout."""
        super().__init__(
            "gateway",
            [sys.executable, "-m", "nuan_tools", "gateway", "run", str(folder / "gateway.toml")],
            folder / "gateway.log",
        )
        ready = self.await_json(folder / "data" / "gateway.json")
        self.port = int(str(ready["port"]))


class Receiver(Process):
    """The heating company's side of the feed, on a free loopback port; `url` is its address."""

    def __init__(self, folder: Path, *options: str) -> None:
        """`options` go to the receiver, such as `--fail-rate 0.1`."""
        self.database = folder / "receiver.sqlite"
        ready_file = folder / "receiver.json"
        super().__init__(
            "receiver",
            [
                sys.executable,
                "-m",
                "nuan_emulator.receiver",
                "--db",
                str(self.database),
                "--ready",
                str(ready_file),
                *options,
            ],
            folder / "receiver.log",
        )
        ready = self.await_json(ready_file)
        self.port = int(str(ready["port"]))
        self.url = f"http://127.0.0.1:{self.port}"
