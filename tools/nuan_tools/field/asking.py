"""Asks one meter, whose address is known, what can be asked without knowing its model."""

from collections.abc import Sequence

from nuan_protocols.cjt188 import master as cjt188
from nuan_protocols.cjt188.dialects import ALL, Dialect
from nuan_protocols.cjt188.frame import TYPE_ANY, wire_address
from nuan_protocols.cjt188.probe import ways
from nuan_protocols.cjt188.reader import FrameReader as CjtReader
from nuan_protocols.dlt645 import master as dlt645
from nuan_protocols.dlt645.frame import CONTROL_AT, ERROR_BIT
from nuan_protocols.mbus import master as mbus
from nuan_protocols.mbus import secondary
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.modbus import identify
from nuan_protocols.modbus import master as modbus
from nuan_protocols.readout import OK, UNREADABLE, ReadOut
from nuan_tools.field.heard import Heard
from nuan_tools.field.line import Line

# T of the question where nobody knows what is there, and where the address is known.
TYPES_ANYBODY = (0x20, TYPE_ANY)
TYPES_KNOWN = (0x20, TYPE_ANY, 0x10, 0x55)
_DI_HIGH = 0x90
_EXTRA_BYTES = sorted({each.extra_bytes for each in ALL})


def profiles(protocol: str) -> list[Profile]:
    """All models that speak a protocol."""
    known = [registry.profile(name) for name in registry.models()]
    return [each for each in known if each.protocol == protocol]


async def ask_mbus(
    line: Line,
    address: int | str,
    *,
    tries: int = 3,
    telegrams_max: int = 1,
    reset: int | None = None,
) -> Heard:
    """Reads an M-Bus meter by its primary or secondary address."""
    whom = secondary.wire(address) if isinstance(address, str) else address
    sub_code = -1 if reset is None else reset
    readout = mbus.ReadOut(
        whom, tries=tries, telegrams_max=telegrams_max, application_reset=sub_code
    )
    heard = Heard("mbus", address, line.baud, line.parity)
    await line.ask(readout, "mbus")
    heard.take(readout)
    return heard


async def ask_modbus(
    line: Line, unit: int, models: Sequence[Profile], *, tries: int = 2, who: bool = True
) -> Heard:
    """Asks a Modbus device who it is, and for all registers that the models would read."""
    heard = Heard("modbus", unit, line.baud, line.parity)
    if who:
        asked = identify.Identify(unit, tries=tries)
        await line.ask(asked, "modbus")
        heard.take(asked)
    reads: dict[tuple[int, int, int], bool] = {}
    for profile in models:
        for read in profile.reads:
            if line.stopping:
                return heard
            if read in reads:
                good = reads[read]
            else:
                readout = modbus.ReadOut(unit, (read,), tries=tries)
                await line.ask(readout, "modbus")
                heard.take(readout)
                good = reads[read] = is_data(readout)
            # A model whose register is refused isn't this one.
            if not good and len(models) > 1:
                break
    return heard


async def ask_cjt188(
    line: Line,
    printed: str,
    *,
    dialect: Dialect | None = None,
    types: Sequence[int] = TYPES_KNOWN,
    tries: int = 2,
) -> Heard:
    """Asks a CJ/T 188 meter for its current data in each way makers want it, until it answers."""
    heard = Heard("cjt188", printed, line.baud, line.parity)
    for kind in types:
        for address, read in ways(printed, kind):
            if line.stopping:
                return heard
            if dialect is not None and not _suits(address, read, printed, dialect):
                continue
            for extra_bytes in _EXTRA_BYTES:
                readout = cjt188.ReadOut(address, (read,), 0, CjtReader(extra_bytes), tries)
                await line.ask(readout, "cjt188")
                heard.take(readout)
                if is_data(readout):
                    heard.exchanges = heard.exchanges[-1:]
                    return heard
                if readout.result != UNREADABLE:
                    break
        if heard.answered:
            # It is there, and refuses.
            break
    return heard


def _suits(address: cjt188.Address, read: "cjt188.Read", printed: str, dialect: Dialect) -> bool:
    if address.mask != dialect.mask:
        return False
    if address.wire != wire_address(printed, dialect.address_high_first):
        return False
    return dialect.di_first in {"", "high" if read[1] == _DI_HIGH else "low"}


async def ask_dlt645(line: Line, printed: str, *, tries: int = 2) -> Heard:
    """Reads a DL/T 645 meter, as one of 2007 or, where that stays silent, of 1997."""
    heard = Heard("dlt645", printed, line.baud, line.parity)
    for names in (("dlt645_2007", "dlt645_2007_single"), ("dlt645_1997",)):
        done: set[tuple[int, int, int]] = set()
        for name in names:
            reads = tuple(read for read in registry.profile(name).reads if read not in done)
            if line.stopping or not reads:
                continue
            done.update(reads)
            readout = dlt645.ReadOut(printed, reads, tries=tries)
            await line.ask(readout, "dlt645")
            heard.take(readout)
            if not is_data(readout):
                break
        good = [each for each in heard.exchanges if not each[1][CONTROL_AT] & ERROR_BIT]
        if good:
            # Refusals in the other edition say nothing.
            heard.exchanges = good
            break
    return heard


def is_data(readout: ReadOut) -> bool:
    """Whether there is an answer that is no refusal."""
    return any(exchange[1] == OK for exchange in readout.exchanges)
