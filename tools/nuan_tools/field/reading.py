"""Reads one meter once and says everything it says."""

from dataclasses import dataclass
from typing import Any

from nuan_gateway.poll.readouts import make_readout
from nuan_gateway.poll.transport import LineError
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import secure
from nuan_tools.decoding import Decoded, How, decode
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.field import asking
from nuan_tools.field.found import Found, describe
from nuan_tools.field.heard import Heard
from nuan_tools.field.line import Line, open_line
from nuan_tools.field.target import Target
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name

_TELEGRAMS_MAX = 16


@dataclass(frozen=True)
class Wish:
    """How to read: all telegrams of an M-Bus meter, with which key, and how long to wait."""

    all_telegrams: bool = False
    key: bytes | None = None
    answer_ms: int | None = None


async def read_meter(target: Target, wish: Wish) -> Found:
    """Raises CheckFailed when nobody answers or nothing can be read, UserError for the line."""
    try:
        line = await open_line(target.connect, target.baud, target.parity, wish.answer_ms)
    except LineError as error:
        raise UserError(str(error)) from None
    try:
        heard = await _ask(line, target, wish)
    except LineError as error:
        raise UserError(str(error)) from None
    finally:
        await line.close()
    if not heard.answered:
        raise CheckFailed(_silence(target, heard))
    try:
        if wish.key is not None and target.protocol == "mbus":
            heard.exchanges = [
                (question, secure.decrypted(answer, wish.key))
                for question, answer in heard.exchanges
            ]
        return describe(heard, target.profile.name if target.profile else None, target.dialect)
    except ProtocolError as error:
        raise CheckFailed(tr("its answer can't be read: {why}", why=str(error))) from None


async def _ask(line: Line, target: Target, wish: Wish) -> Heard:
    if target.profile is not None and target.protocol != "mbus":
        heard = Heard(target.protocol, target.address, line.baud, line.parity)
        extra_bytes = DIALECTS[target.profile.dialect].extra_bytes
        readout = make_readout(target.protocol, target.config, extra_bytes=extra_bytes)
        await line.ask(readout, target.protocol)
        heard.take(readout)
        return heard
    address = target.address
    if target.protocol == "mbus":
        most = _TELEGRAMS_MAX if wish.all_telegrams else 1
        reset = target.reset
        if reset is None and target.profile is not None:
            reset = target.profile.reset
        return await asking.ask_mbus(line, address, telegrams_max=most, reset=reset)
    if isinstance(address, int):
        return await asking.ask_modbus(line, address, asking.profiles("modbus"))
    if target.protocol == "cjt188":
        dialect = DIALECTS[target.dialect] if target.dialect else None
        return await asking.ask_cjt188(line, address, dialect=dialect)
    return await asking.ask_dlt645(line, address)


def _silence(target: Target, heard: Heard) -> str:
    values = {
        "connect": target.connect,
        "protocol": protocol_name(target.protocol),
        "address": target.address,
        "setting": f"{target.baud} 8{target.parity}1",
    }
    if heard.noisy:
        return tr(
            "{connect}: {protocol} {address} answers nothing that can be read at {setting}; "
            "several meters with this address, a wrong baud rate or parity, or a bad cable",
            **values,
        )
    return tr(
        "{connect}: {protocol} {address} doesn't answer at {setting}; check address, baud rate and "
        "wiring, or look for it with: nuan scan",
        **values,
    )


def telegrams(found: Found) -> list[tuple[bytes, bytes, Decoded]]:
    """Every question, its answer, and what that says by itself. Raises ProtocolError."""
    decoded: list[tuple[bytes, bytes, Decoded]] = []
    for question, answer in found.heard.exchanges:
        asked = question if found.protocol == "modbus" else None
        model = found.model if asked is not None and _is_registers(question) else None
        decoded.append((question, answer, decode(answer, How(asked, model, found.dialect or None))))
    return decoded


def as_json(found: Found) -> dict[str, Any]:
    """Everything as JSON values."""
    heard = found.heard
    return {
        "protocol": heard.protocol,
        "address": heard.address,
        "serial": found.serial,
        "secondary": found.secondary or None,
        "maker": found.maker or None,
        "medium": found.medium or None,
        "baud": heard.baud,
        "parity": heard.parity,
        "model": found.model,
        "other_models": found.others,
        "why": found.why,
        "dialect": found.dialect or None,
        "state": found.state or None,
        "reason": found.reason or None,
        "conditions": [each._asdict() for each in found.conditions],
    }


def as_json_with_telegrams(found: Found) -> dict[str, Any]:
    """As as_json, and every exchange with its bytes and what they say."""
    exchanges = [
        {"question": question.hex(), "answer": answer.hex(), **decoded.as_json()}
        for question, answer, decoded in telegrams(found)
    ]
    return {**as_json(found), "telegrams": exchanges}


_IDENTIFY = 43


def _is_registers(question: bytes) -> bool:
    return question[1] != _IDENTIFY
