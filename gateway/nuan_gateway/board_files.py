"""The boards nuan knows: one TOML file each, named like the board.

A site's node names its `board`, its buses name a `port` of it, and a link of kind "ethernet" or
"ppp" needs no pins; whatever the site file says itself stands. So pins are written down once, by
somebody with the schematic.
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, cast

from pydantic import Field, ValidationError

from nuan_gateway.toml_source import Section

Pin = Annotated[int, Field(ge=-1, le=48)]
Chip = Literal["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6"]
_FOLDER = "boards"
_SUFFIX = ".toml"
_PORT_KEYS = ("uart", "tx", "rx", "de")
# From a link's kind to the part of a board that it needs.
_LINK_PARTS = {"ethernet": "ethernet", "ppp": "modem"}


class BoardPort(Section):
    """A serial line's end on the board; `about` tells a person what to connect."""

    uart: Annotated[int, Field(ge=1, le=2)]
    tx: Pin
    rx: Pin
    de: Pin = -1
    about: str = ""


class Board(Section):
    """What is where on a board; `ethernet` and `modem` are keys of a link."""

    title: str
    source: str
    chip: Chip
    flash_mb: Literal[4, 8, 16]
    led: Pin = -1
    rtc: dict[str, int] = Field(default_factory=dict)
    ports: dict[str, BoardPort] = Field(default_factory=dict)
    pins: dict[str, Pin] = Field(default_factory=dict)
    ethernet: dict[str, Any] = Field(default_factory=dict)
    modem: dict[str, Any] = Field(default_factory=dict)


@cache
def board_names() -> tuple[str, ...]:
    """The names of all boards."""
    folder = files("nuan_gateway").joinpath(_FOLDER)
    names = (item.name for item in folder.iterdir())
    return tuple(sorted(name[: -len(_SUFFIX)] for name in names if name.endswith(_SUFFIX)))


@cache
def board(name: str) -> Board:
    """The board of that name; raises ValueError that names those there are."""
    if name not in board_names():
        raise ValueError(f"{name!r} is no board nuan knows; known are {', '.join(board_names())}")
    text = files("nuan_gateway").joinpath(_FOLDER, name + _SUFFIX).read_text("utf-8")
    try:
        return Board.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise ValueError(f"boards/{name}{_SUFFIX}: {error}") from error


def fill_in(node: Mapping[str, Any]) -> dict[str, Any]:
    """The node's table with what its board says added; raises ValueError."""
    filled = dict(node)
    name = filled.get("board", "")
    if not name or not isinstance(name, str):
        return filled
    found = board(name)
    filled["bus"] = _each(filled.get("bus"), lambda bus: _bus(bus, name, found))
    filled["link"] = _each(filled.get("link"), lambda link: _link(link, name, found))
    if found.led >= 0:
        filled.setdefault("led", found.led)
    journal = filled.get("journal", {})
    if isinstance(journal, dict):
        filled["journal"] = {"flash_mb": found.flash_mb} | cast("dict[str, Any]", journal)
    return {key: value for key, value in filled.items() if value is not None}


def _each(items: object, fill: Callable[[dict[str, Any]], dict[str, Any]]) -> object:
    if not isinstance(items, list):
        return items
    listed = cast("list[object]", items)
    return [
        fill(cast("dict[str, Any]", item)) if isinstance(item, dict) else item for item in listed
    ]


def _bus(bus: dict[str, Any], name: str, found: Board) -> dict[str, Any]:
    if "port" not in bus:
        return bus
    port = found.ports.get(bus["port"])
    if port is None:
        known = ", ".join(sorted(found.ports))
        raise ValueError(f"{name} has no port {bus['port']!r}; it has {known}")
    return {key: getattr(port, key) for key in _PORT_KEYS} | bus


def _link(link: dict[str, Any], name: str, found: Board) -> dict[str, Any]:
    part = _LINK_PARTS.get(link.get("kind", ""))
    if part is None:
        return link
    keys: dict[str, Any] = getattr(found, part)
    if not keys and len(link) == 1:
        raise ValueError(f"{name} has no {part}; name the pins of the link, or take another kind")
    return keys | link
