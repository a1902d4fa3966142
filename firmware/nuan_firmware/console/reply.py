"""Prints what a command answers, bit by bit: as one line of JSON, or for people.

Nothing is built up: a list of 60 meters takes no more memory than one of them. What a JSON line
amounts to is therefore said at its end: "ok", and "error" with the reason if it isn't.
"""

import json
from binascii import b2a_base64, hexlify
from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.hal.screen import Screen
    from nuan_protocols.uplink.keys import Buffer

# Multiples of three make base64 without padding inside.
_BLOB_BYTES = const(48)
_HEX_BYTES = const(32)
# Of a column for people.
_WIDTH = const(11)
_WIDTH_OF_TWO = const(26)


class Refused(Exception):  # noqa: N818  # an answer, not an error
    """A command isn't carried out; the text says why, and how to mend it."""


class Reply:
    """One answer: put, rows and blob in any order, then end."""

    def __init__(self, screen: "Screen", is_json: bool) -> None:
        self.is_json = is_json
        self.screen = screen
        self._ident: "int | None" = None
        self._between = ""
        self._begun = self._in_rows = False
        self._columns: "tuple[str, ...]" = ()

    def name(self, ident: "int | None") -> None:
        """What the asker calls this answer; said first."""
        self._ident = ident

    async def put(self, name: str, value: "Any") -> None:
        """A member: text, a whole number, True, False, None, or a list of such."""
        if self.is_json:
            await self._member(name)
            await self.screen.write(json.dumps(value))
        else:
            await self.screen.write("%s: %s\n" % (name, shown(value)))

    async def blob(self, name: str, data: "Buffer") -> None:
        """Bytes: base64 in JSON, hexadecimal for people."""
        view = memoryview(data)
        if self.is_json:
            await self._member(name)
            await self.screen.write('"')
            for at in range(0, len(view), _BLOB_BYTES):
                await self.screen.write(b2a_base64(bytes(view[at : at + _BLOB_BYTES]))[:-1])
            await self.screen.write('"')
            return
        await self.screen.write("%s: %d bytes\n" % (name, len(view)))
        for at in range(0, len(view), _HEX_BYTES):
            piece = bytes(view[at : at + _HEX_BYTES])
            await self.screen.write("  " + hexlify(piece).decode() + "\n")

    async def file(self, name: str, path: str) -> None:
        """A text file: base64 in JSON, as it is for people."""
        if not self.is_json:
            with open(path) as file:
                while text := file.read(_BLOB_BYTES):
                    await self.screen.write(text)
            await self.screen.write("\n")
            return
        await self._member(name)
        await self.screen.write('"')
        with open(path, "rb") as file:
            while data := file.read(_BLOB_BYTES):
                await self.screen.write(b2a_base64(data)[:-1])
        await self.screen.write('"')

    async def rows(self, name: str, *columns: str) -> None:
        """A list follows, an object or a line each; row() gives one, end_rows() ends it."""
        self._columns = columns
        if self.is_json:
            await self._member(name)
            await self.screen.write("[")
            self._between = ""
            self._in_rows = True
        else:
            await self._line(columns)

    async def row(self, *values: "Any") -> None:
        """One of the list, a value for each column."""
        if not self.is_json:
            await self._line(values)
            return
        await self.screen.write(self._between + "{")
        between = ""
        for name, value in zip(self._columns, values):
            await self.screen.write('%s"%s":%s' % (between, name, json.dumps(value)))
            between = ","
        await self.screen.write("}")
        self._between = ","

    async def end_rows(self) -> None:
        """The list is complete."""
        if self._in_rows:
            self._in_rows = False
            await self.screen.write("]")

    async def end(self, error: str = "", is_locked: bool = False) -> None:
        """The answer is complete."""
        # What ended early is whole all the same.
        await self.end_rows()
        if self.is_json:
            await self._member("ok")
            if error:
                await self.screen.write('false,"error":' + json.dumps(error))
                await self.screen.write(',"locked":true}\n' if is_locked else "}\n")
            else:
                await self.screen.write("true}\n")
            return
        if error:
            await self.screen.write("refused: " + error + "\n")
        await self.screen.write("nuan> ")

    async def _member(self, name: str) -> None:
        if not self._begun:
            self._begun = True
            # A prompt or something printed may stand in the line.
            begin = "\n{" if self._ident is None else '\n{"id":%d,' % self._ident
            await self.screen.write(begin)
        else:
            await self.screen.write(",")
        await self.screen.write('"%s":' % name)

    async def _line(self, values: "tuple[Any, ...]") -> None:
        text = ""
        width = _WIDTH if len(values) > 2 else _WIDTH_OF_TWO
        for value in values:
            text += "%-*s " % (width, shown(value))
        while text.endswith(" "):
            text = text[:-1]
        await self.screen.write(text + "\n")


def shown(value: "Any") -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "-"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join([shown(each) for each in value])
    return str(value)
