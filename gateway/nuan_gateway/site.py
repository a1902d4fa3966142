"""site.toml: the building, its nodes, buses, meters, zones, flats and metering points.

A metering point is a place with a role; it outlives the meters that serve it. Every reference is
checked when the file is read, so that the rest of the gateway may follow them blindly. Bounds are
those of the firmware: what is accepted here, a node starts with.
"""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nuan_gateway.board_files import fill_in
from nuan_gateway.connect import parse_connect
from nuan_gateway.errors import SiteError
from nuan_gateway.settings import NodeId
from nuan_gateway.site_checks import check_site
from nuan_gateway.site_clock import NodeClock
from nuan_gateway.site_links import Link
from nuan_gateway.site_zones import Calendar, Clamp, Outdoor, Program, Wire, Zone
from nuan_gateway.toml_source import FilePath, Many, Section, load
from nuan_protocols.meters import registry

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} won't do; write 1 to 32 of A-Z a-z 0-9 . _ - (no space)")
    return text


def _zone_name(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"{text!r} is no time zone; write one such as 'Asia/Shanghai'")
    return text


def _area(text: object) -> Decimal:
    if not isinstance(text, str):
        raise ValueError(f'{text!r} must be in quotes to stay exact; write "{text}"')
    try:
        area = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no decimal number; write one as '92.10'") from None
    if not area.is_finite() or area <= 0:
        raise ValueError(f"{text!r} is no area; write a number above 0")
    return area


def _connect(text: str) -> str:
    return str(parse_connect(text)) if text else text


def _address(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is no address; write a number, or digits in quotes")
    return value.upper() if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_name)]
TimeZone = Annotated[str, AfterValidator(_zone_name)]
Area = Annotated[Decimal, BeforeValidator(_area)]
Pin = Annotated[int, Field(ge=-1, le=48)]
Protocol = Literal["mbus", "modbus", "cjt188", "dlt645"]
Baud = Literal[300, 600, 1200, 2400, 4800, 9600, 19200, 38400]
Parity = Literal["N", "E", "O"]
Telegram = Literal["standard", "short"]
BusName = Annotated[Name, Field(max_length=16)]


class SiteInfo(Section):
    """Who and where: the id goes into every message and signed statement.

    `models` is a folder with meter models of the user's own (nuan_protocols/meters/README.md).
    """

    id: Name
    name: str
    timezone: TimeZone = "Asia/Shanghai"
    models: FilePath | None = None


class Season(Section):
    """The civil days [start, end) in the site's time zone that one bill covers."""

    name: Name
    start: date
    end: date


class TariffFile(Section):
    """Where the tariff is."""

    file: FilePath


class Wifi(Section):
    """The network the node joins; its password lives in the node's NVS."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)] = "nuan"


class NodeMqtt(Section):
    """The broker as the node sees it; its password lives in the node's NVS."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    tls: bool = False
    # 1883, or with TLS 8883.
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: Annotated[str, Field(max_length=64)] = ""
    keepalive_s: Annotated[int, Field(ge=10, le=3600)] = 120
    ack_timeout_s: Annotated[int, Field(ge=5, le=600)] = 30


JOURNAL_BYTES = {4: 880_000, 8: 3_400_000, 16: 11_600_000}
"""Room for the journal by the board's flash in MB."""


class Journal(Section):
    """The node's journal on flash: how often it is flushed, how large it may grow.

    The node chooses `segment_bytes` by its number of meters unless it is told; `max_bytes` follows
    from the board's flash, `flash_mb`.
    """

    flush_s: Annotated[int, Field(ge=60, le=86400)] = 900
    segment_bytes: Annotated[int, Field(ge=4096, le=65536)] | None = None
    flash_mb: Literal[4, 8, 16] = 4
    max_bytes: Annotated[int, Field(ge=32768, le=16_000_000)] | None = None

    @property
    def room_bytes(self) -> int:
        """How large the journal may grow; the rest is for configuration and the file system."""
        return self.max_bytes or JOURNAL_BYTES[self.flash_mb]


class Bus(Section):
    """A line and what is at its near end: a board's UART (de -1: no driver-enable pin), or where a
    gateway node connects to. `timeout_ms`: how long a meter may take to begin its answer.

    `port`: the name of one of the board's ports, which says uart, tx, rx and de.
    """

    name: BusName
    protocol: Protocol
    port: str = ""
    uart: Annotated[int, Field(ge=1, le=2)] = 0
    tx: Pin = -1
    rx: Pin = -1
    de: Pin = -1
    connect: Annotated[str, AfterValidator(_connect)] = ""
    # The usual values; a file must say them wherever there is a serial line.
    baud: Baud = 2400
    parity: Parity = "E"
    timeout_ms: Annotated[int, Field(ge=20, le=10_000)]


