"""What several commands' options mean, checked before a line is touched."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from nuan_tools.errors import UserError
from nuan_tools.field.settings import AUTO, BAUDS, OneProtocol
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_tools.field.session import Wish

KEY_BYTES = 16


def check_dialect(name: str | None) -> None:
    """Raises UserError for a CJ/T 188 dialect that there isn't."""
    from nuan_protocols.cjt188.dialects import DIALECTS

    if name is not None and name not in DIALECTS:
        known = ", ".join(get_close_matches(name, DIALECTS, cutoff=0.5) or DIALECTS)
        raise UserError(tr("--dialect {name}: write one of {known}", name=name, known=known))


def parse_key(text: str | None) -> bytes | None:
    """The 16 bytes of an M-Bus key. Raises UserError."""
    from nuan_tools.hexadecimal import parse

    if text is None:
        return None
    key = parse(text, "--key")
    if len(key) != KEY_BYTES:
        raise UserError(tr("--key: a key has 16 bytes, this one has {count}", count=len(key)))
    return key


def check_baud(baud: int | None) -> None:
    """Raises UserError for a baud rate that no meter has."""
    if baud is not None and baud not in BAUDS:
        raise UserError(
            tr("--baud {baud}: write one of {known}", baud=baud, known=", ".join(map(str, BAUDS)))
        )


def wish_of(
    connect: str,
    protocol: str,
    settings: tuple[str, str | None, int | None],
    span: tuple[int, int],
    secondary: tuple[bool, bool],
    addresses: list[str],
) -> "Wish":
    """What `nuan scan` shall look for; settings: baud rate or "auto", parity, answer time;
    secondary: search so, and quickly.

    Raises UserError.
    """
    from nuan_tools.field.line import connect_to
    from nuan_tools.field.session import Wish
    from nuan_tools.field.target import parse_address

    baud, parity, answer_ms = settings
    number = None
    if baud != AUTO:
        number = int(baud) if baud.isdecimal() else 0
        check_baud(number)
    if span[0] > span[1]:
        raise UserError(tr("--from {first} is above --to {last}", first=span[0], last=span[1]))
    every = protocol == "all"
    protocols = tuple(each.value for each in OneProtocol) if every else (protocol,)
    if addresses and protocol not in ("cjt188", "dlt645"):
        raise UserError(tr("--address: say with --protocol cjt188 or dlt645 whose it is"))
    printed = tuple(str(parse_address(protocol, each)) for each in addresses)
    if secondary[0] and "mbus" not in protocols:
        raise UserError(tr("--secondary is for M-Bus"))
    where = connect_to(connect)
    return Wish(where, protocols, number, parity, *span, *secondary, printed, answer_ms)
