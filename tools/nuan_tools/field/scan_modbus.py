"""Looks for Modbus devices: there is no question to everybody, so every address is asked."""

from nuan_protocols.modbus import master as modbus
from nuan_protocols.modbus.rtu import READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS
from nuan_protocols.readout import NO_ANSWER, UNREADABLE
from nuan_tools.field.asking import ask_modbus, profiles
from nuan_tools.field.line import Line
from nuan_tools.field.session import PERMILLE, Session
from nuan_tools.i18n import tr

PROTOCOL = "modbus"
ADDRESS_LAST = 247
# Baud rates are tried with so many addresses only: makers and installers begin at 1.
_FIRST_LOOK = 8
_TRIES_MAX = 3
# Any device answers one of them, be it with an exception.
_QUESTIONS = (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS)


async def stirs(line: Line, session: Session) -> bool:
    """Whether anything answers at the first addresses."""
    first, last = _span(session)
    for address in range(first, min(last, first + _FIRST_LOOK - 1) + 1):
        if line.stopping:
            return False
        if await _answers(line, address) != NO_ANSWER:
            return True
    return False


async def scan(line: Line, session: Session) -> None:
    """Find all devices; where it stands stays in the session's states."""
    first, last = _span(session)
    state = session.states.setdefault(PROTOCOL, {})
    models = profiles(PROTOCOL)
    for address in range(int(state.get("address", first)), last + 1):
        state["address"] = address
        session.progress((address - first) * PERMILLE // max(1, last - first + 1))
        if line.stopping:
            return
        result = await _answers(line, address)
        if result == NO_ANSWER or line.stopping:
            continue
        heard = await ask_modbus(line, address, models, tries=_TRIES_MAX)
        if line.stopping:
            return
        if heard.answered:
            session.hit(heard)
        elif result == UNREADABLE:
            session.note(
                tr(
                    "Modbus {address}: bytes that nobody can read; two devices with one address, "
                    "another parity, or noise",
                    address=address,
                )
            )
    state["address"] = last + 1


def _span(session: Session) -> tuple[int, int]:
    return max(1, session.wish.first), min(ADDRESS_LAST, session.wish.last)


async def _answers(line: Line, address: int) -> int:
    """How one register is answered: NO_ANSWER when nobody is there."""
    for function in _QUESTIONS:
        readout = modbus.ReadOut(address, ((function, 0, 1),), tries=1)
        await line.ask(readout, PROTOCOL)
        if readout.result != NO_ANSWER or readout.exchanges == []:
            return readout.result
    return NO_ANSWER
