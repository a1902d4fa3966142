"""The world around a node: one virtual clock, what happens at which time, and the node itself.

Virtual time moves only while the board is idle; it stands still while a real socket owes an answer.
"""

from __future__ import annotations

import heapq
import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from nuan_emulator.board_tree import BoardSources, checkout_sources, stage_board
from nuan_emulator.clock_file import ClockFile
from nuan_emulator.errors import EmulatorError
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.vm_process import find_vm

PROGRESS_MS = 86_400_000
_RETRY_SECONDS = 0.05


class World:
    """A virtual world that begins at `start_ms` (UTC milliseconds); equal seeds give equal runs.

    `clock_file` is kept at the virtual time for processes outside. `vm` is a MicroPython program,
    `sources` the board's files; by default the cached VM and this checkout's firmware. With `pin`
    the world and its boards share one processor core, which is the fastest.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ms: int,
        clock_file: Path | None = None,
        vm: Path | None = None,
        sources: BoardSources | None = None,
        pin: bool = True,
    ) -> None:
        self.seed = seed
        self.now_ms = start_ms
        # What the machines outside believe beyond the truth.
        self.clock_ahead_ms = 0
        self._clock = ClockFile(clock_file, start_ms) if clock_file else None
        self._vm = vm
        self._sources = sources
        self._nodes: list[Node] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._core = _pick_core() if pin else None

    def add_node(self, spec: NodeSpec) -> Node:
        """Power a node on, on its image or on a new one; it starts to live with run_until()."""
        if self._nodes:
            raise EmulatorError("this world has a node already; it holds one")
        vm = self._vm or find_vm()
        stage = stage_board(self._sources or checkout_sources())
        node = Node(self, spec, vm, stage)
        self._nodes.append(node)
        return node

    def at(self, when_ms: int, callback: Callable[[], None]) -> None:
        """Call back at a virtual instant; those of one instant run in the order booked."""
        if when_ms < self.now_ms:
            raise ValueError(f"{when_ms} is before the world's now, {self.now_ms}")
        self._order += 1
        heapq.heappush(self._events, (when_ms, self._order, callback))

    def run_until(
        self,
        end_ms: int,
        progress: Callable[[int], None] | None = None,
        progress_every_ms: int = PROGRESS_MS,
    ) -> None:
        """Let the world live until end_ms; everything due at that instant has happened then."""
        shown_ms = self.now_ms
        with self._pinned():
            while True:
                horizon_ms = min(end_ms, self._events[0][0]) if self._events else end_ms
                if progress:
                    horizon_ms = min(horizon_ms, shown_ms + progress_every_ms)
                for node in self._nodes:
                    node.run_to(horizon_ms)
                self.now_ms = horizon_ms
                self._run_events()
                if progress and horizon_ms >= shown_ms + progress_every_ms:
                    shown_ms = horizon_ms
                    progress(horizon_ms)
                if horizon_ms >= end_ms:
                    break
        self.set_clock(self.now_ms)

    def set_clock(self, now_ms: int) -> None:
        """Show the time to the processes outside, as far as their clock is right."""
        if self._clock:
            self._clock.write(now_ms + self.clock_ahead_ms)

    def await_broker(self, port: int, timeout_s: float, host: str = "127.0.0.1") -> None:
        """Wait, in real time, until something accepts connections there."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                socket.create_connection((host, port), 1).close()
            except OSError:
                if time.monotonic() > end:
                    raise EmulatorError(
                        f"nothing accepts connections at {host}:{port} after {timeout_s:g} s"
                    ) from None
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def pin_process(self, pid: int) -> None:
        """Put a board's process on the world's core."""
        if self._core is not None:
            os.sched_setaffinity(pid, {self._core})

    def close(self) -> None:
        """Kill the boards and close every socket and file."""
        for node in self._nodes:
            node.stop()
        if self._clock:
            self._clock.close()
            self._clock = None

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_events(self) -> None:
        happened = False
        while self._events and self._events[0][0] <= self.now_ms:
            heapq.heappop(self._events)[2]()
            happened = True
        if happened:
            for node in self._nodes:
                node.tunnel.poll(self.now_ms)

    @contextmanager
    def _pinned(self) -> Generator[None]:
        if self._core is None:
            yield
            return
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, cores)


def _pick_core() -> int | None:
    """A core of those allowed, spread over the processes that emulate at the same time."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[os.getpid() % len(cores)]
