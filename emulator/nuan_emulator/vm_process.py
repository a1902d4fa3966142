"""One genuine MicroPython as a child process, with its heap limited and its addresses fixed."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from nuan_emulator.errors import BoardError

CONSOLE_BYTES_SHOWN = 4000


def find_vm() -> Path:
    """NUAN_VM, or the program that `nuan` keeps in the user's cache, or the machine's own."""
    named = os.environ.get("NUAN_VM")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    cache = (Path(base) if base else Path.home() / ".cache") / "nuan" / "vm"
    cached = sorted(cache.glob("*/micropython"), reverse=True)
    # The 32-bit build first: its objects are as large as a microcontroller's.
    cached.sort(key=lambda path: not path.parent.name.endswith(("i386", "armhf")))
    own = shutil.which("micropython")
    if cached or own:
        return cached[0] if cached else Path(own or "")
    raise BoardError("MicroPython is missing: run `make install`, or set NUAN_VM to its program")


class VmProcess:
    """A running VM; its standard output and error go to `console`, its channel is `end`."""

    def __init__(
        self, vm: Path, stage: Path, heap_kb: int, variables: Mapping[str, str], console: Path
    ) -> None:
        self.end, theirs = socket.socketpair()
        self._console = console
        command = [*_fixed_addresses(), str(vm), "-X", f"heapsize={heap_kb}k", "-m", "start"]
        environment = {
            **os.environ,
            **variables,
            "MICROPYPATH": f"{stage}/shims:.frozen",
            "NUAN_CHANNEL": str(theirs.fileno()),
        }
        with console.open("ab") as output, theirs:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process to pin or to kill."""
        return self._process.pid

    def kill(self) -> None:
        """End the VM as a power failure does: kill -9, nothing is flushed."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.end.close()

    def exit_text(self) -> str:
        """How a VM that left its channel ended."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "left its channel without ending"
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def console_tail(self) -> str:
        """The last lines the board printed."""
        return console_tail(self._console)


def console_tail(console: Path) -> str:
    """The last lines of a board's console, whole lines only."""
    if not console.exists():
        return ""
    with console.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - CONSOLE_BYTES_SHOWN))
        text = file.read().decode(errors="replace")
    return text.partition("\n")[2] if size > CONSOLE_BYTES_SHOWN else text


@functools.cache
def _fixed_addresses() -> tuple[str, ...]:
    """The prefix that switches address randomisation off, where the machine allows it."""
    if shutil.which("setarch") is None:
        return ()
    probe = subprocess.run(["setarch", "-R", "true"], check=False, capture_output=True)
    return ("setarch", "-R") if probe.returncode == 0 else ()
