"""What a node is made of, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nuan_emulator.clock_chip import ClockChip
from nuan_emulator.modem import Modem
from nuan_emulator.nvs import NvsValue
from nuan_emulator.probe import Probe
from nuan_emulator.time_server import TimeServer
from nuan_emulator.uart import SerialLine, Wires

HEAP_KB = 96
# What the modules that stand in for hardware take of a board's heap; a real board hasn't them.
SHIMS_KB = 19


class HeapReport(NamedTuple):
    """A board's heap after a collection, in bytes; `shims` is the emulation's share of `live`.

    Of a board with a cost also what its program and its flash have taken so far, in microseconds
    of this machine's processor and of virtual time.
    """

    live: int
    free: int
    largest_free: int
    shims: int
    flash_operations: int
    cpu_us: int
    flash_us: int


class BoardCost(NamedTuple):
    """What work takes on a board: processor time is `cpu_permille` thousandths of the VM's here.

    The flash stands still for `erase_us` a block of 4096 bytes, `page_us` a page of 256 bytes
    programmed, `read_us` a page read.
    """

    cpu_permille: int
    erase_us: int
    page_us: int
    read_us: int


class Reset(NamedTuple):
    """A restart the board asked for: UTC milliseconds and machine.reset_cause()'s number."""

    at_ms: int
    cause: int


@dataclass(frozen=True)
class NodeSpec:
    """What a node is made of. `lines` are keyed by serial port, `pins` by pin number.

    `pulses` by pin hear frequency in Hz, width in 65535ths and UTC ms of a PWM; `probes` by pin
    are its one-wire thermometers.
    `heap_kb` is the program's; what the emulation takes comes on top.
    `config` becomes /config.json on a new image; `key` and `nvs` ("namespace/key") fill a new
    non-volatile store. Outages are half-open intervals of UTC milliseconds without Wi-Fi or a
    cable; a modem, on the port and the power key that `config` names, has its own.
    `firmware` is what a new board has in its ROM partition's slot 0, a bundle; else what is staged.
    `drift_ppm`, a multiple of 5, is what the board's crystal gains; `clock_chip` is its DS3231;
    `time_servers` answer over its link, by host name.
    Without a `cost` a board's work takes no virtual time, and equal seeds give equal runs.
    """

    node_id: str
    key: bytes
    config: Mapping[str, Any]
    image: Path
    broker: tuple[str, int]
    lines: Mapping[int, SerialLine | Wires] = field(default_factory=dict[int, SerialLine | Wires])
    pins: Mapping[int, Callable[[int, int], None]] = field(
        default_factory=dict[int, Callable[[int, int], None]]
    )
    pulses: Mapping[int, Callable[[int, int, int], None]] = field(
        default_factory=dict[int, Callable[[int, int, int], None]]
    )
    probes: Mapping[int, Sequence[Probe]] = field(default_factory=dict[int, Sequence[Probe]])
    heap_kb: int = HEAP_KB
    outages: Sequence[tuple[int, int]] = ()
    lan_outages: Sequence[tuple[int, int]] = ()
    modem: Modem | None = None
    nvs: Mapping[str, NvsValue] = field(default_factory=dict[str, NvsValue])
    cost: BoardCost | None = None
    drift_ppm: int = 0
    clock_chip: ClockChip | None = None
    time_servers: Mapping[str, TimeServer] = field(default_factory=dict[str, TimeServer])
    firmware: bytes | None = None
