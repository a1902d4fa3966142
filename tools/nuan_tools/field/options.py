"""What several commands' options mean, checked before a line is touched."""

from difflib import get_close_matches

from nuan_tools.errors import UserError
from nuan_tools.field.settings import BAUDS
from nuan_tools.i18n import tr

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
