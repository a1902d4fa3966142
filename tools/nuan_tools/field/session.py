"""A scan in progress: what is wanted, what was found, where it stands, and a file to go on from."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nuan_gateway.connect import Connect
from nuan_protocols.errors import ProtocolError
from nuan_tools.errors import UserError
from nuan_tools.field.found import Found, describe
from nuan_tools.field.heard import Heard, from_json
from nuan_tools.i18n import tr

_FORMAT = "nuan scan 1"
PERMILLE = 1000


@dataclass(frozen=True)
class Wish:
    """What to look for. `baud` and `parity` None: try the usual ones. `quick`: in a secondary
    search one silence is enough.

    `first`, `last` bound M-Bus primary and Modbus addresses; `addresses` are those of CJ/T 188 and
    DL/T 645 meters to ask instead of searching.
    """

    connect: Connect
    protocols: tuple[str, ...]
    baud: int | None = None
    parity: str | None = None
    first: int = 0
    last: int = 250
    secondary: bool = False
    quick: bool = False
    addresses: tuple[str, ...] = ()
    answer_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What must be the same when a scan goes on."""
        return {
            "connect": str(self.connect),
            "protocols": list(self.protocols),
            "baud": self.baud,
            "parity": self.parity,
            "first": self.first,
            "last": self.last,
            "secondary": self.secondary,
            "addresses": list(self.addresses),
        }


@dataclass
class Session:
    """A scan. `states` hold what each protocol's search needs to go on, `done` those finished.

    `on_progress` is told (stage, permille), `on_found` each new meter.
    """

    wish: Wish
    found: list[Found] = field(default_factory=list[Found])
    notes: list[str] = field(default_factory=list[str])
    states: dict[str, Any] = field(default_factory=dict[str, Any])
    done: list[str] = field(default_factory=list[str])
    on_progress: Callable[[str, int], None] = lambda _stage, _permille: None
    on_found: Callable[[Found], None] = lambda _found: None
    stage: str = ""

    def progress(self, permille: int) -> None:
        """So much of the present stage is done."""
        self.on_progress(self.stage, permille)

    def begin(self, stage: str) -> None:
        """What is being done now, in words."""
        self.stage = stage
        self.on_progress(stage, 0)

    def hit(self, heard: Heard) -> bool:
        """A meter has said who it is; False when what it said can't be read after all."""
        try:
            found = describe(heard)
        except ProtocolError as error:
            self.note(
                tr("{address}: its answer can't be read: {why}", address=heard.address, why=error)
            )
            return False
        known = [(each.protocol, each.address) for each in self.found]
        if (found.protocol, found.address) not in known:
            self.found.append(found)
            self.on_found(found)
        return True

    def replace(self, found: Found, heard: Heard) -> None:
        """The same meter has said more."""
        self.found[self.found.index(found)] = describe(heard)

    def knows(self, protocol: str, address: int | str) -> bool:
        """Whether it was found already."""
        return any((each.protocol, each.address) == (protocol, address) for each in self.found)

    def note(self, text: str) -> None:
        """Something the user must know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def save(self, path: Path) -> None:
        """Write what is needed to go on. Raises OSError."""
        kept = {
            "format": _FORMAT,
            "wish": self.wish.as_json(),
            "found": [each.heard.as_json() for each in self.found],
            "notes": self.notes,
            "states": self.states,
            "done": self.done,
        }
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def load(self, path: Path) -> None:
        """Go on from a file. Raises UserError when it isn't one, or another scan's."""
        try:
            kept = json.loads(path.read_text("utf-8"))
            if kept["format"] != _FORMAT:
                raise ValueError(_FORMAT)
            wish, heard = kept["wish"], [from_json(each) for each in kept["found"]]
            notes, states, done = kept["notes"], kept["states"], kept["done"]
        except (ValueError, KeyError, TypeError):
            raise UserError(
                tr("{path}: this is no unfinished scan; leave out --resume", path=path)
            ) from None
        mine = self.wish.as_json()
        changed = [key for key in mine if mine[key] != wish.get(key)]
        if changed:
            raise UserError(
                tr(
                    "{path}: an unfinished scan with another {what}; give the same options, "
                    "or another file",
                    path=path,
                    what=", ".join(changed),
                )
            )
        for each in heard:
            self.hit(each)
        self.notes = [str(each) for each in notes]
        self.states, self.done = dict(states), list(done)
