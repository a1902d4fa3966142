"""Telegrams as people paste them: hexadecimal with spaces, colons, commas, dashes or 0x."""

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

_SEPARATORS = " \t\r\n:,;-_"
_DIGITS = "0123456789abcdefABCDEF"
TELEGRAM_BYTES_MIN = 5


def parse(text: str, where: str) -> bytes:
    """The bytes written in `text`. Raises UserError that names `where` and the column from 1."""
    digits: list[str] = []
    column = 0
    last_digit = 0
    while column < len(text):
        character = text[column]
        if character == "0" and text[column + 1 : column + 2] in {"x", "X"} and not len(digits) % 2:
            column += 2
            continue
        if character in _DIGITS:
            digits.append(character)
            last_digit = column + 1
        elif character not in _SEPARATORS:
            raise UserError(
                tr(
                    "{where}, column {column}: {character} is no hexadecimal digit; "
                    "write bytes as 68 0F or 680F",
                    where=where,
                    column=column + 1,
                    character=repr(character),
                )
            )
        column += 1
    if not digits:
        raise UserError(tr("{where}: no bytes; write them as 68 0F or 680F", where=where))
    if len(digits) % 2:
        raise UserError(
            tr(
                "{where}, column {column}: an odd number of digits ({count}); "
                "the last byte is half",
                where=where,
                column=last_digit,
                count=len(digits),
            )
        )
    return bytes.fromhex("".join(digits))


def join_bytes(arguments: list[str]) -> list[str]:
    """One text a telegram: arguments too short for one were one telegram, split by the shell."""
    if len(arguments) > 1 and any(_is_fragment(argument) for argument in arguments):
        return [" ".join(arguments)]
    return arguments


def _is_fragment(text: str) -> bool:
    digits = [character for character in text if character in _DIGITS]
    # E5, the acknowledgement, is the one telegram of a single byte.
    return len(digits) < 2 * TELEGRAM_BYTES_MIN and "".join(digits).upper() != "E5"
