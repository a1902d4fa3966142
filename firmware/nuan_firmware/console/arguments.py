"""What a command was given, by name: from a program's JSON, or from a person's words.

    {"id":1,"cmd":"read","slot":3}        read 3        read slot=3        exchange who="Wang Li"

Words without a name take the command's names in their order. Every value is checked where it is
read; a name that the command doesn't know is refused before anything is done.
"""

import json
from binascii import a2b_base64
from typing import TYPE_CHECKING

from nuan_firmware.console.reply import Refused

if TYPE_CHECKING:
    from typing import Any


class Arguments:
    """Values by name."""

    def __init__(self, values: "dict[str, Any]") -> None:
        self._values = values

    def check(self, command: str, names: "tuple[str, ...]") -> None:
        """Refuse what isn't one of the names."""
        for name in sorted(self._values):
            if name not in names:
                known = ", ".join(names) or "no argument"
                raise Refused("%s: unknown argument; %s takes %s" % (name, command, known))

    def integer(self, name: str, low: int, high: int, default: "int | None" = None) -> int:
        """A whole number within low..high."""
        value = self._values.get(name, default)
        if isinstance(value, str) and value.isdigit() and len(value) < 12:
            value = int(value)
        # On the board True is no int, on the PC it is one: refuse it on both.
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Refused("%s: a whole number from %d to %d is needed" % (name, low, high))
        return value

    def text(self, name: str, most: int, default: "str | None" = None) -> str:
        """A text of at most so many bytes, without control characters."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or (not value and default != ""):
            raise Refused("%s: a text is needed" % name)
        if len(value.encode()) > most:
            raise Refused("%s: at most %d bytes" % (name, most))
        for character in value:
            if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
                raise Refused("%s: no control characters" % name)
        return value

    def choice(self, name: str, choices: "tuple[str, ...]", default: "str | None" = None) -> str:
        """One of the choices."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or value not in choices:
            raise Refused("%s: one of %s is needed" % (name, ", ".join(choices)))
        return value

    def blob(self, name: str) -> bytes:
        """Bytes, given as base64."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise Refused("%s: base64 text is needed" % name)
        try:
            return a2b_base64(value)
        except ValueError:
            raise Refused("%s: not base64" % name) from None

    def hexadecimal(self, name: str, size: int) -> bytes:
        """So many bytes, given as hex digits."""
        value = self._values.get(name)
        if isinstance(value, str) and len(value) == 2 * size:
            try:
                return bytes.fromhex(value)
            except ValueError:
                pass
        raise Refused("%s: %d hex digits are needed" % (name, 2 * size))

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return name in self._values


def from_json(line: str) -> "tuple[int | None, str, dict[str, Any]]":
    """(id or None, command, its arguments). Raises Refused."""
    try:
        asked = json.loads(line)
    except ValueError:
        raise Refused("this is no JSON: one object in one line is needed") from None
    if not isinstance(asked, dict):
        raise Refused("a JSON object is needed")
    for name in asked:
        if not isinstance(name, str):
            raise Refused("names are texts in JSON")
    command = asked.pop("cmd", None)
    ident = asked.pop("id", None)
    if not isinstance(ident, int) or isinstance(ident, bool) or not 0 <= ident < 1 << 30:
        ident = None
    if not isinstance(command, str):
        raise Refused('"cmd": the name of a command is needed')
    return ident, command, asked


def from_words(line: str) -> "tuple[str, list[str]]":
    """(command, the words behind it); quotes hold a word with spaces together. Raises Refused."""
    words: "list[str]" = []
    word = ""
    quoted = begun = False
    for character in line:
        if character == '"':
            quoted = not quoted
            begun = True
        elif character == " " and not quoted:
            if begun:
                words.append(word)
            word = ""
            begun = False
        else:
            word += character
            begun = True
    if quoted:
        raise Refused('a quotation mark (") is missing')
    if begun:
        words.append(word)
    return (words[0] if words else ""), words[1:]


def named(words: "list[str]", names: "tuple[str, ...]") -> "dict[str, Any]":
    """Words by name: as `name=value`, or in the order of the names."""
    values: "dict[str, Any]" = {}
    place = 0
    for word in words:
        name, is_named, value = word.partition("=")
        if not (is_named and name in names):
            while place < len(names) and names[place] in values:
                place += 1
            if place == len(names):
                raise Refused("%s: one word too many" % word[:20])
            name, value = names[place], word
        values[name] = value
    return values
