"""The last faults that ended the program, kept on flash and sent upstream as events.

    line    count TAB told TAB time TAB clock TAB uptime TAB version TAB text

`count` is how often it happened, `told` how often when it was last journaled; a panic like the
newest is counted, not kept again. A file of at most `_KEPT_MAX` lines, written once a panic.
"""

import io
import os
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import VERSION
from nuan_protocols.uplink.body import EVENT_PANIC

if TYPE_CHECKING:
    from nuan_firmware.clock import Clock
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

PATH = "/panics"
_KEPT_MAX = const(5)
_FIELDS = const(7)
_TRACEBACK_BYTES = const(1024)
_FRAMES_MAX = const(4)
_CHARACTERS_MAX = const(160)
_COUNT, _TOLD, _TEXT = const(0), const(1), const(6)


class _Tail(io.IOBase):
    """A stream that keeps the last bytes written to it."""

    def __init__(self) -> None:
        self.kept = bytearray(0)

    def write(self, data: "Buffer") -> int:
        self.kept = (self.kept + bytes(data))[-_TRACEBACK_BYTES:]
        return len(data)


def describe(problem: BaseException) -> str:
    """The error and where it was raised: file:line of the innermost frames, innermost last."""
    tail = _Tail()
    sys.print_exception(problem, tail)
    frames = []
    for line in bytes(tail.kept).decode().split("\n"):
        parts = line.split('"')
        if line.startswith("  File ") and len(parts) == _FRAMES_MAX - 1:
            number = parts[2].split(",")[1].replace(" line ", ":")
            frames.append(parts[1].split("/")[-1] + number)
    told = [repr(problem)] + frames[-_FRAMES_MAX:]  # noqa: RUF005  # the board knows no [*a]
    return " ".join(told)[:_CHARACTERS_MAX]


def keep(problem: "BaseException | str", clock: "Clock | None" = None) -> None:
    """Put on flash what ends the program; a clock tells when."""
    text = problem if isinstance(problem, str) else describe(problem)
    text = text.replace("\t", " ").replace("\n", " ")
    lines = read()
    if lines and lines[-1][_TEXT] == text:
        lines[-1][_COUNT] = str(int(lines[-1][_COUNT]) + 1)
    else:
        when = (clock.now(), clock.quality(), clock.uptime()) if clock else (0, 0, 0)
        lines.append(["1", "0"] + [str(each) for each in when] + [VERSION, text])
    _write(lines[-_KEPT_MAX:])


def read() -> "list[list[str]]":
    """The panics kept, oldest first: count, told, time, clock, uptime, version, text."""
    try:
        with open(PATH) as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
    except (OSError, UnicodeError):
        return []
    return [line for line in lines if len(line) == _FIELDS and line[0].isdigit()]


def tell(journal: "Journal") -> None:
    """Journal each panic once, and again when it has happened twice as often; flushes."""
    lines = read()
    told = False
    for line in lines:
        count, before = int(line[_COUNT]), int(line[_TOLD])
        if count < max(1, 2 * before):
            continue
        times = " (%d times)" % count if count > 1 else ""
        where = " at %s (%s), up %s s, %s" % (line[2], line[3], line[4], line[5])
        journal.event(EVENT_PANIC, line[_TEXT] + times + where)
        line[_TOLD] = line[_COUNT]
        told = True
    if told:
        # Told is what is on flash: a power cut between the two tells it twice, never not at all.
        journal.flush()
        _write(lines)


def _write(lines: "list[list[str]]") -> None:
    try:
        with open(PATH + ".new", "w") as file:
            for line in lines:
                file.write("\t".join(line) + "\n")
        os.rename(PATH + ".new", PATH)
    except OSError as problem:
        # Full or broken flash must not keep a node from its restart, nor from its start.
        print("panics not kept:", problem)
