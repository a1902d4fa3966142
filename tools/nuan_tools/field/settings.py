"""Baud rates and parities in the order in which meters are likely to have them."""

from enum import StrEnum

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
AUTO = "auto"
_METERS = (
    (2400, "E"),
    (9600, "E"),
    (2400, "N"),
    (9600, "N"),
    (4800, "E"),
    (1200, "E"),
    (300, "E"),
    (600, "E"),
    (19200, "E"),
    (38400, "E"),
    (4800, "N"),
    (1200, "N"),
    (19200, "N"),
    (38400, "N"),
)
_MODBUS = (
    (9600, "N"),
    (9600, "E"),
    (2400, "E"),
    (2400, "N"),
    (4800, "N"),
    (4800, "E"),
    (19200, "E"),
    (19200, "N"),
    (38400, "N"),
    (38400, "E"),
    (1200, "N"),
    (1200, "E"),
)


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
    usual = _MODBUS if protocol == "modbus" else _METERS
    found: list[tuple[int, str]] = []
    for one_baud, one_parity in usual:
        each = (baud or one_baud, parity or one_parity)
        if each not in found:
            found.append(each)
    return found
