"""A board's non-volatile store: 32-bit integers and blobs by "namespace/key", in a JSON file."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from nuan_emulator.errors import BoardError

NvsValue = int | bytes


class NvsFile:
    """The store of one board; what was not committed is lost with the power."""

    def __init__(self, path: Path, initial: Mapping[str, NvsValue]) -> None:
        self._path = path
        self._values: dict[str, bytes] = {}
        self._pending: dict[str, bytes] = {}
        if path.exists():
            self._values = _load(path)
        else:
            self._values = {name: encode_value(value) for name, value in initial.items()}
            self._save()

    def read(self, name: str) -> bytes:
        """The tagged value ("i" and 4 bytes, or "b" and a blob), or nothing."""
        return self._values.get(name, b"")

    def write(self, name: str, tagged: bytes) -> None:
        """Set a value at the next commit; nothing removes it."""
        self._pending[name] = tagged

    def commit(self) -> None:
        """Make what was written last."""
        for name, tagged in self._pending.items():
            if tagged:
                self._values[name] = tagged
            else:
                self._values.pop(name, None)
        self._pending.clear()
        self._save()

    def discard(self) -> None:
        """The board lost its power: forget what was not committed."""
        self._pending.clear()

    def _save(self) -> None:
        scratch = self._path.with_suffix(".new")
        values = {name: tagged.hex() for name, tagged in sorted(self._values.items())}
        scratch.write_text(json.dumps(values, indent=1), encoding="utf-8")
        scratch.replace(self._path)


def encode_value(value: NvsValue) -> bytes:
    """The tagged form of an integer (-2**31 to 2**31 - 1) or a blob."""
    return b"b" + value if isinstance(value, bytes) else b"i" + struct.pack("<i", value)


def _load(path: Path) -> dict[str, bytes]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {name: bytes.fromhex(tagged) for name, tagged in values.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BoardError(
            f"{path}: not a board's store ({error}); remove it to begin anew"
        ) from error
