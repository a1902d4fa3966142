"""Looks for CJ/T 188 meters, whose protocol has no search: one alone on a line, or known ones."""

from nuan_protocols.cjt188 import master as cjt188
from nuan_protocols.cjt188.frame import READ_DATA, make, printed_address
from nuan_protocols.cjt188.probe import ways
from nuan_tools.field.asking import TYPES_ANYBODY, ask_cjt188
from nuan_tools.field.line import Line
from nuan_tools.field.listening import Listening
from nuan_tools.field.session import PERMILLE, Session
from nuan_tools.i18n import tr

PROTOCOL = "cjt188"
_ANYBODY = "AA" * 7
_TRIES = 2


async def stirs(line: Line, session: Session) -> bool:
    """Whether anything answers, be it garbled."""
    for printed in session.wish.addresses or (_ANYBODY,):
        for address, read in ways(printed):
            if line.stopping:
                return False
            listening = Listening(_question(address, read))
            await line.ask(listening, PROTOCOL)
            if listening.heard:
                return True
    return False


async def scan(line: Line, session: Session) -> None:
    """Ask the given addresses, or whoever is there."""
    state = session.states.setdefault(PROTOCOL, {})
    wanted = session.wish.addresses
    for index in range(int(state.get("next", 0)), len(wanted)):
        session.progress(index * PERMILLE // len(wanted))
        heard = await ask_cjt188(line, wanted[index], tries=_TRIES)
        if line.stopping:
            return
        state["next"] = index + 1
        if not (heard.answered and session.hit(heard)):
            session.note(tr("CJ/T 188 {address}: no answer", address=wanted[index]))
    if not wanted:
        await _whoever(line, session)


async def _whoever(line: Line, session: Session) -> None:
    """Ask everybody; only who then answers to its own name is there: answers may mix."""
    asked: set[bytes] = set()
    garbled = False
    questions = [
        (address, read) for kind in TYPES_ANYBODY for address, read in ways(_ANYBODY, kind)
    ]
    for index, (address, read) in enumerate(questions):
        session.progress(index * PERMILLE // len(questions))
        listening = Listening(_question(address, read))
        await line.ask(listening, PROTOCOL)
        if line.stopping:
            return
        addresses, noise = listening.cjt188_addresses()
        garbled = garbled or noise
        for wire in addresses:
            if wire not in asked:
                asked.add(wire)
                heard = await ask_cjt188(line, printed_address(wire), tries=_TRIES + 1)
                if heard.answered:
                    session.hit(heard)
    if garbled or len(asked) > 1:
        session.note(
            tr(
                "CJ/T 188: several meters answer at once, and this protocol has no search; give "
                "the addresses printed on the meters, --address once for each"
            )
        )


def _question(address: cjt188.Address, read: "cjt188.Read") -> bytes:
    data = bytes([(byte + address.mask) & 0xFF for byte in (read[1], read[2], 0)])
    return make(address.type, address.wire, READ_DATA, data)
