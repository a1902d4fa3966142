"""One register of a telegram's layout: DIB and VIB understood once, data read again and again.

DIF   extension | storage bit 0 | function2 | data coding4
DIFE  extension | subunit | tariff2 | storage4          each adds higher bits
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.mbus.dates import date_text
from nuan_protocols.mbus.vib import plain_text
from nuan_protocols.mbus.vif_tables import DATE, IDENTIFIER, RAW, UNSIGNED
from nuan_protocols.mbus.walk import CODE_REAL, CODE_VARIABLE, DATA_BYTES
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.vib import Meaning

FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")

_CODE_BCD = 0x08
_CODES_BCD = b"\x09\x0a\x0b\x0c\x0e"
_CODE_NONE = 0x00
_CODE_SELECTION = 0x08

_LVAR_TEXT_END = 0xC0
_LVAR_BCD_END = 0xD0
_LVAR_NEGATIVE_END = 0xE0


class Field:
    """DIB and VIB of one record; `reading` gives the value of its data bytes.

    sign        highest value plus one of a plain signed integer; 0: it is coded otherwise
    plain_bcd   BCD digits that say a number
    shows_digits   the digits themselves count, leading zeros included
    is_unsigned a plain integer without a sign
    is_date     dates and times coded as integers
    is_real     a plain 32-bit real
    """

    def __init__(self, dib: "Buffer", found: "Meaning") -> None:
        self.quantity = found.quantity
        self.unit = found.unit
        self.exponent = found.exponent
        self.function = FUNCTIONS[dib[0] >> 4 & 3]
        self.storage = dib[0] >> 6 & 1
        self.tariff = 0
        self.subunit = 0
        for index in range(1, len(dib)):
            self.storage |= (dib[index] & 0x0F) << (4 * index - 3)
            self.tariff |= (dib[index] >> 4 & 3) << (2 * index - 2)
            self.subunit |= (dib[index] >> 6 & 1) << (index - 1)
        self.code = dib[0] & 0x0F
        self._coding = found.coding
        self._signed = found.coding not in (UNSIGNED, IDENTIFIER)
        self.factor = found.factor
        self._addend = found.addend
        self._problem = found.problem
        self._error = found.error
        self.sign = 0
        plain = not (found.problem or found.error or found.addend is not None)
        plain = plain and found.coding not in (DATE, UNSIGNED, RAW)
        if plain and found.coding != IDENTIFIER and self._is_integer():
            self.sign = 1 << (8 * DATA_BYTES[self.code] - 1)
        self.plain_bcd = plain and self.code in _CODES_BCD
        bare = not (found.problem or found.error or found.addend is not None)
        self.is_unsigned = bare and not self._signed and self._is_integer()
        self.is_date = bare and found.coding == DATE and self._is_integer()
        self.is_real = plain and self.code == CODE_REAL
        self.shows_digits = found.coding == IDENTIFIER

    def _is_integer(self) -> bool:
        return self.code < _CODE_BCD and self.code not in (_CODE_NONE, CODE_REAL)

    def reading(self, data: "Buffer") -> Reading:
        """The register's value. Never raises: status says what is wrong with the data."""
        sign = self.sign
        if sign:
            integer = int.from_bytes(data, "little")
            if integer >= sign:
                integer -= sign << 1
            if integer != -sign:
                return self._make(integer * self.factor, self.exponent, "ok", "")
            return self._make(None, self.exponent, "error", "")
        return self._error_reading() if self._error else self._rare(data)

    def _error_reading(self) -> Reading:
        return self._make(None, self.exponent, "error", self._error)

    def _rare(self, data: "Buffer") -> Reading:
        if self._problem:
            return self._make(None, 0, "unreadable:" + self._problem, "")
        if self._coding == RAW:
            return self._make(None, 0, "unreadable:kept as raw bytes", "")
        if self._coding == DATE:
            return self._date(data)
        return self._number(data)

    def _make(self, integer: int | None, exponent: int, status: str, text: str) -> Reading:
        return Reading(
            self.quantity,
            integer,
            exponent,
            self.unit,
            self.storage,
            self.tariff,
            self.subunit,
            self.function,
            status,
            text,
        )

    def _date(self, data: "Buffer") -> Reading:
        if self.code == CODE_VARIABLE:
            return self._make(None, 0, "unreadable:a date of variable length (type M)", "")
        if not self._is_integer():
            return self._make(None, 0, "unreadable:a date that isn't coded as an integer", "")
        text, status = date_text(data)
        return self._make(None, 0, status, text)

    def _number(self, data: "Buffer") -> Reading:
        code = self.code
        if code == CODE_VARIABLE:
            return self._variable(data)
        if code in (_CODE_NONE, _CODE_SELECTION):
            return self._make(None, self.exponent, "unreadable:no data", "")
        if code == CODE_REAL:
            from nuan_protocols.ieee754 import shortest32

            value = shortest32(int.from_bytes(data, "little"))
            if value is None:
                return self._make(None, self.exponent, "error", "")
            return self._scaled(value[0], value[1], "")
        if code > _CODE_BCD:
            return self._bcd(data, False)
        integer = int.from_bytes(data, "little")
        if self._signed and data[len(data) - 1] & 0x80:
            integer -= 1 << (8 * len(data))
        return self._scaled(integer, 0, "")

    def _scaled(self, integer: int, exponent: int, text: str) -> Reading:
        exponent += self.exponent
        integer *= self.factor
        if self._addend is not None:
            if self._addend < exponent:
                integer *= 10 ** (exponent - self._addend)
                exponent = self._addend
            integer += 10 ** (self._addend - exponent)
        return self._make(integer, exponent, "ok", text)

    def _bcd(self, data: "Buffer", negative: bool) -> Reading:
        integer = bcd.integer(data)
        if integer is None:
            return self._make(None, self.exponent, "error", bcd.digits(data))
        text = bcd.digits(data) if self.shows_digits else ""
        return self._scaled(-integer if negative else integer, 0, text)

    def _variable(self, data: "Buffer") -> Reading:
        length = data[0]
        rest = data[1:]
        if length < _LVAR_TEXT_END:
            number = self.unit not in ("", "1") and not self.quantity.startswith("text_unit")
            status = "unreadable:text instead of a number" if number else "ok"
            reading = self._make(None, 0, status, plain_text(data, 0))
        elif length < _LVAR_NEGATIVE_END:
            reading = self._bcd(rest, length >= _LVAR_BCD_END)
        elif not rest:
            reading = self._make(None, self.exponent, "unreadable:no data", "")
        else:
            integer = int.from_bytes(rest, "little")
            if self._signed and rest[len(rest) - 1] & 0x80:
                integer -= 1 << (8 * len(rest))
            reading = self._scaled(integer, 0, "")
        return reading
