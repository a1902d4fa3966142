"""An emulated node in real time: its console on a pseudo-terminal, as a board's on /dev/ttyUSB0."""

from __future__ import annotations

import os
import pty
import select
import time
import tty
from collections.abc import Callable

from nuan_emulator.node import Node
from nuan_emulator.world import World

_STEP_S = 0.01
_KEYS_MAX = 1024


def serve_console(
    world: World, node: Node, ready: Callable[[str], None], stopped: Callable[[], bool]
) -> None:
    """Let the world's clock run with this machine's until `stopped`; `ready` is told the path."""
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        begun_s, begun_ms = time.monotonic(), world.now_ms
        ready(os.ttyname(theirs))
        while not stopped():
            if select.select([ours], [], [], _STEP_S)[0]:
                node.console_write(os.read(ours, _KEYS_MAX))
            world.run_until(begun_ms + int((time.monotonic() - begun_s) * 1000))
            # Commands come unasked, to a node that sends nothing.
            node.tunnel.poll(world.now_ms)
            _write(ours, node.console_read())
    finally:
        os.close(ours)
        os.close(theirs)


def _write(descriptor: int, data: bytes) -> None:
    """What nobody reads is lost, as on a cable that leads nowhere."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            return
