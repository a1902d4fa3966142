"""Baud rates and parities in the order in which meters are likely to have them."""

from enum import StrEnum

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
AUTO = "auto"
# Baud rate and parity, the likeliest first.
_CHARACTERS = {
    "mbus": "2400E 9600E 300E 4800E 1200E 600E 19200E 38400E 2400N 9600N",
    "cjt188": "2400E 9600E 2400N 9600N 4800E 1200E 4800N 1200N",
    "dlt645": "2400E 9600E 1200E 4800E 19200E 2400N 9600N",
    "modbus": "9600N 9600E 2400E 2400N 4800N 4800E 19200E 19200N 38400N 38400E 1200N 1200E",
}


class Protocols(StrEnum):
    """What `--protocol` takes where all may be meant."""

    MBUS = "mbus"
    MODBUS = "modbus"
    CJT188 = "cjt188"
    DLT645 = "dlt645"
    ALL = "all"


class OneProtocol(StrEnum):
    """What `--protocol` takes where one is meant."""

    MBUS = "mbus"
    MODBUS = "modbus"
    CJT188 = "cjt188"
    DLT645 = "dlt645"


class Parity(StrEnum):
    """What `--parity` takes."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


def usual_character(protocol: str) -> tuple[int, str]:
    """Baud rate and parity that most meters of a protocol have."""
    return candidates(protocol, None, None)[0]


def candidates(protocol: str, baud: int | None, parity: str | None) -> list[tuple[int, str]]:
    """What to try, the likeliest first; a given baud rate or parity stays."""
    found: list[tuple[int, str]] = []
    for usual in _CHARACTERS[protocol].split():
        each = (baud or int(usual[:-1]), parity or usual[-1])
        if each not in found:
            found.append(each)
    return found
