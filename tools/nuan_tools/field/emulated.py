"""Emulated lines that programs open as if meters hung on them, until told to stop."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from nuan_emulator.faults import PURPOSES, FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.samples import BITS, SampleLine, SampleMeter, sample_lines
from nuan_emulator.serve import LOOPBACK, PtyLine, TcpLine
from nuan_emulator.serve_modbus import ModbusTcpServer
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

# A line as basements have them: something goes wrong every few answers.
NOISY = "noisy"
_NOISY = FaultRates(
    silence=0.02, noise_before=0.03, noise_after=0.03, split=0.05, flip=0.02, spike=0.03
)
_ECHO = "echo"


@dataclass(frozen=True)
class Served:
    """One line that is served: what to open, and what hangs on it."""

    protocol: str
    connect: str
    baud: int
    parity: str
    meters: tuple[SampleMeter, ...]

    def as_json(self) -> dict[str, object]:
        """The line as JSON values."""
        return {
            "protocol": self.protocol,
            "connect": self.connect,
            "baud": self.baud,
            "parity": self.parity,
            "meters": [{"model": each.model, "address": each.address} for each in self.meters],
        }


@dataclass(frozen=True)
class Wanted:
    """What to serve: protocols, only these addresses (none: all), how fast, how badly, over TCP?"""

    protocols: Sequence[str]
    only: Sequence[str] = ()
    seed: int = 0
    speed: float = 1.0
    faults: FaultRates | None = None
    tcp: bool = False


def fault_rates(text: str) -> FaultRates:
    """The rates in "silence=0.1,echo", or of a usual bad line for "noisy". Raises UserError."""
    if text == NOISY:
        return _NOISY
    rates: dict[str, float] = {}
    echo = False
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name == _ECHO and not number:
            echo = True
            continue
        try:
            rates[name] = float(number)
        except ValueError:
            rates[name] = -1
        if name not in PURPOSES or not 0 <= rates[name] <= 1:
            raise UserError(
                tr(
                    "--faults {part}: write {noisy}, {echo}, or NAME=RATE with a rate from 0 to 1; "
                    "names are {names}",
                    part=repr(part),
                    noisy=NOISY,
                    echo=_ECHO,
                    names=", ".join(PURPOSES),
                )
            )
    return replace(FaultRates(echo=echo), **cast("dict[str, Any]", rates))


@asynccontextmanager
async def serving(wanted: Wanted) -> AsyncGenerator[list[Served]]:
    """The lines, open as long as the context lasts. Raises UserError for unknown addresses."""
    samples = [
        _only(sample, wanted)
        for sample in sample_lines(wanted.seed, wanted.faults)
        if sample.protocol in wanted.protocols
    ]
    samples = [sample for sample in samples if sample.meters]
    if not samples:
        known = [each.address for line in sample_lines(wanted.seed) for each in line.meters]
        raise UserError(tr("--only: no meter has it; there are {names}", names=", ".join(known)))
    async with AsyncExitStack() as stack:
        found: list[Served] = []
        for sample in samples:
            found += await _serve(sample, wanted, stack)
        yield found


async def serve_until_told(wanted: Wanted, tell: Callable[[list[Served]], None]) -> None:
    """Serve until Ctrl-C or a termination signal; `tell` is called once all lines are open."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    async with serving(wanted) as lines:
        tell(lines)
        await done.wait()


async def _serve(sample: SampleLine, wanted: Wanted, stack: AsyncExitStack) -> list[Served]:
    line = sample.line
    parity = line.parity or "E"
    if not wanted.tcp:
        port = await stack.enter_async_context(PtyLine(line, speed=wanted.speed))
        return [Served(sample.protocol, port.port, line.baud, parity, sample.meters)]
    server = await stack.enter_async_context(TcpLine(line, speed=wanted.speed))
    connect = f"tcp://{LOOPBACK}:{server.port}"
    found = [Served(sample.protocol, connect, line.baud, parity, sample.meters)]
    if sample.protocol == "modbus":
        gateway = ModbusTcpServer(line.devices, speed=wanted.speed, seed=wanted.seed)
        await stack.enter_async_context(gateway)
        connect = f"modbus-tcp://{LOOPBACK}:{gateway.port}"
        found.append(Served(sample.protocol, connect, line.baud, parity, sample.meters))
    return found


def _only(sample: SampleLine, wanted: Wanted) -> SampleLine:
    """The line with the wanted meters alone."""
    if not wanted.only:
        return sample
    meters = tuple(each for each in sample.meters if each.address in wanted.only)
    drawn = LineFaults(wanted.faults, wanted.seed, sample.protocol) if wanted.faults else None
    old = sample.line
    bits = BITS[old.parity or "E"]
    devices = [each.device for each in meters]
    line = Line(old.baud, bits, devices, drawn, wanted.seed, parity=old.parity)
    return SampleLine(sample.name, sample.protocol, line, meters)
