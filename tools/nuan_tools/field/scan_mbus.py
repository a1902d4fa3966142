"""Looks for M-Bus meters: at every primary address, or by their secondary ones."""

from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import secondary
from nuan_protocols.mbus.frame import (
    ADDRESS_SELECTED,
    FRAME_COUNT_BIT,
    REQ_UD2,
    SND_NKE,
    short_frame,
)
from nuan_protocols.mbus.search import Search
from nuan_protocols.mbus.search_primary import PrimarySearch
from nuan_protocols.mbus.telegram import decode
from nuan_tools.errors import UserError
from nuan_tools.field.asking import ask_mbus
from nuan_tools.field.heard import Heard
from nuan_tools.field.line import Line
from nuan_tools.field.listening import Listening
from nuan_tools.field.session import Session
from nuan_tools.i18n import tr

PROTOCOL = "mbus"
# Everybody answers E5 to it.
_EVERYBODY = 0xFE
_TELEGRAMS_MAX = 16
# The second selection has the frame count bit changed: some meters want it so.
_SILENCES = 2
_ANYBODY = b"\xff" * 8


async def stirs(line: Line) -> bool:
    """Whether anything answers to addresses that mean everybody."""
    for question in (short_frame(SND_NKE, _EVERYBODY), secondary.select_frame(_ANYBODY)):
        listening = Listening(question)
        await line.ask(listening, PROTOCOL)
        if listening.heard:
            return True
    return False


async def scan(line: Line, session: Session) -> None:
    """Find all meters; what is left to do stays in the session's states."""
    if session.wish.secondary:
        await _by_secondary(line, session)
    else:
        await _by_primary(line, session)
    await _complete(line, session)


async def _by_primary(line: Line, session: Session) -> None:
    wish = session.wish
    first, last = wish.first, min(wish.last, 250)
    state = session.states.get(PROTOCOL, {})
    at = int(state.get("address", first))

    def hit(address: int, _: bytes, raw: bytes) -> None:
        question = short_frame(REQ_UD2 | FRAME_COUNT_BIT, address)
        session.hit(Heard(PROTOCOL, address, line.baud, line.parity, [(question, raw)]))

    search = PrimarySearch(at, last, on_hit=hit)
    line.on_question = lambda: session.progress(
        (search.address - first) * 1000 // max(1, last - first + 1)
    )
    await line.ask(search, PROTOCOL)
    session.states[PROTOCOL] = {**state, "address": search.address}
    for address in search.collided:
        session.note(
            tr(
                "M-Bus {address}: several meters answer at once; scan with --secondary to tell "
                "them apart",
                address=address,
            )
        )
    for address in search.unconfirmed:
        session.note(
            tr("M-Bus {address}: something stirs, but can't be read; noise?", address=address)
        )


async def _by_secondary(line: Line, session: Session) -> None:
    def hit(address: bytes, raw: bytes) -> None:
        question = short_frame(REQ_UD2 | FRAME_COUNT_BIT, ADDRESS_SELECTED)
        printed = secondary.printed(address)
        session.hit(Heard(PROTOCOL, printed, line.baud, line.parity, [(question, raw)]))

    state = session.states.get(PROTOCOL, {})
    silences = 1 if session.wish.quick else _SILENCES
    try:
        search = Search(str(state.get("search", "")), silences=silences, on_hit=hit)
    except ProtocolError as error:
        raise UserError(error.reason) from None
    line.on_question = lambda: session.progress(search.progress_permille())
    await line.ask(search, PROTOCOL)
    session.states[PROTOCOL] = {**state, "search": search.state()}
    if search.noisy:
        session.note(
            tr("the line is never silent: noise; check cable, level converter and other masters")
        )
    for mask in search.unresolved:
        session.note(
            tr(
                "M-Bus {address}: several meters that nothing tells apart; take all but one off",
                address=secondary.printed(mask),
            )
        )
    for mask in search.unconfirmed:
        session.note(
            tr(
                "M-Bus {address}: acknowledges, but never says who it is",
                address=secondary.printed(mask),
            )
        )


async def _complete(line: Line, session: Session) -> None:
    """Whoever says that another telegram follows is read to the end."""
    for found in session.found:
        heard = found.heard
        if line.stopping or heard.protocol != PROTOCOL or len(heard.exchanges) != 1:
            continue
        if not decode(heard.exchanges[0][1]).more:
            continue
        whole = await ask_mbus(line, heard.address, telegrams_max=_TELEGRAMS_MAX)
        if len(whole.exchanges) > 1:
            session.replace(found, whole)
