"""Looks for the meters of a line: protocol after protocol, at the first speed something answers."""

import asyncio
import signal

from nuan_gateway.connect import MODBUS_TCP
from nuan_gateway.poll.transport import LineError
from nuan_tools.errors import UserError
from nuan_tools.field import scan_cjt188, scan_dlt645, scan_mbus, scan_modbus
from nuan_tools.field.line import Line, open_line
from nuan_tools.field.session import PERMILLE, Session
from nuan_tools.field.settings import candidates
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name

_CHARACTER = "character"


async def scan(session: Session) -> bool:
    """Scan until all is done, or until Ctrl-C: False then, the session knowing where it stands.

    Raises UserError when the line can't be opened or breaks.
    """
    wish = session.wish
    baud, parity = candidates(wish.protocols[0], wish.baud, wish.parity)[0]
    try:
        line = await open_line(wish.connect, baud, parity, wish.answer_ms)
    except LineError as error:
        raise UserError(str(error)) from None
    loop = asyncio.get_running_loop()

    def stop() -> None:
        line.stopping = True
        # Whoever presses it twice means it.
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        for protocol in wish.protocols:
            if protocol not in session.done:
                await _scan_protocol(line, session, protocol)
            if line.stopping:
                return False
            if protocol not in session.done:
                session.done.append(protocol)
    except LineError as error:
        raise UserError(str(error)) from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        await line.close()
    return True


async def _scan_protocol(line: Line, session: Session, protocol: str) -> None:
    if line.connect.kind == MODBUS_TCP and protocol != "modbus":
        session.note(
            tr(
                "{protocol}: not through Modbus TCP; use tcp:// or a serial port",
                protocol=protocol_name(protocol),
            )
        )
        return
    state = session.states.setdefault(protocol, {})
    if _CHARACTER not in state:
        state[_CHARACTER] = await _find_character(line, session, protocol)
    if line.stopping or state[_CHARACTER] is None:
        if line.stopping:
            state.pop(_CHARACTER)
        return
    baud, parity = state[_CHARACTER]
    line.set_character(int(baud), str(parity))
    session.begin(_stage(line, protocol))
    if protocol == "mbus":
        await scan_mbus.scan(line, session)
    elif protocol == "modbus":
        await scan_modbus.scan(line, session)
    elif protocol == "cjt188":
        await scan_cjt188.scan(line, session)
    else:
        await scan_dlt645.scan(line, session)
    line.on_question = lambda: None


async def _find_character(line: Line, session: Session, protocol: str) -> tuple[int, str] | None:
    """Baud rate and parity to scan with; None when the line is silent at all of them."""
    wish = session.wish
    listed = candidates(protocol, wish.baud, wish.parity)
    if not line.is_serial:
        return line.baud, line.parity
    if len(listed) == 1:
        return listed[0]
    for index, (baud, parity) in enumerate(listed):
        line.set_character(baud, parity)
        stage = tr(
            "{protocol}: trying {setting}",
            protocol=protocol_name(protocol),
            setting=f"{baud} 8{parity}1",
        )
        session.begin(stage)
        session.progress(index * PERMILLE // len(listed))
        if await _stirs(line, session, protocol):
            return baud, parity
        if line.stopping:
            return None
    if protocol == "modbus":
        # Only the first addresses were asked: the usual speed gets all of them.
        return listed[0]
    session.note(
        tr(
            "{protocol}: silence at {settings}",
            protocol=protocol_name(protocol),
            settings=tr(", ").join(f"{baud} 8{parity}1" for baud, parity in listed),
        )
    )
    return None


async def _stirs(line: Line, session: Session, protocol: str) -> bool:
    if protocol == "mbus":
        return await scan_mbus.stirs(line)
    if protocol == "modbus":
        return await scan_modbus.stirs(line, session)
    if protocol == "cjt188":
        return await scan_cjt188.stirs(line, session)
    return await scan_dlt645.stirs(line, session)


def _stage(line: Line, protocol: str) -> str:
    setting = f"{line.baud} 8{line.parity}1"
    return f"{protocol_name(protocol)} {setting}" if line.is_serial else protocol_name(protocol)
