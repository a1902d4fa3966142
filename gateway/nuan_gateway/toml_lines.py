"""Finds the line of every key in a TOML text that tomllib has already accepted.

tomllib tells lines only for syntax errors; a value that is well-formed and wrong needs this. The
scanner trusts the text: it follows strings, comments, brackets and headers, and checks nothing.
"""

import re
import tomllib

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2}(?!"))'
    r"|'''.*?'''(?:'{0,2}(?!'))"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


def locate(text: str) -> dict[KeyPath, int]:
    """Map each key path, array positions counted from 0, to its line, counted from 1."""
    # tomllib reads CRLF as LF: line numbers stay the same, and the patterns need one kind only.
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.tables: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        while self.skip(_BLANK):
            if self.text.startswith("[[", self.at):
                table = self.header(2)
            elif self.text[self.at] == "[":
                table = self.header(1)
            else:
                self.pair(table)

    def header(self, brackets: int) -> KeyPath:
        """Read `[a.b]` or `[[a.b]]`: names inside an array of tables mean its last table."""
        self.at += brackets
        keys = self.key()
        self.at += brackets
        path: KeyPath = ()
        for depth, key in enumerate(keys):
            path = (*path, key)
            last = depth == len(keys) - 1
            if last and brackets == 2:
                self.tables[path] = self.tables.get(path, -1) + 1
            if path in self.tables:
                self.note(path)
                path = (*path, self.tables[path])
            self.note(path)
        return path

    def pair(self, table: KeyPath) -> None:
        path = table
        for key in self.key():
            path = (*path, key)
            self.note(path)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def key(self) -> list[str]:
        """Read a dotted key and the space around it."""
        keys: list[str] = []
        while True:
            self.skip(_SPACE)
            if self.text[self.at] in "\"'":
                keys.append(tomllib.loads(f"k={self.take(_STRING)}")["k"])
            else:
                keys.append(self.take(_BARE_KEY))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def value(self, path: KeyPath) -> None:
        start = self.text[self.at]
        if start == "[":
            self.at += 1
            self.array(path)
        elif start == "{":
            self.at += 1
            self.inline_table(path)
        else:
            self.take(_STRING if start in "\"'" else _SCALAR)

    def array(self, path: KeyPath) -> None:
        position = 0
        while self.skip(_BLANK) and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            item = (*path, position)
            self.note(item)
            self.value(item)
            position += 1
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        while self.skip(_BLANK) and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.pair(path)
        self.at += 1

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.line)

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None, f"line {self.line}: tomllib accepted what the scanner can't read"
        self.at = found.end()
        self.line += found[0].count("\n")
        return found[0]

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Step over what the pattern matches; False at the end of the text."""
        self.take(pattern)
        return self.at < len(self.text)
