"""A real board on a cable, flashed and provisioned by its owner, its buses wired to real meters."""

from __future__ import annotations

import io
import json
import time
from base64 import b64decode
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from board_worlds import BOOT_S

# mpremote carries no types.
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

from nuan_tools.errors import UserError
from nuan_tools.firmware.keys import SigningKey
from nuan_tools.node_link.client import ConsoleClient, NoAnswerError
from nuan_tools.node_link.opening import key_of
from nuan_tools.node_link.port import BAUD, SerialPort

_PULSE_S = 0.1
_LOOK_S = 0.5
_PROMPT_S = 2


class BenchPort(SerialPort):
    """The board's serial port; RTS pulls its reset line, as on every development kit."""

    def pull_reset(self) -> None:
        """Reset the chip, into its program: DTR, which would call its boot loader, stays idle."""
        self._serial.dtr = False
        self._serial.rts = True
        time.sleep(_PULSE_S)
        self._serial.rts = False


class BenchBoard:
    """A node at a serial port. Raises UserError when it isn't there, or isn't the one named."""

    def __init__(
        self, port: BenchPort, keys_file: Path, node: str, signer: SigningKey | None
    ) -> None:
        self.port = port
        self.console = ConsoleClient(port)
        self.signer = signer
        self.first = 1
        said = str(self._await_start()["node"])
        if not said or node not in ("", said):
            port.close()
        if not said:
            raise UserError(f"{port.name}: the board isn't provisioned: nuan provision does it")
        if node not in ("", said):
            raise UserError(f"{port.name}: this is node {said}, not {node}")
        self.key = key_of(keys_file, said)
        self.console.unlock(self.key)
        shown = self.console.request("config", tries=3)
        self.config: dict[str, Any] = json.loads(b64decode(shown["config"]))

    def hand_over(self) -> None:
        """Make it a board that has just started, with everything before on its flash."""
        self.console.unlock(self.key)
        # A pull begins with a flush.
        self.first = int(self.console.request("pull", tries=3)["newest"]) + 1
        self.reset()

    def live(self, seconds: float) -> None:
        """As Board says."""
        time.sleep(seconds)

    def reset(self) -> None:
        """As Board says."""
        self.port.pull_reset()
        self._await_start()

    def utc_s(self) -> int:
        """As Board says."""
        return int(time.time())

    def close(self) -> None:
        """As Board says."""
        self.console.close()

    def at_prompt(self, code: str) -> str:
        """Stop the program, run this at MicroPython's prompt, and start the board again; what it
        printed."""
        self.console.unlock(self.key)
        self.console.request("repl")
        self.console.close()
        time.sleep(_PROMPT_S)
        transport: Any = SerialTransport(self.port.name, BAUD)
        try:
            # mpremote prints what came instead of a prompt.
            with redirect_stdout(io.StringIO()):
                transport.enter_raw_repl(soft_reset=False)
            printed: bytes = transport.exec(code)
        finally:
            transport.close()
            self.port = BenchPort(self.port.name)
            self.console = ConsoleClient(self.port)
            self.reset()
        return printed.decode()

    def _await_start(self) -> dict[str, Any]:
        end = time.monotonic() + BOOT_S
        while True:
            try:
                return self.console.request("status", answer_s=2)
            except NoAnswerError:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOOK_S)
