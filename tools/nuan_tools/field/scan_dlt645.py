"""Looks for DL/T 645 meters: with wildcards, dividing by pairs of digits where several answer.

    AAAAAAAAAAAA  silence             nobody, or nobody who takes wildcards
                  a whole answer      one meter: its address is read once more by its own name
                  bytes in a mixture  several: AAAAAAAAAA00 to AAAAAAAAAA99, then a pair more

The standard calls it abbreviated addressing, and not every meter has it. Some meters of 1997 answer
with the wildcards they were asked with; they too are found pair by pair.
"""

from nuan_protocols.dlt645.frame import (
    ADDRESS_DIGITS,
    ANY_ADDRESS,
    READ,
    READ_1997,
    READ_ADDRESS,
    Frame,
    parse,
    read_request,
)
from nuan_tools.field.asking import ask_dlt645
from nuan_tools.field.line import Line
from nuan_tools.field.listening import Listening
from nuan_tools.field.session import PERMILLE, Session
from nuan_tools.i18n import tr

PROTOCOL = "dlt645"
_TRIES = 3
_WILD = "AA"
_ENERGY_2007 = 0x00010000
_ENERGY_1997 = 0x9010
_QUESTIONS = ((READ, _ENERGY_2007), (READ_1997, _ENERGY_1997))
_FIRST_QUESTIONS = ((READ_ADDRESS, 0), *_QUESTIONS)
_NUMBER_1997 = 0xC032
_DI_BYTES_1997 = 2
_PAIRS = 100
_SPACE = " "
_COMMA = ","


async def stirs(line: Line, session: Session) -> bool:
    """Whether anything answers, be it garbled."""
    for mask in session.wish.addresses or (ANY_ADDRESS,):
        for control, di in _FIRST_QUESTIONS:
            if line.stopping:
                return False
            listening = Listening(read_request(mask, control, di))
            await line.ask(listening, PROTOCOL)
            if listening.heard:
                return True
    return False


async def scan(line: Line, session: Session) -> None:
    """Find whoever takes wildcards, or ask the given addresses (which may hold AA)."""
    masks = session.wish.addresses or (ANY_ADDRESS,)
    state = session.states.setdefault(PROTOCOL, {})
    begin = [_entry(mask, [control for control, _ in _FIRST_QUESTIONS]) for mask in masks]
    # What is left to ask, the next one last: it may be divided.
    todo: list[str] = state.setdefault("todo", list(reversed(begin)))
    while todo and not line.stopping:
        session.progress(_done_permille(todo, masks))
        mask, _, controls = todo[-1].partition(_SPACE)
        deeper = await _ask(line, session, mask, [int(each) for each in controls.split(_COMMA)])
        if line.stopping:
            return
        todo.pop()
        if deeper:
            todo += [_entry(part, deeper) for part in _divided(mask)]


def _entry(mask: str, controls: list[int]) -> str:
    """As the state keeps it: the mask and the control codes to ask it with."""
    return mask + _SPACE + _COMMA.join(str(each) for each in controls)


def _done_permille(todo: list[str], masks: tuple[str, ...]) -> int:
    """What is left of all that may have to be asked, each pair being a hundredth."""
    fixed = min(len(mask.replace(_WILD, "")) for mask in masks)
    left = 0.0
    for entry in todo:
        mask = entry.partition(_SPACE)[0]
        left += _PAIRS ** -((len(mask.replace(_WILD, "")) - fixed) // 2) / len(masks)
    return max(0, round(PERMILLE * (1 - left)))


def _divided(mask: str) -> list[str]:
    """The mask with its next pair fixed in every way, 00 last: it is asked first."""
    fixed = len(mask.replace(_WILD, ""))
    head, tail = mask[: ADDRESS_DIGITS - fixed - 2], mask[ADDRESS_DIGITS - fixed :]
    return [f"{head}{pair:02d}{tail}" for pair in reversed(range(_PAIRS))]


async def _ask(line: Line, session: Session, mask: str, controls: list[int]) -> list[int]:
    """Ask a mask; the control codes for which it must be divided."""
    if _WILD not in mask:
        await _confirm(line, session, mask)
        return []
    deeper: list[int] = []
    for control, di in _FIRST_QUESTIONS:
        if control not in controls:
            continue
        listening = Listening(read_request(mask, control, di))
        await line.ask(listening, PROTOCOL)
        if line.stopping:
            return []
        frames, noise = listening.dlt645_frames()
        names = [_address(parse(frame)) for frame in frames]
        unnamed = bool(noise)
        for name in names:
            if _WILD in name:
                unnamed = not await _by_number(line, session, mask) or unnamed
            elif not session.knows(PROTOCOL, name):
                await _confirm(line, session, name)
        if unnamed:
            deeper.append(control)
    # Only reading asks part of an address.
    return sorted({READ if control == READ_ADDRESS else control for control in deeper})


async def _by_number(line: Line, session: Session, mask: str) -> bool:
    """Ask who answers with wildcards for its number, which most makers set as the address."""
    listening = Listening(read_request(mask, READ_1997, _NUMBER_1997))
    await line.ask(listening, PROTOCOL)
    frames, _ = listening.dlt645_frames()
    for frame in frames:
        data = parse(frame).data
        number = bytes(reversed(data[_DI_BYTES_1997:])).hex()
        if len(number) == ADDRESS_DIGITS and number.isdecimal():
            if session.knows(PROTOCOL, number):
                return True
            await _confirm(line, session, number)
            return session.knows(PROTOCOL, number)
    return False


async def _confirm(line: Line, session: Session, address: str) -> None:
    """List a meter only if it is read by its own name."""
    heard = await ask_dlt645(line, address, tries=_TRIES)
    if line.stopping:
        return
    if heard.answered:
        session.hit(heard)
    elif address in session.wish.addresses:
        session.note(tr("DL/T 645 {address}: no answer", address=address))


def _address(frame: Frame) -> str:
    """Who answers: what an address answer holds, else whom the frame names."""
    if frame.control & 0x1F == READ_ADDRESS and len(frame.data) == ADDRESS_DIGITS // 2:
        return bytes(reversed(frame.data)).hex().upper()
    return frame.address.upper()
