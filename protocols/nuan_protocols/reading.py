"""One value of one meter, exact: integer * 10**exponent in the named base unit."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class Reading(NamedTuple):
        """One register's value.

        quantity    of quantity.UNITS_OF, perhaps with qualifiers ("energy", "voltage:l1")
        integer, exponent   value = integer * 10**exponent in `unit`; integer None: no number
        storage, tariff, subunit   numbers, 0 = current value, total, main device
        function    "instantaneous" | "maximum" | "minimum" | "error"
        status      "ok" | "error" (the meter's own error state) | "unreadable:<reason>"
        text        dates (ISO 8601), plain text, undecodable digits; else ""
        """

        quantity: str
        integer: int | None
        exponent: int
        unit: str
        storage: int
        tariff: int
        subunit: int
        function: str
        status: str
        text: str

else:
    from collections import namedtuple

    Reading = namedtuple(
        "Reading",
        (
            "quantity",
            "integer",
            "exponent",
            "unit",
            "storage",
            "tariff",
            "subunit",
            "function",
            "status",
            "text",
        ),
    )


def decimal_text(integer: int, exponent: int) -> str:
    """integer * 10**exponent written out, no digit lost or added: (56108, -2) -> "561.08"."""
    if exponent >= 0:
        return str(integer * 10**exponent)
    digits = str(abs(integer))
    if len(digits) <= -exponent:
        digits = "0" * (1 - exponent - len(digits)) + digits
    return ("-" if integer < 0 else "") + digits[:exponent] + "." + digits[exponent:]


def value_text(reading: "Reading") -> str:
    """A reading in a few words: value and unit, its text, or why there is neither."""
    if reading.integer is not None:
        value = decimal_text(reading.integer, reading.exponent)
        return value if reading.unit in ("", "1") else f"{value} {reading.unit}"
    if reading.status == "ok":
        return reading.text
    return f"{reading.status} {reading.text}" if reading.text else reading.status