class Node(Section):
    """Who reads meters and keeps a journal: a board with network and flash, or the gateway itself
    (`kind = "gateway"`), whose journal is the database.

    `board`: a board nuan knows (board_files.py), which says its pins.
    """

    id: NodeId
    kind: Literal["board", "gateway"] = "board"
    board: str = ""
    config_version: Annotated[int, Field(ge=1, le=65535)]
    led: Pin = -1
    wifi: Wifi = Wifi()
    links: Annotated[Many[Link], Field(alias="link")] = ()
    mqtt: NodeMqtt | None = None
    journal: Journal = Journal()
    clock: NodeClock = NodeClock()
    buses: Annotated[Many[Bus], Field(alias="bus")] = ()
    wires: Annotated[Many[Wire], Field(alias="wire")] = ()

    @property
    def lines(self) -> tuple[Bus | Wire, ...]:
        """Everything meters hang on."""
        return (*self.buses, *self.wires)

    @model_validator(mode="before")
    @classmethod
    def _with_board(cls, data: object) -> object:
        return fill_in(cast("dict[str, Any]", data)) if isinstance(data, dict) else data


class Meter(Section):
    """A meter on a node's bus; the slot is the number its journal entries carry.

    `address` as printed on the meter: a number (M-Bus primary, Modbus), or digits: M-Bus secondary
    (16), CJ/T 188 (14), DL/T 645 (12). `baud` and `parity` where they differ from the bus's.
    `telegram`: which one an M-Bus meter is asked for, where its model has a short one that costs
    its battery less. `allow`: commands beyond reading that a board may send, none unless named.
    """

    serial: Name
    model: str
    node: NodeId
    bus: BusName
    slot: Annotated[int, Field(ge=1, le=65535)]
    address: Annotated[int | str, BeforeValidator(_address)]
    every_s: Annotated[int, Field(ge=60, le=86400)]
    baud: Baud | None = None
    parity: Parity | None = None
    telegram: Telegram = "standard"
    allow: Many[Literal["valve"]] = ()


class Unit(Section):
    """A flat: what gets a bill."""

    id: Name
    area_m2: Area
    name: str = ""


Role = Literal["household_heat", "building_heat", "gas", "electricity", "water", "room_temperature"]


class Point(Section):
    """A metering point, the meter that serves it and, for a household's, its flat."""

    id: Name
    role: Role
    meter: Name
    unit: Name | None = None


class Site(Section):
    """site.toml."""

    format: Literal[1]
    site: SiteInfo
    season: Season
    tariff: TariffFile
    nodes: Annotated[Many[Node], Field(alias="node")] = ()
    meters: Annotated[Many[Meter], Field(alias="meter")] = ()
    zones: Annotated[Many[Zone], Field(alias="zone")] = ()
    programs: Annotated[Many[Program], Field(alias="program")] = ()
    calendar: Calendar = Calendar()
    clamp: Clamp = Clamp()
    outdoors: Annotated[Many[Outdoor], Field(alias="outdoor")] = ()
    units: Annotated[Many[Unit], Field(alias="unit")] = ()
    points: Annotated[Many[Point], Field(alias="point")] = ()

    @cached_property
    def time_zone(self) -> ZoneInfo:
        """The civil time that seasons and days follow."""
        return ZoneInfo(self.site.timezone)

    def node(self, node: str) -> Node:
        """The node with this id; raises KeyError."""
        return next((item for item in self.nodes if item.id == node), None) or _unknown(node)

    @property
    def boards(self) -> list[Node]:
        """The nodes that are boards of their own."""
        return [node for node in self.nodes if node.kind == "board"]

    @property
    def gateway_nodes(self) -> list[Node]:
        """The nodes whose lines the gateway polls itself."""
        return [node for node in self.nodes if node.kind == "gateway"]

    def meters_of(self, node: str) -> list[Meter]:
        """The node's meters in slot order."""
        return sorted((m for m in self.meters if m.node == node), key=lambda meter: meter.slot)


def _unknown(node: str) -> Node:
    raise KeyError(node)


def load_site(path: Path) -> Site:
    """Read site.toml and check every reference in it; raises SiteError with every problem."""
    site, source = load(path, Site, SiteError)
    if site.site.models is not None:
        try:
            registry.add_folder(str(site.site.models))
        except registry.ModelFileError as error:
            raise SiteError([source.problem(("site", "models"), str(error))]) from error
    problems = check_site(site, source)
    if problems:
        raise SiteError(problems)
    return site
